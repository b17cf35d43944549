from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from guichet.domain.clock import MovableClock
from guichet.domain.deliveries import Fate
from guichet.domain.ids import new_id
from guichet.gateway import Gateway
from guichet.rails.port import Inbound
from guichet.services.notices import receive_notice
from guichet.store import deliveries, notices, queue
from guichet.store.backlogs import backlogs
from guichet.store.database import Database
from guichet.store.queue import IN_FLIGHT_PER_APPLICATION, Queue, claim_deliveries
from worker.conftest import NewApplication
from worker.parts import RAIL, completed_payment, new_attempt, new_payment, rows

YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Case:
    """A queue: how it is claimed and how a claimed row is finished."""

    queue: Queue
    claim: Callable[[Database, datetime, int, float], Awaitable[Sequence[Any]]]
    finish: Callable[[Gateway, Any], Awaitable[bool]]


async def finish_notice(gateway: Gateway, row: Any) -> bool:
    async with gateway.database.connection() as connection:
        return await notices.close(connection, row.id, row.claim, gateway.clock.now())


async def finish_delivery(gateway: Gateway, row: Any) -> bool:
    now = gateway.clock.now()
    sent = deliveries.Try(now, 1, 200, None, "ok")
    async with gateway.database.connection() as connection:
        fate = Fate("delivered", None)
        return await deliveries.record_try(connection, row.id, row.claim, sent, fate, now)


async def finish_check(gateway: Gateway, row: Any) -> bool:
    return await queue.finish_check(gateway.database, row, None)


async def finish_expiry(gateway: Gateway, row: Any) -> bool:
    return await queue.finish_expiry(gateway.database, row, gateway.clock.now() + YEAR)


async def finish_release(gateway: Gateway, row: Any) -> bool:
    return await queue.finish_release(gateway.database, row, gateway.clock.now() + YEAR)


CASES = [
    Case(Queue.NOTICES, queue.claim_notices, finish_notice),
    Case(Queue.CHECKS, queue.claim_checks, finish_check),
    Case(Queue.EXPIRIES, queue.claim_expiries, finish_expiry),
    Case(Queue.RELEASES, queue.claim_releases, finish_release),
    Case(Queue.DELIVERIES, queue.claim_deliveries, finish_delivery),
]
every_queue = pytest.mark.parametrize("case", CASES, ids=lambda case: case.queue.value)


@pytest.fixture
async def due(gateway: Gateway, new_application: NewApplication, clock: MovableClock) -> datetime:
    """A moment at which each queue has one piece of work due."""
    application_id = await new_application(settlement_delay_hours=1)
    await new_attempt(gateway, await new_payment(gateway, application_id))
    await rows(gateway, "UPDATE payments SET expiry_check_at = NULL")
    await completed_payment(gateway, application_id, "http://127.0.0.1:9/hook")
    await new_payment(gateway, application_id)
    await receive_notice(gateway, RAIL, "sandbox", Inbound({"proof": "1"}, b'{"named": [{}]}'))
    await rows(gateway, "UPDATE attempts SET next_check_at = NULL WHERE status = 'done'")
    return clock.now() + timedelta(days=2)


@every_queue
async def test_what_is_due_is_claimed_once(gateway: Gateway, due: datetime, case: Case) -> None:
    assert len(await case.claim(gateway.database, due, 10, 60)) == 1
    assert await case.claim(gateway.database, due, 10, 60) == []


@every_queue
async def test_what_is_not_due_is_not_claimed(gateway: Gateway, due: datetime, case: Case) -> None:
    assert await case.claim(gateway.database, due - YEAR, 10, 60) == []


@every_queue
async def test_an_expired_lease_is_taken_over(gateway: Gateway, due: datetime, case: Case) -> None:
    (former,) = await case.claim(gateway.database, due, 10, 0)
    (latter,) = await case.claim(gateway.database, due, 10, 60)

    assert latter.claim == former.claim + 1


