"""Transfers in Notch Pay's words once they are made: found, listed, decided; and the balance."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from guichet.dialects.notchpay.ids import read_id
from guichet.gateway import Gateway
from guichet.services.transfers import approve_transfer, refuse_transfer
from guichet.web.asgi import Asgi
from wire.client import Client
from wire.notchpay.requests import made, processed
from wire.notchpay.senders import OPENING, ORANGE, balance, broken, enrich, granting, sent
from wire.notchpay.shops import MakeShop

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("sound_books")]


# --- found ---------------------------------------------------------------------------------------


async def test_transfer_is_found_by_either_reference(sending: Client) -> None:
    made = await sent(sending, reference="mine")
    for key in (made["id"], made["reference"], "mine", f"{made['reference']}?currency=XAF"):
        answer = await sending.get(f"/transfers/{key}")
        assert answer.status == 200
        assert answer.json()["message"] == "Transfer retrieved"
        assert answer.json()["transfer"] == made


@pytest.mark.parametrize("key", ["nobody", "trf.test_0000000000000000000001", "%00", "a%FFb"])
async def test_unknown_transfer_is_not_found(sending: Client, key: str) -> None:
    answer = await sending.get(f"/transfers/{key}")

    assert (answer.status, answer.json()["message"]) == (404, "Transfer not found")


async def test_transfer_of_another_merchant_is_not_found(
    app: Asgi, sending: Client, make_shop: MakeShop
) -> None:
    made = await sent(sending, reference="not-yours")
    stranger = granting(app, await make_shop())

    for key in (made["id"], "not-yours"):
        assert (await stranger.get(f"/transfers/{key}")).status == 404
        assert (await stranger.call("DELETE", f"/transfers/{key}")).status == 404


async def test_list_is_newest_first_under_each_of_its_names(sending: Client) -> None:
    references = [(await sent(sending))["reference"] for _ in range(3)]
    body = (await sending.get("/transfers?limit=2")).json()

    assert body["message"] == "Transfers retrieved"
    assert (body["totals"], body["last_page"], body["current_page"], body["selected"]) == (
        3,
        2,
        1,
        2,
    )
    assert [each["reference"] for each in body["items"]] == references[:0:-1]
    assert body["items"] == body["data"] == body["transfers"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=complete", 2),
        ("status=failed", 1),
        ("status=complete,failed", 3),
        ("status=nonsense", 0),
        ("channels=cm.orange", 1),
        ("channels[0]=cm.orange&channels[1]=cm.mtn", 3),
        ("search=wages", 1),
        ("search=BERTHE", 1),
        ("search=237690000000", 1),
        ("date_start=2020-01-01&date_end=2020-01-02", 0),
        ("date_start=2020-01-01", 3),
        ("page=9", 0),
    ],
)
async def test_list_is_narrowed_down(sending: Client, query: str, found: int) -> None:
    await sent(sending, reference="wages-1")
    await sent(sending, beneficiary_data={"name": "A", "phone": "237670000001"})
    body = {"name": "Berthe", "phone": ORANGE}
    await sent(sending, channel="cm.orange", beneficiary_data=body)

    assert (await sending.get(f"/transfers?{query}")).json()["selected"] == found


async def test_list_is_searched_by_our_reference(sending: Client) -> None:
    made, _ = await sent(sending), await sent(sending)

    body = (await sending.get(f"/transfers?search={made['reference']}")).json()
    assert [each["id"] for each in body["items"]] == [made["id"]]


# --- decided by a second person ------------------------------------------------------------------


@pytest_asyncio.fixture(loop_scope="module")
async def checked(app: Asgi, make_shop: MakeShop, owner: asyncpg.Connection[Any]) -> Client:
    """The client of a merchant whose transfers a second person agrees to."""
    shop = await make_shop(approves_transfers=True)
    await enrich(owner, shop)
    return granting(app, shop)


async def test_transfer_that_waits_for_its_checker_can_be_canceled(checked: Client) -> None:
    made = await sent(checked)
    assert made["status"] == "pending"
    assert (await balance(checked))["reserved"] == 1500
    answer = await checked.call("DELETE", f"/transfers/{made['id']}", b"{}")

    assert (answer.status, answer.json()["transfer"]["status"]) == (202, "canceled")
    assert (await balance(checked))["available"] == OPENING


async def test_transfer_that_left_cannot_be_canceled(sending: Client) -> None:
    made = await sent(sending)
    answer = await sending.call("DELETE", f"/transfers/{made['id']}")

    assert (answer.status, answer.json()["message"]) == (422, "Transfer cannot be canceled")


@pytest.mark.parametrize(
    ("decide", "status"), [(approve_transfer, "complete"), (refuse_transfer, "canceled")]
)
async def test_checker_decides(gateway: Gateway, checked: Client, decide: Any, status: str) -> None:
    made = await sent(checked)
    identifier = read_id("transfer", made["id"])
    assert isinstance(identifier, UUID)
    found = gateway.access.key(checked.headers["x-grant"])
    assert found is not None
    await decide(gateway, gateway.access.application(found[0]), identifier)

    shown = await checked.get(f"/transfers/{made['id']}")
    assert shown.json()["transfer"]["status"] == status


# --- the balance ---------------------------------------------------------------------------------


async def test_balance_is_the_ledgers_own(sending: Client, notch: Client) -> None:
    assert await balance(sending) == {
        "reserved": 0,
        "total": OPENING,
        "pending": 0,
        "credit": 0,
        "available": OPENING,
        "currency": "XAF",
        "environment": "sandbox",
    }
    payment = await made(notch, amount=5000)
    await processed(notch, payment["reference"])
    await sent(sending, beneficiary_data={"name": "A", "phone": "237670000005"})

    after = await balance(sending)
    assert (after["available"], after["reserved"]) == (OPENING + 3500, 1500)
    assert after["total"] == OPENING + 5000


async def test_balance_in_another_currency_is_nothing(sending: Client) -> None:
    answer = await sending.get("/balance?currency=xof")

    found = answer.json()["balance"]
    assert (answer.json()["message"], found["currency"]) == ("Balance retrieved", "XOF")
    assert found["total"] == 0


@pytest.mark.parametrize("currency", ["XXX", "%00", "a" * 400])
async def test_balance_in_no_currency_is_refused(sending: Client, currency: str) -> None:
    assert broken(await sending.get(f"/balance?currency={currency}")) == {"currency"}
