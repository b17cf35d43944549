from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from conftest import DatabaseUrls
from guichet.domain.attempts import Attempt
from guichet.domain.clock import MovableClock
from guichet.domain.errors import DatabaseUnavailable
from guichet.domain.outcomes import Reply
from guichet.gateway import Gateway
from guichet.services.notices import keep_reply
from guichet.store.queue import Queue, claim_deliveries
from guichet.worker import lanes
from guichet.worker.lanes import Lane, Outage, Work
from guichet.worker.loop import Worker
from outbound.listeners import answer
from worker.conftest import NewApplication
from worker.parts import (
    RAIL,
    Receiver,
    ScriptedRail,
    completed_payment,
    hang,
    new_attempt,
    new_payment,
    paid,
    receiving,
    rows,
)


@asynccontextmanager
async def working(gateway: Gateway, finish_seconds: float = 10.0) -> AsyncIterator[Worker]:
    worker = Worker(gateway, finish_seconds=finish_seconds)
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        await worker.stop()
        await task


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that only the database can tell; the test's time-out is the limit."""
    while not await condition():
        await asyncio.sleep(0.01)


async def payments_are(gateway: Gateway, status: str) -> bool:
    found = await rows(gateway, "SELECT status FROM payments")
    return {row["status"] for row in found} == {status}


async def test_two_workers_deliver_five_hundred_and_none_twice(
    gateway: Gateway, new_application: NewApplication, receiver: Receiver
) -> None:
    applications = [await new_application() for _ in range(10)]
    payments = [
        await new_payment(gateway, applications[index % 10], receiver.url) for index in range(500)
    ]
    await rows(
        gateway,
        "WITH told AS (INSERT INTO events (id, application_id, type, subject_id, version, status,"
        " occurred_at) SELECT gen_random_uuid(), application_id, 'payment.completed', id, 2,"
        " 'completed', created_at FROM payments RETURNING *)"
        " INSERT INTO webhook_deliveries (id, event_id, application_id, url, status,"
        " next_attempt_at, created_at) SELECT gen_random_uuid(), id, application_id, $1, 'pending',"
        " occurred_at, occurred_at FROM told",
        receiver.url,
    )

    async with working(gateway), working(gateway):
        await receiver.has(500)

    told = Counter(received.payment["id"] for received in receiver.received)
    assert told == Counter(str(payment.id) for payment in payments)
    ended = await rows(gateway, "SELECT status, tries FROM webhook_deliveries")
    assert {(row["status"], row["tries"]) for row in ended} == {("delivered", 1)}


async def test_nine_receivers_are_served_while_the_tenth_hangs(
    gateway: Gateway, new_application: NewApplication
) -> None:
    async with AsyncExitStack() as stack:
        bad = await stack.enter_async_context(receiving(hang))
        good = [await stack.enter_async_context(receiving()) for _ in range(9)]
        bad_application = await new_application()
        for _ in range(12):
            await completed_payment(gateway, bad_application, bad.url)
        for receiver in good:
            application_id = await new_application()
            for _ in range(3):
                await completed_payment(gateway, application_id, receiver.url)

        async with working(gateway, finish_seconds=0):
            await bad.has(4)
            await asyncio.gather(*(receiver.has(3) for receiver in good))

        assert len(bad.received) == 4


async def test_what_a_killed_worker_held_is_taken_over(
    gateway: Gateway, application_id: UUID
) -> None:
    async with receiving(hang) as receiver:
        await completed_payment(gateway, application_id, receiver.url)
        async with working(gateway, finish_seconds=0):
            await receiver.has(1)
        receiver.handler = answer()
        now = gateway.clock.now()
        assert await claim_deliveries(gateway.database, now, 10, 60) == []
        await rows(gateway, "UPDATE webhook_deliveries SET claimed_until = now()")

        async with working(gateway):
            await receiver.has(2)

        first, second = receiver.received
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    (row,) = await rows(gateway, "SELECT status, tries FROM webhook_deliveries")
    assert row == {"status": "delivered", "tries": 1}


async def test_a_stopping_worker_finishes_what_it_holds(
    gateway: Gateway, application_id: UUID
) -> None:
    release = asyncio.Event()

    async def wait(_request: bytes, writer: asyncio.StreamWriter) -> None:
        await release.wait()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    async with receiving(wait) as receiver:
        await completed_payment(gateway, application_id, receiver.url)
        async with working(gateway) as worker:
            await receiver.has(1)
            stopping = asyncio.create_task(worker.stop())
            await asyncio.sleep(0)
            release.set()
            await stopping

    (row,) = await rows(gateway, "SELECT status FROM webhook_deliveries")
    assert row["status"] == "delivered"


async def test_work_made_while_the_worker_rests_wakes_it(
    gateway: Gateway,
    application_id: UUID,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lanes, "_POLL_SECONDS", 3600.0)
    async with working(gateway):
        await until(lambda: _listens(gateway))
        await completed_payment(gateway, application_id, receiver.url)
        await receiver.has(1)


async def _listens(gateway: Gateway) -> bool:
    found = await rows(
        gateway,
        "SELECT FROM pg_stat_activity WHERE query LIKE 'LISTEN%guichet_work%' AND state = 'idle'"
        " AND datname = current_database()",
    )
    return bool(found)


