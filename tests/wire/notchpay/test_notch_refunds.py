"""Refunds in Notch Pay's words (contract 14.2), by simulated operators."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from guichet.web.asgi import Asgi
from wire.client import Client
from wire.notchpay.requests import made, processed
from wire.notchpay.senders import balance, broken, granting
from wire.notchpay.shops import MakeShop, Shop

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def granted(app: Asgi, shop: Shop) -> Client:
    """A client with the grant, whose merchant has nothing yet."""
    return granting(app, shop)


@pytest_asyncio.fixture(loop_scope="module")
async def payment(granted: Client) -> dict[str, Any]:
    """5,000 francs that were paid."""
    payment = await made(granted, reference="paid", amount=5000)
    assert (await processed(granted, payment["reference"])).status == 202
    return payment


@pytest.mark.parametrize("name", ["reference", "id", "merchant_reference"])
async def test_whole_payment_is_given_back_by_any_of_its_names(
    granted: Client, payment: dict[str, Any], name: str
) -> None:
    answer = await granted.post("/refunds", {"payment": payment[name], "reason": "Trop petit"})

    refund = answer.json()["refund"]
    assert (answer.status, answer.json()["code"], answer.json()["status"]) == (201, 201, "Created")
    assert (refund["amount"], refund["currency"], refund["reason"]) == (5000, "XAF", "Trop petit")
    assert refund["payment"] == payment["reference"]
    assert refund["status"] in {"pending", "processing", "complete"}
    after = await balance(granted)
    assert after["available"] == 0


async def test_payment_stays_complete(granted: Client, payment: dict[str, Any]) -> None:
    await granted.post("/refunds", {"payment": payment["reference"]})

    found = (await granted.get(f"/payments/{payment['reference']}")).json()["transaction"]
    assert found["status"] == "complete"


async def test_part_is_given_back_and_the_rest_stays(
    granted: Client, payment: dict[str, Any]
) -> None:
    body = {"payment": payment["reference"], "amount": "2000", "currency": "xaf"}
    assert (await granted.post("/refunds", body)).status == 201
    assert (await balance(granted))["available"] == 3000

    too_much = await granted.post("/refunds", {"payment": payment["reference"], "amount": 3001})
    assert broken(too_much) == {"amount"}


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"payment": None}, {"payment"}),
        ({"payment": ["x"]}, {"payment"}),
        ({"amount": 0}, {"amount"}),
        ({"amount": "12.5"}, {"amount"}),
        ({"amount": -1}, {"amount"}),
        ({"amount": []}, {"amount"}),
        ({"currency": "EUR"}, {"currency"}),
        ({"reason": "x" * 256}, {"reason"}),
    ],
    ids=str,
)
async def test_bad_field_is_named_and_nothing_is_given_back(
    granted: Client, payment: dict[str, Any], changes: dict[str, Any], fields: set[str]
) -> None:
    answer = await granted.post("/refunds", {"payment": payment["reference"], **changes})

    assert broken(answer) == fields
    assert (await granted.get("/refunds")).json()["totals"] == 0


async def test_payment_that_nobody_paid_is_not_given_back(granted: Client) -> None:
    unpaid = await made(granted)

    assert broken(await granted.post("/refunds", {"payment": unpaid["reference"]})) == {"payment"}


async def test_money_that_was_sent_away_is_not_given_back(
    granted: Client, payment: dict[str, Any]
) -> None:
    body = {"amount": 4500, "currency": "XAF", "channel": "cm.mtn", "recipient": "237670000000"}
    assert (await granted.post("/transfers", body)).status == 201
    answer = await granted.post("/refunds", {"payment": payment["reference"]})

    assert (answer.status, answer.json()["message"]) == (422, "Insufficient funds")


async def test_unknown_payment_is_not_found(granted: Client) -> None:
    answer = await granted.post("/refunds", {"payment": "nobody"})

    assert (answer.status, answer.json()["message"]) == (404, "Payment not found")


async def test_refund_is_shown_and_listed(granted: Client, payment: dict[str, Any]) -> None:
    bodies = [{"payment": payment["reference"], "amount": amount} for amount in (100, 200)]
    first, second = [
        (await granted.post("/refunds", body)).json()["refund"]["id"] for body in bodies
    ]

    shown = await granted.get(f"/refunds/{first}")
    assert (shown.status, shown.json()["refund"]["amount"]) == (200, 100)
    listed = (await granted.get("/refunds")).json()
    assert [each["id"] for each in listed["items"]] == [second, first]
    assert (listed["totals"], listed["data"]) == (2, listed["items"])
    assert (await granted.get("/refunds?status=failed")).json()["totals"] == 0


async def test_refund_of_another_merchant_is_not_found(
    app: Asgi, granted: Client, payment: dict[str, Any], make_shop: MakeShop
) -> None:
    refund = (await granted.post("/refunds", {"payment": payment["id"]})).json()["refund"]
    stranger = granting(app, await make_shop())

    assert (await stranger.get(f"/refunds/{refund['id']}")).status == 404
    assert (await stranger.post("/refunds", {"payment": payment["id"]})).status == 404


@pytest.mark.parametrize("key", ["nobody", "ref.test_0000000000000000000001", "%00"])
async def test_unknown_refund_is_not_found(granted: Client, key: str) -> None:
    answer = await granted.get(f"/refunds/{key}")

    assert (answer.status, answer.json()["message"]) == (404, "Refund not found")
