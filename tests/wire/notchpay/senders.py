"""Merchants who send money, and what their requests are."""

from __future__ import annotations

from typing import Any

import asyncpg

from guichet.domain.access import Environment
from guichet.services.opening import open_balance
from guichet.web.asgi import Asgi
from wire.client import Answer, Client, encoded
from wire.notchpay.shops import Shop

MTN, ORANGE = "237670000000", "237690000000"
BENEFICIARY: dict[str, Any] = {
    "name": "Amina Kamga",
    "channel": "cm.mtn",
    "account_number": f"+{MTN}",
    "email": "amina@example.cm",
}
TRANSFER: dict[str, Any] = {
    "amount": 1500,
    "currency": "XAF",
    "description": "Salaire d'août",
    "channel": "cm.mtn",
    "beneficiary_data": {"name": "Amina Kamga", "phone": f"+{MTN}"},
}
OPENING = 1_000_000


async def enrich(owner: asyncpg.Connection[Any], shop: Shop) -> None:
    """Give the shop the money that sandbox applications begin with."""
    now = await owner.fetchval("SELECT now()")
    await open_balance(owner, shop.id, Environment.SANDBOX, "XAF", now)


def granting(app: Asgi, shop: Shop) -> Client:
    """The shop's client, with the private key as the grant."""
    headers = {
        "authorization": shop.public_key,
        "x-grant": shop.private_key,
        "content-type": "application/json",
    }
    return Client(app, headers)


async def sent(client: Client, **changes: Any) -> dict[str, Any]:
    """A new transfer."""
    answer = await client.post("/transfers", {**TRANSFER, **changes})
    assert answer.status == 201, answer.body
    transfer: dict[str, Any] = answer.json()["transfer"]
    return transfer


async def kept(client: Client, **changes: Any) -> dict[str, Any]:
    """A new beneficiary."""
    answer = await client.post("/beneficiaries", {**BENEFICIARY, **changes})
    assert answer.status == 201, answer.body
    beneficiary: dict[str, Any] = answer.json()["beneficiary"]
    return beneficiary


async def balance(client: Client) -> dict[str, Any]:
    answer = await client.get("/balance")
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json()["balance"]
    return found


async def put(client: Client, path: str, **fields: Any) -> Answer:
    return await client.call("PUT", path, encoded(fields))


def broken(answer: Answer) -> set[str]:
    """The fields that a 422 names."""
    assert answer.status == 422, answer.body
    return set(answer.json()["errors"])
