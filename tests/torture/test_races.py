"""Thirty at once, ten rounds of each: exactly one effect a round.

Two servers share the database, so that nothing is settled by the queue of a single process.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from itertools import cycle, islice
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from conftest import DatabaseUrls
from guichet.domain.clock import MovableClock
from guichet.domain.money import Money
from guichet.domain.outcomes import Done
from guichet.rails.port import RailUnavailable
from guichet.services.closing import expire_payment
from guichet.services.settlement import record_outcome
from guichet.store.audit import findings
from guichet.torture.providers import Simulator
from torture.calls import Answer, Merchant, payment_body, release_together, request_bytes
from torture.serving import Served, serving

#: A hundred before a release (docs/reliability.md).
ROUNDS = int(os.environ.get("RACE_ROUNDS", "10"))
AT_ONCE = 30


class Pair:
    """Two servers on one database with one provider."""

    def __init__(self, servers: tuple[Served, Served], clock: MovableClock) -> None:
        self.servers = servers
        self.clock = clock
        self.merchant = Merchant(servers[0].url)

    def in_turn(self) -> list[Served]:
        return list(islice(cycle(self.servers), AT_ONCE))

    async def query(self, sql: str, *arguments: object) -> list[dict[str, Any]]:
        async with self.servers[0].gateway.database.connection() as connection:
            return [dict(row) for row in await connection.fetch(sql, *arguments)]

    async def new_payment(self) -> tuple[UUID, str]:
        """A payment's id and the path of its page."""
        answer = await self.merchant.create("350.41")
        payment = answer.json()["payment"]
        return UUID(payment["id"]), urlsplit(payment["authorisationUrl"]).path

    async def started(self) -> tuple[UUID, UUID]:
        """A payment's id and that of its attempt."""
        payment_id, path = await self.new_payment()
        assert (await self.merchant.press_pay(path)).status == 303
        rows = await self.query("SELECT id FROM attempts WHERE payment_id = $1", payment_id)
        return payment_id, rows[0]["id"]

    async def together(
        self, path: str, bodies: list[bytes], key: str | None = None
    ) -> list[Answer]:
        return await release_together(
            [
                (server.url, request_bytes(self.merchant, path, body, key))
                for server, body in zip(self.in_turn(), bodies, strict=True)
            ]
        )

    async def is_clean(self) -> bool:
        async with self.servers[0].gateway.database.connection() as connection:
            return await findings(connection) == []


@pytest.fixture
async def pair(seeded: DatabaseUrls, simulator: Simulator) -> AsyncIterator[Pair]:
    clock = MovableClock()
    join = partial(
        serving,
        seeded.serving_url,
        simulator.url,
        clock,
        provider_timeout_seconds=10,
        public_url="http://pay.example",
    )
    async with join() as one, join() as other:
        made = Pair((one, other), clock)
        async with made.merchant:
            yield made


async def test_a_payment_is_started_once(pair: Pair, simulator: Simulator) -> None:
    for _ in range(ROUNDS):
        payment_id, path = await pair.new_payment()
        answers = await pair.together(path, [b""] * AT_ONCE)
        assert Counter(answer.status for answer in answers) == {303: AT_ONCE}
        rows = await pair.query("SELECT id FROM attempts WHERE payment_id = $1", payment_id)
        assert len(rows) == 1
        key = rows[0]["id"].hex
        consents = (await simulator.state())["consents"]
        assert [each["paymentIdempotencyId"] for each in consents].count(key) == 1


async def test_one_request_key_makes_one_payment(pair: Pair) -> None:
    for number in range(ROUNDS):
        key = f"same {number}"
        answers = await pair.together("/api/payments", [payment_body("350.41")] * AT_ONCE, key)
        assert Counter(answer.status for answer in answers) == {200: AT_ONCE}
        assert len({answer.body for answer in answers}) == 1
        assert len(await pair.query("SELECT id FROM payments WHERE request_key = $1", key)) == 1


async def test_one_request_key_with_thirty_bodies_makes_one_payment(pair: Pair) -> None:
    bodies = [payment_body(f"{amount}.41") for amount in range(AT_ONCE)]
    for number in range(ROUNDS):
        key = f"other {number}"
        answers = await pair.together("/api/payments", bodies, key)
        assert Counter(answer.status for answer in answers) == {200: 1, 422: AT_ONCE - 1}
        winner = next(answer for answer in answers if answer.status == 200).json()["payment"]
        rows = await pair.query("SELECT id, amount_minor FROM payments WHERE request_key = $1", key)
        assert rows == [{"id": UUID(winner["id"]), "amount_minor": int(winner["amount"] * 100)}]


async def test_money_that_is_reported_thirty_times_is_booked_once(pair: Pair) -> None:
    paid = Done(received=Money(35041, "GBP"))
    for _ in range(ROUNDS):
        payment_id, attempt_id = await pair.started()
        reports = [record_outcome(each.gateway, attempt_id, paid) for each in pair.in_turn()]
        await asyncio.gather(*reports)
        await _completed_once(pair, payment_id)
    assert await pair.is_clean()


async def test_a_payment_that_expires_while_it_is_paid_is_paid(pair: Pair) -> None:
    paid = Done(received=Money(35041, "GBP"))
    for _ in range(ROUNDS):
        payment_id, attempt_id = await pair.started()
        pair.clock.move(timedelta(days=1, seconds=1))

        async def expire(server: Served, payment_id: UUID = payment_id) -> None:
            with suppress(RailUnavailable):  # another one is asking
                await expire_payment(server.gateway, payment_id)

        halves = zip(pair.in_turn()[::2], pair.in_turn()[1::2], strict=True)
        await asyncio.gather(
            *(
                call
                for one, other in halves
                for call in (expire(one), record_outcome(other.gateway, attempt_id, paid))
            )
        )
        await _completed_once(pair, payment_id)
    assert await pair.is_clean()


async def _completed_once(pair: Pair, payment_id: UUID) -> None:
    payments = await pair.query("SELECT status FROM payments WHERE id = $1", payment_id)
    assert payments == [{"status": "completed"}]
    events = await pair.query(
        "SELECT version FROM events WHERE subject_id = $1 AND type = 'payment.completed'",
        payment_id,
    )
    assert len(events) == 1
    entries = await pair.query(
        "SELECT id FROM ledger_entries WHERE subject_id = $1 AND event = 'payment.completed'",
        payment_id,
    )
    assert len(entries) == 1
