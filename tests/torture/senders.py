"""A merchant whose money goes out by two gateways: nothing is settled within one process."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from itertools import cycle, islice
from typing import Any

from conftest import DatabaseUrls
from gateways import APPLICATION_ID, running_gateway
from guichet.domain.clock import MovableClock
from guichet.gateway import Gateway
from guichet.store.audit import findings
from psp import Psp, connect
from services.bookkeeping import Paid, paid
from services.sending import sending_psp

AT_ONCE = 30
WHOLE = 10_000


class Shop:
    """Two gateways and their PSP; one merchant, who has nothing at the start of a round."""

    def __init__(self, one: Gateway, other: Gateway, psp: Psp) -> None:
        self.gateways = (one, other)
        self.psp = psp

    def in_turn(self) -> list[Gateway]:
        return list(islice(cycle(self.gateways), AT_ONCE))

    async def paid(self) -> Paid:
        return await paid(self.gateways[0], self.psp, APPLICATION_ID, WHOLE)

    async def balances(self) -> dict[str, int]:
        async with self.gateways[0].database.connection() as connection:
            rows = await connection.fetch(
                "SELECT code, balance_minor FROM ledger_accounts WHERE application_id = $1"
                " AND balance_minor <> 0",
                APPLICATION_ID,
            )
        return dict(tuple(row) for row in rows)

    async def is_clean(self) -> bool:
        async with self.gateways[0].database.connection() as connection:
            return await findings(connection) == []


@asynccontextmanager
async def two_gateways(urls: DatabaseUrls) -> AsyncIterator[Shop]:
    """The shop, on a database that has the applications of ``gateways``."""
    clock, psp = MovableClock(), sending_psp()
    async with (
        running_gateway(urls.serving_url, clock=clock) as one,
        running_gateway(urls.serving_url, clock=clock) as other,
    ):
        for gateway in (one, other):
            connect(gateway, psp)
        yield Shop(one, other, psp)


async def together(*calls: Awaitable[Any]) -> Counter[type]:
    """What came of each; an error nobody plans for is told as such by its type."""
    answers = await asyncio.gather(*calls, return_exceptions=True)
    return Counter(type(answer) for answer in answers)
