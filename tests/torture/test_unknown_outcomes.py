"""The provider's outcome is unknown: a hundred cases, in the mix of a bad day at a provider.

The simulator decides what is true and, apart from that, what we get to see. We must end with the
truth, once, and never show a payment as failed while the provider holds its money. Time is moved,
not waited for, and the worker is stopped and started in between.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from conftest import DatabaseUrls
from guichet.gateway import Gateway
from guichet.store.audit import findings
from guichet.store.backlogs import backlogs
from guichet.torture.books import minor
from guichet.torture.providers import Simulator
from guichet.worker.loop import Worker
from torture.calls import Merchant
from torture.serving import Served, serving

_STEP = timedelta(seconds=5)
#: For so long orders cannot be found, and banks have not decided what they took on.
_ILL_FOR = timedelta(seconds=15)
#: After that no payment may need longer than this. In moved time, both.
_SETTLED_WITHIN = timedelta(seconds=60)
_AT_ONCE = 10
#: Long enough for a provider on a busy machine; short, because some cases wait for it.
_TIMEOUT_SECONDS = 4.0


class Case(NamedTuple):
    """``times`` payers log in as ``user``; ``status`` is the payment's in the end.

    ``returns``: their browsers come back. ``decision``: the bank's, once it is well again.
    """

    times: int
    user: str
    status: str
    returns: bool = True
    decision: str | None = None


CASES = {
    "moved, connection cut before the answer": Case(20, "timeout", "completed"),
    "moved, answered after our time-out": Case(10, "hang", "completed"),
    "not moved, cut: asked again, and paid once": Case(10, "lost", "completed"),
    "moved, answered 502": Case(10, "error502-moved", "completed"),
    "not moved, answered 502: asked again, and paid once": Case(10, "error502", "completed"),
    "accepted, cannot be found for a while, then moved": Case(10, "slow", "completed"),
    "moved, answer is half a JSON": Case(10, "garbled", "completed"),
    "moved, the payer never comes back, notices only": Case(
        5, "pending", "completed", returns=False, decision="settle"
    ),
    "moved, nobody ever tells us": Case(5, "silent", "completed", returns=False),
    "declined after it was accepted": Case(5, "pending", "failed", decision="fail"),
    "moved, more than asked": Case(3, "over", "completed"),
    "moved, less than asked": Case(2, "short", "processing"),
}
#: Those whose order's answer was lost or unreadable. The others are waiting, or known.
_UNKNOWN_AT_FIRST = 70


@dataclass
class Paid:
    """One payer's payment."""

    case: str
    payment_id: UUID
    attempt_id: UUID


class StoppedClock:
    """Goes on only when it is moved, so that a slow machine sees the same run as a fast one."""

    def __init__(self) -> None:
        self._now = datetime.now(UTC)

    def now(self) -> datetime:
        return self._now

    def move(self, by: timedelta) -> None:
        self._now += by


@asynccontextmanager
async def working(gateway: Gateway) -> AsyncIterator[Worker]:
    """A worker, until the end of the block."""
    worker = Worker(gateway, finish_seconds=5)
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        await worker.stop()
        await task


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
async def server(
    seeded: DatabaseUrls, simulator: Simulator, clock: StoppedClock
) -> AsyncIterator[Served]:
    async with serving(
        seeded.serving_url, simulator.url, clock, _TIMEOUT_SECONDS, lease_seconds=60
    ) as made:
        yield made


async def test_a_hundred_unknown_outcomes_end_in_the_providers_truth(
    server: Served, simulator: Simulator, clock: StoppedClock
) -> None:
    assert sum(case.times for case in CASES.values()) == 100
    todo = [name for name, case in CASES.items() for _ in range(case.times)]
    limit = asyncio.Semaphore(_AT_ONCE)
    async with working(server.gateway), Merchant(server.url) as merchant:
        paid = await asyncio.gather(
            *(_pay(server, simulator, merchant, limit, name, at) for at, name in enumerate(todo))
        )
        await _ask_all(server.gateway)
    unknown = "SELECT FROM attempts WHERE status = 'unknown'"
    assert len(await _rows(server.gateway, unknown)) == _UNKNOWN_AT_FIRST
    await simulator.control("webhook", url=server.notice_url)
    await simulator.control("faults", operation="get_payment", kind="hide", times=10**6)
    waited = timedelta()
    while (left := await _unsettled(server.gateway)) or waited < _ILL_FOR:
        assert waited < _ILL_FOR + _SETTLED_WITHIN, f"unsettled: {left}"
        if waited == _ILL_FOR:
            await _heal(simulator, paid)
        clock.move(_STEP)
        waited += _STEP
        async with working(server.gateway):
            await _ask_all(server.gateway)
        await _is_never_shown_as_failed(server.gateway, simulator)
    await _agrees(server.gateway, simulator, paid)
    print(f"{(waited - _ILL_FOR).total_seconds():.0f} s after healing")  # noqa: T201


