"""Notch Pay merchants that tests call the API as."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg

from gateways import SECRET_KEY
from guichet.domain.ids import new_id
from guichet.gateway import Gateway
from guichet.services.administration import connect_account
from guichet.vault import Vault


@dataclass(frozen=True)
class Shop:
    """An application and its keys."""

    id: uuid.UUID
    public_key: str
    private_key: str


async def connected(
    gateway: Gateway,
    owner: asyncpg.Connection[Any],
    shop: Shop,
    rail: str,
    settings: dict[str, str],
) -> uuid.UUID:
    """Give the shop an account of its own at a rail's provider."""
    now = gateway.clock.now()
    account_id = await connect_account(owner, gateway.vault, shop.id, rail, settings, now)
    await gateway.access.refresh()
    return account_id


async def create_shop(owner: asyncpg.Connection[Any], **columns: Any) -> Shop:
    """An application of a merchant of its own; arguments are columns of the table."""
    now = datetime.now(UTC)
    merchant_id, payee_id = new_id(now), new_id(now)
    live = columns.get("environment") == "live"
    word, rest = "" if live else "_test", uuid.uuid4().hex
    shop = Shop(new_id(now), f"pk{word}.{rest}", f"sk{word}.{rest}")
    await owner.execute("INSERT INTO merchants VALUES ($1, 'Boutique', 'CM', $2)", merchant_id, now)
    await owner.execute(
        "INSERT INTO payees VALUES ($1, $2, 'Boutique', 'CM', 'Banque',"
        " 'CM2110002000300277976315008', 'DEMOCMCX', $3)",
        payee_id,
        merchant_id,
        now,
    )
    row = {
        "id": shop.id,
        "merchant_id": merchant_id,
        "name": "Boutique",
        "dialect": "notchpay",
        "environment": "sandbox",
        "payee_id": payee_id,
        "currency": "XAF",
        "requests_per_minute": 0,
        "webhook_secret": Vault([SECRET_KEY]).seal(f"hsk{word}.{rest}".encode()),
        "created_at": now,
        **columns,
    }
    places = ", ".join(f"${n}" for n in range(1, len(row) + 1))
    await owner.execute(
        f"INSERT INTO applications ({', '.join(row)}) VALUES ({places})", *row.values()
    )
    for role, key in (("public", shop.public_key), ("secret", shop.private_key)):
        await owner.execute(
            "INSERT INTO api_keys (digest, application_id, role, prefix, created_at)"
            " VALUES ($1, $2, $3, $4, $5)",
            hashlib.sha256(key.encode()).digest(),
            shop.id,
            role,
            key[:14],
            now,
        )
    return shop


MakeShop = Callable[..., Awaitable[Shop]]
