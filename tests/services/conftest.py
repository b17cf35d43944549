from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from conftest import fresh_database
from gateways import running_gateway, seed
from guichet.domain.clock import MovableClock
from guichet.embedded import Endpoints
from guichet.gateway import Gateway


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(cluster_endpoints: Endpoints) -> AsyncIterator[Gateway]:
    """A gateway of the module's own, its clock movable: its tests are apart by what they make."""
    async with fresh_database(cluster_endpoints) as urls:
        await seed(urls.owner_url)
        async with running_gateway(urls.serving_url, clock=MovableClock()) as running:
            yield running
