from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio

from conftest import fresh_database
from gateways import running_gateway, seed
from guichet.domain.clock import MovableClock
from guichet.embedded import Endpoints
from guichet.gateway import Gateway
from psp import Psp, connect


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(cluster_endpoints: Endpoints) -> AsyncIterator[Gateway]:
    """A gateway of the module's own, its clock movable: its tests are apart by what they make."""
    async with fresh_database(cluster_endpoints) as urls:
        await seed(urls.owner_url)
        async with running_gateway(urls.serving_url, clock=MovableClock()) as running:
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
