"""A gateway whose operators are simulated over HTTP, and Notch Pay merchants to call it as."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from conftest import DatabaseUrls
from gateways import SECRET_KEY, running_gateway
from guichet.dialects.notchpay.app import build_app
from guichet.domain.ids import new_id
from guichet.gateway import Gateway
from guichet.settings import LimitsMode, Settings
from guichet.store.audit import findings
from guichet.vault import Vault
from guichet.web.asgi import Asgi
from rails.mobile.stage import CREDENTIALS, simulator
from rails.notchpay import stage as aggregator
from wire.applications import BASE_URL
from wire.client import Client
from wire.notchpay.senders import enrich, granting
from wire.notchpay.shops import MakeShop, Shop


@pytest.fixture(scope="module")
def operators_url() -> Iterator[str]:
    with simulator() as url:
        yield url


@pytest.fixture(scope="module")
def aggregator_url() -> Iterator[str]:
    with aggregator.simulator() as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(
    wire_urls: DatabaseUrls, operators_url: str, aggregator_url: str
) -> AsyncIterator[Gateway]:
    settings = Settings(
        public_url=BASE_URL,
        notices_url="http://127.0.0.1:9",  # callbacks are lost: nobody needs them
        database_connections=4,
        limits=LimitsMode.OFF,  # hundreds of tests share one address
        mtn_sandbox_url=f"{operators_url}/mtn",
        mtn_sandbox_subscription_key=CREDENTIALS.key,
        mtn_sandbox_api_user=CREDENTIALS.user,
        mtn_sandbox_api_key=CREDENTIALS.secret,
        notchpay_sandbox_url=aggregator_url,
        notchpay_sandbox_public_key=aggregator.CREDENTIALS.public_key,
        notchpay_sandbox_private_key=aggregator.CREDENTIALS.private_key,
        notchpay_sandbox_hash_key=aggregator.CREDENTIALS.hash_key,
    )
    async with running_gateway(wire_urls.serving_url, settings) as built:
        yield built


@pytest.fixture(scope="module")
def make_shop(gateway: Gateway, owner: asyncpg.Connection[Any]) -> MakeShop:
    """Makes an application of a merchant of its own; arguments are columns of the table."""

    async def make(**columns: Any) -> Shop:
        now = datetime.now(UTC)
        merchant_id, payee_id = new_id(now), new_id(now)
        live = columns.get("environment") == "live"
        word, rest = "" if live else "_test", uuid.uuid4().hex
        shop = Shop(new_id(now), f"pk{word}.{rest}", f"sk{word}.{rest}")
        await owner.execute(
            "INSERT INTO merchants VALUES ($1, 'Boutique', 'CM', $2)", merchant_id, now
        )
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
        await gateway.access.refresh()
        return shop

    return make


@pytest.fixture
def app(gateway: Gateway) -> Asgi:
    return build_app(gateway)


@pytest_asyncio.fixture(loop_scope="module")
async def shop(make_shop: MakeShop) -> Shop:
    return await make_shop()


@pytest.fixture
def notch(app: Asgi, shop: Shop) -> Client:
    """A merchant's client with the public key alone."""
    return Client(app, {"authorization": shop.public_key, "content-type": "application/json"})


@pytest_asyncio.fixture(loop_scope="module")
async def sending(app: Asgi, shop: Shop, owner: asyncpg.Connection[Any]) -> Client:
    """A client with the grant, whose merchant has a million francs."""
    await enrich(owner, shop)
    return granting(app, shop)


@pytest_asyncio.fixture(loop_scope="module")
async def sound_books(gateway: Gateway) -> AsyncIterator[None]:
    """Whatever a test does, the audit finds nothing afterwards."""
    yield
    async with gateway.database.connection() as connection:
        assert await findings(connection) == []
