"""Transfers and the balance in Notch Pay's words (contract 7 and 12), by simulated operators."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from guichet.dialects.notchpay.ids import write_id
from guichet.domain.money import Money
from guichet.gateway import Gateway
from guichet.services.payouts import request_payout
from guichet.web.asgi import Asgi
from names import name_of
from wire.client import Client
from wire.notchpay.requests import TIMESTAMP
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
from wire.notchpay.shops import MakeShop, Shop

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("sound_books")]


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
    ids=name_of,
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


async def test_payout_shows_among_the_transfers(
    sending: Client, gateway: Gateway, shop: Shop
) -> None:
    application = gateway.access.application(shop.id)
    assert application is not None
    made = await request_payout(gateway, application, Money(2000, "XAF"))
    [shown] = (await sending.get("/transfers")).json()["items"]

    assert (shown["channel"], shown["amount"], shown["status"]) == ("bank", 2000, "pending")
    assert shown["reference"] == write_id("transfer", "sandbox", made.id)
    assert (await balance(sending))["reserved"] == 2000
    assert (await sending.call("DELETE", f"/transfers/{shown['reference']}")).status == 422


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
    ids=name_of,
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


async def test_channel_that_no_account_serves_is_refused(app: Asgi, make_shop: MakeShop) -> None:
    client = granting(app, await make_shop(environment="live"))

    answer = await client.post("/transfers", TRANSFER)

    assert broken(answer) == {"channel"}
