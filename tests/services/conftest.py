from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from conftest import DatabaseUrls, fresh_database
from gateways import APPLICATION_ID, FEE_RULE_ID, running_gateway, seed
from guichet.domain.clock import MovableClock
from guichet.embedded import Endpoints
from guichet.gateway import Gateway
from guichet.store.audit import findings
from psp import Psp, connect

NewMerchant = Callable[..., Awaitable[UUID]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop_urls(cluster_endpoints: Endpoints) -> AsyncIterator[DatabaseUrls]:
    """The shop's database."""
    async with fresh_database(cluster_endpoints) as urls:
        await seed(urls.owner_url)
        yield urls


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(shop_urls: DatabaseUrls) -> AsyncIterator[Gateway]:
    """A gateway of the module's own, its clock movable: its tests are apart by what they make."""
    async with running_gateway(shop_urls.serving_url, clock=MovableClock()) as running:
        yield running


@pytest.fixture
def psp(shop: Gateway) -> Psp:
    """A PSP of the test's own, by which the shop collects."""
    made = Psp()
    connect(shop, made)
    return made


@pytest.fixture
def key() -> str:
    """A request key that nobody else uses."""
    return uuid4().hex


_COPIED = (
    "merchant_id, name, dialect, environment, payee_id, currency, requests_per_minute,"
    " lenient_json, webhook_secret, created_at"
)


@pytest.fixture
def new_merchant(shop: Gateway, shop_urls: DatabaseUrls) -> NewMerchant:
    """Makes applications that nobody else uses, if wanted with a fee of 2 % + 10 or a delay."""

    async def make(*, fee: bool = False, delay_hours: int = 0) -> UUID:
        application_id = uuid4()
        owner = await asyncpg.connect(shop_urls.owner_url)
        await owner.execute(
            f"INSERT INTO applications (id, fee_rule_id, settlement_delay_hours, {_COPIED})"
            f" SELECT $1, $2, $3, {_COPIED} FROM applications WHERE id = $4",
            application_id,
            FEE_RULE_ID if fee else None,
            delay_hours,
            APPLICATION_ID,
        )
        await owner.close()
        await shop.access.refresh()
        return application_id

    return make


@pytest_asyncio.fixture(loop_scope="module")
async def sound_books(shop: Gateway) -> AsyncIterator[None]:
    """Whatever a test does, the audit finds nothing afterwards."""
    yield
    async with shop.database.connection() as connection:
        assert await findings(connection) == []
