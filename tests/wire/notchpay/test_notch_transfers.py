"""Transfers and the balance in Notch Pay's words (contract 7 and 12), by simulated operators."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from guichet.dialects.notchpay.ids import read_id
from guichet.gateway import Gateway
from guichet.services.transfers import approve_transfer, refuse_transfer
from guichet.store.audit import findings
from guichet.web.asgi import Asgi
from wire.client import Client
from wire.notchpay.requests import TIMESTAMP, made, processed
from wire.notchpay.senders import (
    MTN,
    OPENING,
    ORANGE,
    TRANSFER,
    balance,
    broken,
    enrich,
    granting,
    kept,
    sent,
)
from wire.notchpay.shops import MakeShop

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def sound_books(gateway: Gateway) -> AsyncIterator[None]:
    """Whatever a test does, the audit finds nothing afterwards."""
    yield
    async with gateway.database.connection() as connection:
        assert await findings(connection) == []


TRANSFER_KEYS = [
    "id", "reference", "merchant_reference", "trxref", "amount", "amount_total",
    "converted_amount", "fee", "amounts", "currency", "status", "failure_reason", "beneficiary",
    "beneficary", "channel", "payment_method", "description", "statement", "metadata", "sandbox",
    "initiated_at", "created_at", "updated_at", "completed_at",
]  # fmt: skip


@pytest.mark.parametrize(
    "path", ["/transfers", "/transfers/", "/transfers/initialize", "/transfers/direct"]
)
async def test_transfer_is_made_under_each_of_its_paths(sending: Client, path: str) -> None:
    answer = await sending.post(path, TRANSFER)

    body = answer.json()
    assert answer.status == 201
    assert (body["code"], body["status"], body["message"]) == (
        201,
        "Accepted",
        "Transfer initialized",
    )
    assert list(body["transfer"]) == TRANSFER_KEYS


async def test_transfer_has_the_forms_that_clients_demand(sending: Client) -> None:
    transfer = await sent(sending, reference="form-1", metadata={"a": 1}, statement="AOUT")

    assert transfer["status"] == "complete"
    assert transfer["reference"].startswith("trf.test_")
    assert transfer["merchant_reference"] == transfer["trxref"] == "form-1"
    assert transfer["amounts"] == {"total": 1500, "converted": 1500, "currency": "XAF", "rate": 1}
    assert transfer["beneficiary"] == transfer["beneficary"]
    assert transfer["beneficiary"].startswith("ben.test_")
    assert transfer["payment_method"].startswith("pm.test_")
    assert (transfer["metadata"], transfer["statement"]) == ({"a": 1}, "AOUT")
    assert (transfer["fee"], transfer["sandbox"], transfer["channel"]) == (0, 1, "cm.mtn")
    assert TIMESTAMP.fullmatch(transfer["completed_at"])


@pytest.mark.parametrize(
    "target",
    [
        {"beneficiary": {"phone": MTN}},
        {"beneficiary": {"account_number": MTN, "email": "a@b.cm"}},
        {"recipient": MTN},
        {"recipient": int(MTN)},
        {"recipient": "670000000"},
        {"recipient": {"name": "A", "account": MTN, "provider": "cm.mtn"}, "channel": None},
        {"recipient": {"name": "A", "number": MTN, "channel": "cm.mtn"}, "channel": ""},
        {"beneficiary_data": {"name": "A", "phone": MTN}, "channel": "cm.mobile"},
        {"beneficiary_data": {"name": "A"}, "phone": MTN},
    ],
    ids=str,
)
async def test_who_gets_it_may_be_said_in_every_way_that_clients_know(
    sending: Client, target: dict[str, Any]
) -> None:
    transfer = await sent(sending, **{"beneficiary_data": None, **target})

    assert (transfer["status"], transfer["channel"]) == ("complete", "cm.mtn")
    found = await sending.get(f"/beneficiaries/{transfer['beneficiary']}")
    assert found.json()["beneficiary"]["account_number"] == MTN


@pytest.mark.parametrize("name", ["beneficiary", "recipient"])
async def test_kept_beneficiary_needs_no_channel(sending: Client, name: str) -> None:
    beneficiary = await kept(sending, channel="cm.orange", account_number=ORANGE)
    body = {name: beneficiary["id"], "beneficiary_data": None, "channel": None}
    transfer = await sent(sending, **body)

    assert transfer["beneficiary"] == beneficiary["id"]
    assert (transfer["channel"], transfer["status"]) == ("cm.orange", "complete")


async def test_same_person_is_kept_once(sending: Client) -> None:
    first, second = await sent(sending), await sent(sending)
    other = await sent(sending, beneficiary_data={"name": "Somebody", "phone": MTN})

    assert first["beneficiary"] == second["beneficiary"] != other["beneficiary"]
    assert (await sending.get("/beneficiaries")).json()["totals"] == 2


@pytest.mark.parametrize(
    ("number", "status"),
    [
        ("237670000000", "complete"),
        ("237690000000", "complete"),
        ("237670000001", "failed"),
        ("237690000002", "failed"),
        ("237670000005", "processing"),
    ],
)
async def test_number_decides_at_once(sending: Client, number: str, status: str) -> None:
    made = await sent(sending, channel="cm.mobile", beneficiary_data={"name": "A", "phone": number})
    found = (await sending.get(f"/transfers/{made['reference']}")).json()["transfer"]

    assert found["status"] == status
    left = OPENING if status == "failed" else OPENING - 1500
    assert (await balance(sending))["available"] == left


# --- refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"amount": None, "currency": None}, {"amount", "currency"}),
        ({"amount": "1000.50"}, {"amount"}),
        ({"amount": 0}, {"amount"}),
        ({"amount": -5}, {"amount"}),
        ({"amount": 99}, {"amount"}),
        ({"amount": 5_000_001}, {"amount"}),
        ({"currency": "XXX"}, {"currency"}),
        ({"currency": "EUR"}, {"channel"}),
        ({"channel": None}, {"channel"}),
        ({"channel": "cm.nobody"}, {"channel"}),
        ({"channel": "ci.mtn", "currency": "XOF"}, {"account_number"}),
        ({"channel": []}, {"channel"}),
        ({"beneficiary_data": None}, {"beneficiary"}),
        ({"beneficiary_data": None, "amount": None}, {"beneficiary", "amount"}),
        ({"beneficiary_data": []}, {"beneficiary"}),
        ({"beneficiary_data": {"name": "A"}}, {"account_number"}),
        ({"beneficiary_data": {"phone": "nobody"}}, {"account_number"}),
        ({"beneficiary_data": {"phone": MTN, "name": ["A"]}}, {"name"}),
        ({"beneficiary_data": {"phone": MTN, "email": "nobody"}}, {"email"}),
        ({"beneficiary": True}, {"beneficiary"}),
        ({"beneficiary": [1]}, {"beneficiary"}),
        ({"beneficiary": "ben.test_0000000000000000000001"}, {"beneficiary"}),
        ({"recipient": "rcp.0000000000000000000001"}, {"recipient"}),
        ({"statement": "x" * 23}, {"statement"}),
        ({"description": "x" * 257}, {"description"}),
        ({"reference": {"a": 1}}, {"reference"}),
        ({"metadata": "text"}, {"metadata"}),
    ],
    ids=str,
)
async def test_bad_field_is_named_and_nothing_happens(
    sending: Client, changes: dict[str, Any], fields: set[str]
) -> None:
    answer = await sending.post("/transfers", {**TRANSFER, **changes})

    assert broken(answer) == fields
    assert (await sending.get("/transfers")).json()["totals"] == 0
    assert (await sending.get("/beneficiaries")).json()["totals"] == 0


async def test_more_than_is_available_is_refused_and_nothing_is_kept(sending: Client) -> None:
    answer = await sending.post("/transfers", {**TRANSFER, "amount": OPENING + 1})

    assert answer.status == 422
    assert answer.json()["message"] == "Insufficient funds"
    assert (await sending.get("/transfers")).json()["totals"] == 0
    assert (await sending.get("/beneficiaries")).json()["totals"] == 0
    assert (await balance(sending))["available"] == OPENING


async def test_reference_is_used_once(sending: Client) -> None:
    await sent(sending, reference="once")
    answer = await sending.post("/transfers", {**TRANSFER, "reference": "once"})

    assert answer.status == 409
    assert answer.json()["message"] == "A transfer with this reference already exists"
    assert set(answer.json()["errors"]) == {"reference"}
    assert (await balance(sending))["available"] == OPENING - 1500


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/balance"),
        ("GET", "/transfers"),
        ("POST", "/transfers"),
        ("POST", "/transfers/initialize"),
        ("POST", "/transfers/direct"),
        ("GET", "/transfers/any"),
        ("DELETE", "/transfers/any"),
        ("GET", "/beneficiaries"),
        ("POST", "/recipients"),
        ("GET", "/recipients/any"),
        ("PUT", "/beneficiaries/any"),
        ("DELETE", "/beneficiaries/any"),
        ("GET", "/refunds"),
        ("POST", "/refunds"),
        ("GET", "/refunds/any"),
    ],
)
async def test_money_out_needs_the_grant(notch: Client, method: str, path: str) -> None:
    missing = await notch.call(method, path)
    wrong = await notch.call(method, path, headers={"x-grant": "sk_test.nobody"})

    assert (missing.status, wrong.status) == (403, 403)
    assert wrong.json()["message"] == "Invalid grant key"


async def test_money_is_sent_from_the_applications_own_addresses_alone(
    app: Asgi, make_shop: MakeShop, owner: asyncpg.Connection[Any]
) -> None:
    shop = await make_shop(transfer_addresses=["198.51.100.0/24"])
    await enrich(owner, shop)
    client = granting(app, shop)
    refused = await client.post("/transfers", TRANSFER)
    assert refused.status == 403
    assert (await client.call("DELETE", "/transfers/any")).status == 403

    assert (await client.get("/transfers")).json()["totals"] == 0
    body = b'{"amount":1500,"currency":"XAF","channel":"cm.mtn","recipient":"237670000000"}'
    allowed = await client.call("POST", "/transfers", body, peer="198.51.100.7")
    assert allowed.status == 201


async def test_channel_that_no_operator_of_ours_serves_is_refused(sending: Client) -> None:
    body = {"channel": "ci.moov", "currency": "XOF", "recipient": "+2250101020304"}
    answer = await sending.post("/transfers", {**TRANSFER, **body})

    assert broken(answer) == {"channel"}


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