@every_queue
async def test_who_lost_the_lease_cannot_finish(
    gateway: Gateway, due: datetime, case: Case
) -> None:
    (lost,) = await case.claim(gateway.database, due, 10, 0)
    (held,) = await case.claim(gateway.database, due, 10, 60)

    assert not await case.finish(gateway, lost)
    assert await case.claim(gateway.database, due, 10, 60) == []
    assert await case.finish(gateway, held)
    assert await case.claim(gateway.database, due, 10, 60) == []


@every_queue
async def test_the_backlog_counts_what_is_due(gateway: Gateway, due: datetime, case: Case) -> None:
    now = {each.queue: each for each in await backlogs(gateway.database, due)}
    before = {each.queue: each for each in await backlogs(gateway.database, due - YEAR)}

    assert now[case.queue].depth == 1
    oldest = now[case.queue].oldest_due_at
    assert oldest is not None
    assert oldest <= due
    assert before[case.queue] == (case.queue, 0, None)


async def insert_deliveries(gateway: Gateway, application_id: UUID, count: int) -> None:
    now = gateway.clock.now()
    async with gateway.database.connection() as connection:
        await connection.executemany(
            "INSERT INTO webhook_deliveries (id, event_id, application_id, url, status,"
            " next_attempt_at, created_at) VALUES ($1, $2, $3, 'http://127.0.0.1:9/', 'pending',"
            " $4, $4)",
            [(new_id(now), uuid4(), application_id, now) for _ in range(count)],
        )


async def test_an_application_has_four_deliveries_in_flight_at_most(
    gateway: Gateway, application_id: UUID
) -> None:
    await insert_deliveries(gateway, application_id, 20)
    now = gateway.clock.now()

    claimed = await claim_deliveries(gateway.database, now, 10, 60)

    assert len(claimed) == IN_FLIGHT_PER_APPLICATION
    assert await claim_deliveries(gateway.database, now, 10, 60) == []
    assert await finish_delivery(gateway, claimed[0])
    assert len(await claim_deliveries(gateway.database, now, 10, 60)) == 1


async def test_a_claim_counts_what_another_worker_is_just_claiming(
    gateway: Gateway, application_id: UUID
) -> None:
    await insert_deliveries(gateway, application_id, 20)
    now = gateway.clock.now()
    async with gateway.database.transaction() as other:
        await other.execute(queue._LOCK_DELIVERIES)
        claimed = await other.fetch(queue._CLAIM_DELIVERIES, now, 10, 60.0)
        claiming = asyncio.create_task(claim_deliveries(gateway.database, now, 10, 60))
        while not claiming.done() and not await rows(gateway, _WAITS_FOR_A_TURN):
            await asyncio.sleep(0.01)

    assert len(claimed) + len(await claiming) == IN_FLIGHT_PER_APPLICATION


_WAITS_FOR_A_TURN = (
    "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"
)


async def test_a_thousand_deliveries_of_one_application_do_not_delay_another_s(
    gateway: Gateway, new_application: NewApplication
) -> None:
    await insert_deliveries(gateway, await new_application(), 1000)
    quiet = [await new_application() for _ in range(3)]
    for application_id in quiet:
        await insert_deliveries(gateway, application_id, 1)

    claimed = await claim_deliveries(gateway.database, gateway.clock.now(), 64, 60)

    assert len(claimed) == IN_FLIGHT_PER_APPLICATION + len(quiet)


async def test_no_more_is_claimed_than_asked_for(
    gateway: Gateway, new_application: NewApplication
) -> None:
    for _ in range(3):
        await insert_deliveries(gateway, await new_application(), 4)

    assert len(await claim_deliveries(gateway.database, gateway.clock.now(), 5, 60)) == 5


async def test_a_look_that_moved_the_due_time_keeps_it(gateway: Gateway, due: datetime) -> None:
    (claimed,) = await queue.claim_checks(gateway.database, due, 10, 60)
    moved = due + timedelta(hours=1)
    await rows(gateway, "UPDATE attempts SET next_check_at = $2 WHERE id = $1", claimed.id, moved)

    await queue.finish_check(gateway.database, claimed, due + timedelta(hours=2))

    (row,) = await rows(gateway, "SELECT next_check_at FROM attempts WHERE id = $1", claimed.id)
    assert row["next_check_at"] == moved
