"""Payments by Pix at the simulated PSP, from the documented request to the money."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from guichet.gateway import Gateway
from guichet.outbound.client import GuardedClient
from guichet.rails.pix.account import parse_account
from guichet.rails.pix.brcode import read
from guichet.rails.pix.rail import PixRail
from guichet.rails.registry import Registry
from guichet.services.attempts import refresh_attempt
from guichet.services.refunds import create_refund
from guichet.store.audit import findings
from rails.pix.stage import Psp, Stage, simulated_psp, staged
from wire.applications import TestApplication
from wire.client import Client
from wire.neopay import documents

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def real_psp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Psp]:
    with simulated_psp(tmp_path_factory.mktemp("psp") / "certificates") as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def stage(real_psp: Psp, gateway: Gateway) -> AsyncIterator[Stage]:
    """The PSP with an empty book; sandbox applications collect by the account there."""
    async with staged(real_psp, None) as made, GuardedClient() as http:
        account = parse_account(real_psp.settings, "sandbox")
        rail = PixRail(http, "sandbox", 5, default_account=account, clock=made.clock)
        gateway.rails = Registry({**dict(gateway.rails.items()), ("pix", "sandbox"): rail})
        yield made


async def attempt_of(owner: asyncpg.Connection[Any], payment: Any) -> UUID:
    attempt_id: UUID = await owner.fetchval(
        "SELECT id FROM attempts WHERE payment_id = $1 ORDER BY number DESC", UUID(payment["id"])
    )
    return attempt_id


async def shown(neopay: Client, payment: Any) -> Any:
    return (await neopay.get(f"/api/payments/{payment['id']}")).json()["payment"]


@pytest.mark.parametrize(
    "text",
    [documents.PIX, documents.PIX_WITHOUT_COMMA],
    ids=["shown body", "curl without its comma"],
)
async def test_documented_request_is_paid_by_its_code(
    neopay: Client, gateway: Gateway, owner: asyncpg.Connection[Any], stage: Stage, text: str
) -> None:
    answer = await neopay.post("/api/payments", text)
    assert answer.status == 200, answer
    payment = answer.json()["payment"]
    code = read(payment["qr_code"])
    assert code.location
    (charge,) = (await stage.control("state", "GET"))["charges"]
    assert charge["amount"] == "122.44"

    await stage.control("pay", code=payment["qr_code"])
    await refresh_attempt(gateway, await attempt_of(owner, payment))

    assert (await shown(neopay, payment))["status"] == "completed"
    assert await findings(owner) == []


async def test_parts_go_back_and_are_taken_back(
    neopay: Client,
    gateway: Gateway,
    application: TestApplication,
    owner: asyncpg.Connection[Any],
    stage: Stage,
) -> None:
    payment = (await neopay.post("/api/payments", documents.PIX)).json()["payment"]
    await stage.control("pay", code=payment["qr_code"])
    attempt_id = await attempt_of(owner, payment)
    await refresh_attempt(gateway, attempt_id)
    await create_refund(gateway, application.id, UUID(payment["id"]), 2_000)
    await stage.control("med", txid=attempt_id.hex, amount="30.44")
    await refresh_attempt(gateway, attempt_id)

    now = await shown(neopay, payment)
    assert now["status"] == "completed"
    gone = {k: now[k] for k in ("refunding_amount", "refunded_amount") if k in now}
    assert sum(gone.values()) == Decimal("20.00")
    assert now["returned_amount"] == Decimal("30.44")
    assert await findings(owner) == []


@pytest.mark.parametrize("kind", ["drop", "error", "garble"])
async def test_code_of_an_answer_that_was_lost_is_found_at_once(
    neopay: Client, stage: Stage, kind: str
) -> None:
    await stage.fault("put_cob", kind, when="after")
    payment = (await neopay.post("/api/payments", documents.PIX)).json()["payment"]
    assert payment["qr_code"]
    assert len((await stage.control("state", "GET"))["charges"]) == 1


async def test_code_of_a_request_that_was_lost_is_asked_for_again_by_the_worker(
    neopay: Client, gateway: Gateway, owner: asyncpg.Connection[Any], stage: Stage
) -> None:
    await stage.fault("put_cob", "drop", when="before")
    body = json.loads(documents.PIX)
    first = await neopay.post("/api/payments", body, idempotency_key="order 1")
    payment = first.json()["payment"]
    assert (first.status, payment["status"], payment["qr_code"]) == (200, "pending", None)
    await stage.move(timedelta(minutes=1))
    await refresh_attempt(gateway, await attempt_of(owner, payment))

    again = await neopay.post("/api/payments", body, idempotency_key="order 1")
    assert again.json()["payment"]["qr_code"] == (await shown(neopay, payment))["qr_code"]
    assert read(again.json()["payment"]["qr_code"]).location
    assert len((await stage.control("state", "GET"))["charges"]) == 1


async def test_psp_that_is_away_is_told_and_the_same_key_goes_on(
    neopay: Client, gateway: Gateway, real_psp: Psp, stage: Stage
) -> None:
    settings = real_psp.settings | {
        "base_url": "https://127.0.0.1:9/api/v2",
        "token_url": "https://127.0.0.1:9/oauth/token",
    }
    here = gateway.rails
    async with GuardedClient() as http:
        account = parse_account(settings, "sandbox")
        away = PixRail(http, "sandbox", 5, default_account=account, clock=stage.clock)
        gateway.rails = Registry({**dict(here.items()), ("pix", "sandbox"): away})
        answer = await neopay.post("/api/payments", documents.PIX, idempotency_key="order 1")
    gateway.rails = here
    assert (answer.status, answer.json()) == (503, {"message": "Service Unavailable"})

    answer = await neopay.post("/api/payments", documents.PIX, idempotency_key="order 1")
    assert (answer.status, bool(answer.json()["payment"]["qr_code"])) == (200, True)


@pytest.mark.usefixtures("stage")
@pytest.mark.parametrize("currency", ["KWD", "BHD"])
async def test_currency_of_three_decimals_cannot_be_printed(neopay: Client, currency: str) -> None:
    body = json.loads(documents.PIX)
    body["payment"]["currency"] = currency
    answer = await neopay.post("/api/payments", body)
    assert (answer.status, list(answer.json()["errors"])) == (422, ["payment.currency"])
