"""Payments processed and cancelled (contract 6.4 and 6.5), by simulated operators."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from conftest import DatabaseUrls
from gateways import running_gateway
from guichet.dialects.notchpay.app import build_app
from guichet.dialects.notchpay.ids import read_id
from guichet.gateway import Gateway
from guichet.services.closing import expire_payment
from guichet.settings import Settings
from wire.applications import BASE_URL
from wire.client import Client, encoded
from wire.notchpay.requests import (
    COMPLETES,
    PAYMENT_KEYS,
    TIMESTAMP,
    made,
    processed,
    shown,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


# --- process -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize(
    "body",
    [
        {"channel": "cm.mtn", "data": {"phone": COMPLETES}},
        {"channel": "cm.mtn", "data": {"account_number": 670000000, "country": "CM"}},
        {"channel": "cm.mobile", "phone": "670 00 00 00", "client_ip": "203.0.113.9"},
    ],
    ids=["phone", "account number", "beside data"],
)
async def test_processed_payment_is_complete_at_once(
    notch: Client, method: str, body: dict[str, Any]
) -> None:
    payment = await made(notch)

    answer = await notch.call(method, f"/payments/{payment['reference']}", encoded(body))

    said = answer.json()
    assert (answer.status, said["code"], said["status"]) == (202, 202, "Accepted")
    assert said["message"] == "Payment processing initiated"
    assert list(said["transaction"]) == PAYMENT_KEYS
    after = await shown(notch, payment["reference"])
    assert (after["status"], after["channel"]) == ("complete", "cm.mtn")
    assert after["payment_method"].startswith("pm.test_")
    assert TIMESTAMP.fullmatch(after["completed_at"])


async def test_payment_that_is_not_pending_is_not_processed(notch: Client) -> None:
    payment = await made(notch)
    await processed(notch, payment["reference"])

    answer = await processed(notch, payment["reference"])

    assert (answer.status, answer.json()["message"]) == (422, "Payment cannot be processed")


async def test_payment_in_processing_is_not_processed_by_another_channel(notch: Client) -> None:
    payment = await made(notch)
    await processed(notch, payment["reference"], "+237670000005")

    answer = await processed(notch, payment["reference"], "+237690000000")

    assert answer.status == 422
    assert (await shown(notch, payment["reference"]))["channel"] == "cm.mtn"


@pytest.mark.parametrize(
    ("locks", "channel", "phone", "status"),
    [
        ({"locked_channel": "cm.mtn"}, "cm.mtn", COMPLETES, 202),
        ({"locked_channel": "cm.mtn"}, "cm.mobile", COMPLETES, 202),
        ({"locked_channel": "cm.mtn"}, "cm.orange", "+237690000000", 422),
        ({"locked_channel": "cm.mobile"}, "cm.orange", "+237690000000", 202),
        ({"locked_country": "cm"}, "cm.mtn", COMPLETES, 202),
        ({"locked_country": "SN"}, "cm.mtn", COMPLETES, 422),
        ({"locked_currency": "XOF"}, "cm.mtn", COMPLETES, 422),
    ],
)
async def test_what_is_locked_is_honoured(
    notch: Client, locks: dict[str, str], channel: str, phone: str, status: int
) -> None:
    payment = await made(notch, **locks)

    body = {"channel": channel, "data": {"phone": phone}}
    answer = await notch.call("PUT", f"/payments/{payment['reference']}", encoded(body))

    assert answer.status == status
    assert (await shown(notch, payment["reference"]))["status"] == (
        "complete" if status == 202 else "pending"
    )


@pytest.mark.parametrize(
    ("currency", "amount", "channel", "field"),
    [
        ("EUR", 5000, "cm.mtn", "channel"),
        ("XAF", 99, "cm.mtn", "amount"),
        ("XAF", 5_000_001, "cm.mtn", "amount"),
        ("XAF", 5000, "ci.mtn", "channel"),
        ("XAF", 5000, "card", "channel"),
        ("XAF", 5000, None, "channel"),
        ("XAF", 5000, ["cm.mtn"], "channel"),
    ],
)
async def test_channel_that_cannot_take_the_payment_is_refused(
    notch: Client, currency: str, amount: int, channel: Any, field: str
) -> None:
    payment = await made(notch, currency=currency, amount=amount)

    body = {"channel": channel, "data": {"phone": COMPLETES}}
    answer = await notch.call("PUT", f"/payments/{payment['reference']}", encoded(body))

    assert answer.status == 422
    assert list(answer.json()["errors"]) == [field]
    assert (await shown(notch, payment["reference"]))["status"] == "pending"


@pytest.mark.parametrize("data", [{}, {"phone": ""}, {"phone": "12"}, {"phone": {}}, [], "x", None])
async def test_missing_or_odd_number_is_refused(notch: Client, data: Any) -> None:
    payment = await made(notch)

    body = {"channel": "cm.mtn", "data": data}
    answer = await notch.call("PUT", f"/payments/{payment['reference']}", encoded(body))

    assert answer.status == 422
    assert list(answer.json()["errors"]) == ["phone"]


@pytest.mark.parametrize("distance", [7, 9], ids=["lost answer", "answer 500"])
async def test_payment_whose_outcome_is_unknown_has_not_failed(
    notch: Client, distance: int
) -> None:
    payment = await made(notch)

    answer = await processed(notch, payment["reference"], f"+23767000000{distance}")

    assert answer.status == 202
    assert (await shown(notch, payment["reference"]))["status"] in {"processing", "complete"}


async def test_payment_stays_pending_when_the_operator_cannot_be_asked(
    notch: Client, wire_urls: DatabaseUrls
) -> None:
    payment = await made(notch)
    nobody = Settings(public_url=BASE_URL, mtn_sandbox_url="http://127.0.0.1:9/mtn")
    async with running_gateway(wire_urls.serving_url, nobody) as lonely:
        answer = await processed(Client(build_app(lonely), notch.headers), payment["reference"])

    assert answer.status == 503
    assert answer.json()["message"] == "Service Unavailable"
    assert (await shown(notch, payment["reference"]))["status"] == "pending"
    assert (await processed(notch, payment["reference"])).status == 202


async def test_payment_that_nobody_pays_expires_after_three_hours(
    notch: Client, gateway: Gateway, owner: asyncpg.Connection[Any]
) -> None:
    payment = await made(notch)
    payment_id = read_id("payment", payment["reference"])
    assert payment_id is not None
    lasts = await owner.fetchval(
        "SELECT expires_at - created_at FROM payments WHERE id = $1", payment_id
    )
    assert lasts == timedelta(hours=3)

    await owner.execute("UPDATE payments SET expires_at = now() WHERE id = $1", payment_id)
    await expire_payment(gateway, payment_id)

    assert (await shown(notch, payment["reference"]))["status"] == "expired"
    assert (await processed(notch, payment["reference"])).status == 422


# --- cancel --------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [None, b"[]", b"{}"])
async def test_pending_payment_is_canceled(notch: Client, body: bytes | None) -> None:
    payment = await made(notch)

    answer = await notch.call("DELETE", f"/payments/{payment['reference']}", body)

    assert answer.status == 202
    assert answer.json() == {
        "code": 202,
        "status": "Accepted",
        "message": "Your payment has been canceled",
    }
    assert (await shown(notch, payment["reference"]))["status"] == "canceled"


@pytest.mark.parametrize("phone", [COMPLETES, "+237670000005", "+237670000001"])
async def test_payment_under_way_or_closed_is_not_canceled(notch: Client, phone: str) -> None:
    payment = await made(notch)
    await processed(notch, payment["reference"], phone)
    before = await shown(notch, payment["reference"])

    answer = await notch.call("DELETE", f"/payments/{payment['reference']}")

    assert (answer.status, answer.json()["message"]) == (422, "Payment cannot be processed")
    assert (await shown(notch, payment["reference"]))["status"] == before["status"]


async def test_canceled_payment_is_neither_processed_nor_canceled_again(notch: Client) -> None:
    payment = await made(notch)
    await notch.call("DELETE", f"/payments/{payment['reference']}")

    again = await notch.call("DELETE", f"/payments/{payment['reference']}")
    assert again.status == 422
    assert (await processed(notch, payment["reference"])).status == 422