async def test_a_worker_survives_the_loss_of_every_connection(
    gateway: Gateway,
    application_id: UUID,
    receiver: Receiver,
    database_urls: DatabaseUrls,
) -> None:
    async with working(gateway):
        await until(lambda: _listens(gateway))
        superuser = await asyncpg.connect(database_urls.superuser_url)
        await superuser.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await superuser.close()
        await until(lambda: _answers(gateway))
        await completed_payment(gateway, application_id, receiver.url)
        await receiver.has(1)
        await until(lambda: _listens(gateway))


async def _answers(gateway: Gateway) -> bool:
    try:
        await rows(gateway, "SELECT 1")
    except DatabaseUnavailable:
        return False
    return True


async def test_a_returning_payer_s_payment_is_completed(
    gateway: Gateway, application_id: UUID, rail: ScriptedRail
) -> None:
    attempt = await new_attempt(gateway, await new_payment(gateway, application_id))
    rail.says = paid()
    async with working(gateway):
        await keep_reply(gateway, RAIL, "sandbox", attempt.id, Reply({"one-time-token": "t"}))
        await until(lambda: payments_are(gateway, "completed"))

    assert rail.asked == [Reply({"one-time-token": "t"})]


async def test_an_attempt_that_nobody_told_of_is_asked_about(
    gateway: Gateway, application_id: UUID, rail: ScriptedRail, clock: MovableClock
) -> None:
    await new_attempt(gateway, await new_payment(gateway, application_id))
    rail.says = paid()
    clock.move(timedelta(hours=1))
    async with working(gateway):
        await until(lambda: payments_are(gateway, "completed"))


async def test_an_attempt_whose_provider_is_away_is_asked_about_later(
    gateway: Gateway, application_id: UUID, rail: ScriptedRail, clock: MovableClock
) -> None:
    attempt = await new_attempt(gateway, await new_payment(gateway, application_id))
    rail.is_away = True
    clock.move(timedelta(hours=1))
    async with working(gateway):
        await until(lambda: _was_postponed(gateway, attempt))
        asked = len(rail.asked)
        rail.is_away = False
        rail.says = paid()
        clock.move(timedelta(hours=2))
        await until(lambda: payments_are(gateway, "completed"))

    assert asked == 1


async def _was_postponed(gateway: Gateway, attempt: Attempt) -> bool:
    (row,) = await rows(
        gateway, "SELECT next_check_at, claimed_until FROM attempts WHERE id = $1", attempt.id
    )
    return row["next_check_at"] > gateway.clock.now() and row["claimed_until"] is None


async def test_a_payment_that_nobody_paid_expires(
    gateway: Gateway, application_id: UUID, clock: MovableClock
) -> None:
    await new_payment(gateway, application_id)
    clock.move(timedelta(days=2))
    async with working(gateway):
        await until(lambda: payments_are(gateway, "expired"))


async def test_an_attempt_that_still_waits_is_cancelled_before_the_payment_expires(
    gateway: Gateway, application_id: UUID, rail: ScriptedRail, clock: MovableClock
) -> None:
    await new_attempt(gateway, await new_payment(gateway, application_id))
    await rows(gateway, "UPDATE attempts SET next_check_at = NULL")
    clock.move(timedelta(days=2))
    async with working(gateway):
        await until(lambda: payments_are(gateway, "expired"))

    assert rail.cancelled == 1


async def test_completed_money_is_released_when_its_time_comes(
    gateway: Gateway, new_application: NewApplication, clock: MovableClock
) -> None:
    application_id = await new_application(settlement_delay_hours=24)
    await completed_payment(gateway, application_id, "http://127.0.0.1:9/")
    clock.move(timedelta(hours=25))
    async with working(gateway):
        await until(lambda: _is_released(gateway))


async def _is_released(gateway: Gateway) -> bool:
    (row,) = await rows(gateway, "SELECT unreleased_minor, release_at FROM payments")
    return row == {"unreleased_minor": 0, "release_at": None}


async def test_institutions_are_read_at_the_start(gateway: Gateway) -> None:
    async with working(gateway):
        await until(lambda: _offers(gateway, "Modelo"))


async def _offers(gateway: Gateway, name: str) -> bool:
    return bool(await rows(gateway, "SELECT FROM institutions WHERE name = $1", name))


async def test_a_defect_in_one_piece_of_work_stops_no_other(
    gateway: Gateway, application_id: UUID, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    await completed_payment(gateway, application_id, receiver.url)
    await rows(gateway, "UPDATE webhook_deliveries SET event_id = gen_random_uuid()")
    await completed_payment(gateway, application_id, receiver.url)
    async with working(gateway):
        await receiver.has(1)

    assert "a piece of deliveries failed" in caplog.text


async def test_an_absent_database_is_told_once_and_waited_for(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="guichet.worker")
    answers: list[str | Exception] = [*(DatabaseUnavailable() for _ in range(3)), "work"]
    done = asyncio.Event()

    async def claim(_gateway: Gateway, _limit: int) -> list[str]:
        answer = answers.pop(0) if answers else ""
        if isinstance(answer, Exception):
            raise answer
        return [answer] if answer else []

    async def handle(_gateway: Gateway, _item: str) -> str:
        done.set()
        return "done"

    lane = Lane(gateway, Work(Queue.CHECKS, 1, claim, handle), Outage())
    running = asyncio.create_task(lane.run(finish_seconds=1))
    await done.wait()
    lane.stop()
    await running

    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "the worker waits for the database",
        "the worker has the database again",
    ]
