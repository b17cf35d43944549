"""A gateway whose operators are simulated over HTTP, and Notch Pay merchants to call it as."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from conftest import DatabaseUrls
from gateways import running_gateway
from guichet.dialects.notchpay.app import build_app
from guichet.gateway import Gateway
from guichet.settings import LimitsMode, Settings
from guichet.store.audit import findings
from guichet.web.asgi import Asgi
from rails.mobile.stage import CREDENTIALS, simulator
from rails.notchpay import stage as aggregator
from wire.applications import BASE_URL
from wire.client import Client
from wire.notchpay.senders import enrich, granting
from wire.notchpay.shops import MakeShop, Shop, create_shop


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
        shop = await create_shop(owner, **columns)
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
