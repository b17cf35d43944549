"""Notch Pay merchants that tests call the API as."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import asyncpg

from guichet.gateway import Gateway
from guichet.services.administration import connect_account


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


MakeShop = Callable[..., Awaitable[Shop]]