async def _pay(
    server: Served,
    simulator: Simulator,
    merchant: Merchant,
    limit: asyncio.Semaphore,
    case: str,
    number: int,
) -> Paid:
    async with limit:
        made = await merchant.create(f"{100 + number}.{number:02}")
        payment = made.json()["payment"]
        assert (await merchant.press_pay(payment["authorisationUrl"])).status == 303
        bank = await merchant.bank_page(payment["authorisationUrl"])
        assert bank is not None
        payment_id = UUID(payment["id"])
        (row,) = await _rows(
            server.gateway, "SELECT id FROM attempts WHERE payment_id = $1", payment_id
        )
        decided = await simulator.decide(
            "accept", consent=bank.rpartition("/")[2], user=CASES[case].user
        )
        if CASES[case].returns:
            assert (await merchant.come_back(decided["callback"])).status == 303
        return Paid(case, payment_id, row["id"])


async def _heal(simulator: Simulator, paid: Sequence[Paid]) -> None:
    """Orders can be found again, and the banks decide; of which they send notices."""
    answer = await simulator.clear_faults()
    assert answer == {}
    for each in paid:
        decision = CASES[each.case].decision
        if decision is not None:
            await simulator.decide(decision, payment=each.attempt_id.hex)


async def _ask_all(gateway: Gateway) -> None:
    """Wait until the worker has nothing more to do now."""
    async with asyncio.timeout(60):
        while any(each.depth for each in await backlogs(gateway.database, gateway.clock.now())):
            await asyncio.sleep(0.02)


async def _unsettled(gateway: Gateway) -> list[dict[str, Any]]:
    return await _rows(
        gateway,
        "SELECT p.amount_minor, a.status, a.checks_count, a.next_check_at FROM attempts a"
        " JOIN payments p ON p.id = a.payment_id"
        " WHERE a.status IN ('starting', 'waiting', 'unknown')",
    )


async def _moved(simulator: Simulator) -> dict[UUID, Decimal]:
    """What moved at the provider, by attempt, in the smallest unit."""
    orders = (await simulator.state())["payments"]
    names = [order["paymentIdempotencyId"] for order in orders]
    assert len(names) == len(set(names))
    assert all(len(order["movements"]) <= 1 for order in orders)
    return {
        UUID(order["paymentIdempotencyId"]): minor(order["moved"], order["currency"])
        for order in orders
    }


async def _is_never_shown_as_failed(gateway: Gateway, simulator: Simulator) -> None:
    closed = await _rows(
        gateway,
        "SELECT a.id, p.status FROM payments p JOIN attempts a ON a.payment_id = p.id"
        " WHERE p.status NOT IN ('pending', 'processing', 'completed')",
    )
    moved = await _moved(simulator)
    assert [row for row in closed if moved.get(row["id"])] == []


async def _agrees(gateway: Gateway, simulator: Simulator, paid: Sequence[Paid]) -> None:
    """Each payment is what its case says, and holds exactly what moved."""
    moved = await _moved(simulator)
    rows = await _rows(
        gateway,
        "SELECT p.id AS payment_id, a.id, p.status, p.amount_minor, a.received_minor"
        " FROM payments p JOIN attempts a ON a.payment_id = p.id",
    )
    assert len(rows) == len(paid)
    case_of = {each.payment_id: each.case for each in paid}
    found = Counter((case_of[row["payment_id"]], row["status"]) for row in rows)
    assert found == {(name, case.status): case.times for name, case in CASES.items()}
    for row in rows:
        assert row["received_minor"] == moved[row["id"]]
        assert (row["status"] == "completed") == (moved[row["id"]] >= row["amount_minor"])
    async with gateway.database.connection() as connection:
        assert await findings(connection) == []


async def _rows(gateway: Gateway, sql: str, *arguments: object) -> list[dict[str, Any]]:
    async with gateway.database.connection() as connection:
        return [dict(row) for row in await connection.fetch(sql, *arguments)]
