"""The name of a request goes with what it began: to events, later work, lines and webhooks."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from guichet.domain.clock import MovableClock
from guichet.gateway import Gateway
from guichet.logs import REQUEST_ID
from guichet.worker.loop import Worker
from worker.parts import Receiver, ScriptedRail, new_attempt, new_payment, paid, rows

Answer = TypeVar("Answer")


async def as_request(name: str, do: Callable[[], Awaitable[Answer]]) -> Answer:
    """What ``do`` answers while the request ``name`` is being answered."""

    async def run() -> Answer:
        REQUEST_ID.set(name)
        return await do()

    return await asyncio.create_task(run(), context=contextvars.copy_context())


async def named(gateway: Gateway) -> list[tuple[str, str | None]]:
    """Every event and the request it is of."""
    found = await rows(gateway, "SELECT type, request_id FROM events ORDER BY version, request_id")
    return [(each["type"], each["request_id"]) for each in found]


async def test_what_a_worker_finds_out_carries_the_name_of_the_request_that_began_it(
    gateway: Gateway,
    application_id: UUID,
    receiver: Receiver,
    rail: ScriptedRail,
    clock: MovableClock,
) -> None:
    payment = await as_request(
        "creating-01", lambda: new_payment(gateway, application_id, receiver.url)
    )
    await as_request("paying-0001", lambda: new_attempt(gateway, payment))
    rail.says = paid()
    clock.move(timedelta(hours=2))  # long after the requests were answered

    worker = Worker(gateway)
    running = asyncio.create_task(worker.run())
    await receiver.has(1)
    await worker.stop()
    await running

    assert await named(gateway) == [
        ("payment.created", "creating-01"),
        ("payment.processing", "paying-0001"),
        ("payment.completed", "paying-0001"),
    ]
    assert receiver.received[0].headers["x-request-id"] == "paying-0001"


async def test_requests_that_share_a_commit_keep_their_names(
    gateway: Gateway, application_id: UUID
) -> None:
    made = [f"creating-{number:02}" for number in range(8)]
    await asyncio.gather(
        *(as_request(name, lambda: new_payment(gateway, application_id)) for name in made)
    )

    assert await named(gateway) == [("payment.created", name) for name in made]


async def test_a_request_has_its_name_in_the_database_for_one_transaction(
    gateway: Gateway, application_id: UUID
) -> None:
    payment = await as_request("creating-01", lambda: new_payment(gateway, application_id))
    await as_request("paying-0001", lambda: new_attempt(gateway, payment))

    async with gateway.database.transaction() as connection:
        assert not await connection.fetchval("SELECT current_setting('guichet.request_id', true)")
