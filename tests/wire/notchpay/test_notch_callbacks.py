"""Operators' callbacks: heard at the address given to them, and only there."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from guichet.gateway import Gateway
from guichet.server import notices
from guichet.services.notices import notice_url
from rails.mobile.stage import gsma_account
from wire.client import Client
from wire.notchpay.requests import made, processed
from wire.notchpay.shops import Shop, connected

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def hints(owner: asyncpg.Connection[Any]) -> int:
    count: int = await owner.fetchval("SELECT count(*) FROM rail_notices")
    return count


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize(("rail", "phone"), [("mtn", "+237670000005"), ("gsma", "+237690000005")])
async def test_callback_is_kept_as_a_hint(
    notch: Client,
    shop: Shop,
    gateway: Gateway,
    owner: asyncpg.Connection[Any],
    operators_url: str,
    method: str,
    rail: str,
    phone: str,
) -> None:
    account_id = None
    if rail == "gsma":  # an application that has no account there goes through the aggregator
        settings = asdict(gsma_account(operators_url))
        account_id = await connected(gateway, owner, shop, "gsma", settings)
    payment = await made(notch)
    await processed(notch, payment["reference"], phone)
    attempt = await owner.fetchrow(
        "SELECT id, rail FROM attempts WHERE application_id = $1", shop.id
    )
    assert attempt is not None
    assert attempt["rail"] == rail
    path = urlsplit(notice_url("http://x", gateway.vault, rail, "sandbox", account_id)).path
    body = {"externalId": attempt["id"].hex, "status": "SUCCESSFUL"}
    headers: dict[str, str | None] = {
        "content-type": "application/json",
        "x-correlationid": str(attempt["id"]),
    }
    before = await hints(owner)

    caller = Client(notices.build_app(gateway))
    heard = await caller.call(method, path, json.dumps(body).encode(), headers=headers)
    guessed = await caller.call(method, path[:-3] + "xxx", json.dumps(body).encode())

    assert (heard.status, guessed.status) == (200, 401)
    assert await hints(owner) == before + 1
    # A callback proves nothing: the payment is as the operator says when asked.
    after = (await notch.get(f"/payments/{payment['reference']}")).json()["transaction"]
    assert after["status"] == "processing"
