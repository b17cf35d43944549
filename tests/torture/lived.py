"""A database in which a random history has happened."""

from __future__ import annotations

import os
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from conftest import DatabaseUrls, fresh_database
from gateways import FEE_RULE_ID, running_gateway, seed
from guichet.domain.clock import MovableClock
from guichet.embedded import Endpoints
from psp import connect
from torture.fickle import FicklePsp
from torture.histories import World, walk_all

#: New in each run; printed when a test fails.
SEED = int(os.environ.get("GUICHET_TESTS_SEED") or secrets.randbits(32))
#: Without a fee, with one, and with one and a day's delay before money is available.
_APPLICATIONS = ((None, 0), (FEE_RULE_ID, 0), (FEE_RULE_ID, 24))


@dataclass
class History:
    """What happened, and a look at the database that it left."""

    world: World
    urls: DatabaseUrls
    owner: asyncpg.Connection[Any]

    async def rows(self, sql: str) -> list[asyncpg.Record]:
        return await self.owner.fetch(sql)

    async def sums(self, sql: str) -> Counter[Any]:
        """The query's last column by its first ones; what is nothing is left out."""
        return Counter({tuple(key): minor for *key, minor in await self.rows(sql) if minor})


async def _add_applications(owner: asyncpg.Connection[Any]) -> list[UUID]:
    """Applications like the seeded one, with fees and delays."""
    made = []
    for fee_rule_id, delay_hours in _APPLICATIONS:
        made.append(uuid4())
        await owner.execute(
            "INSERT INTO applications (id, fee_rule_id, transfer_fee_rule_id,"
            " settlement_delay_hours, merchant_id, name, dialect, environment, payee_id, currency,"
            " requests_per_minute, lenient_json, webhook_secret, created_at)"
            " SELECT $1, $2, $2, $3, merchant_id, name, dialect, environment, payee_id, currency,"
            " requests_per_minute, lenient_json, webhook_secret, created_at FROM applications"
            " WHERE fee_rule_id IS NULL LIMIT 1",
            *(made[-1], fee_rule_id, delay_hours),
        )
    return made


@asynccontextmanager
async def lived(endpoints: Endpoints, steps: int) -> AsyncIterator[History]:
    """A history of so many steps of each walker, and what it left."""
    print(f"GUICHET_TESTS_SEED={SEED}")  # noqa: T201 -- pytest shows it when a test fails
    async with AsyncExitStack() as stack:
        urls = await stack.enter_async_context(fresh_database(endpoints))
        await seed(urls.owner_url)
        owner = await asyncpg.connect(urls.owner_url)
        stack.push_async_callback(owner.close)
        applications = await _add_applications(owner)
        clock, psp = MovableClock(), FicklePsp(Random(f"{SEED} rail"))
        gateways = [
            await stack.enter_async_context(running_gateway(urls.serving_url, clock=clock))
            for _ in range(2)
        ]
        for gateway in gateways:
            connect(gateway, psp)
        world = World(gateways, psp, clock, applications)
        await walk_all(world, SEED, steps)
        yield History(world, urls, owner)
