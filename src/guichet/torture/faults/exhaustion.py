"""F12: nothing free at the database, and a provider that takes half a minute."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import httpx2

from guichet.torture import accounts
from guichet.torture.campaign import Breach, Fault, Figures
from guichet.torture.stage import Stage

_ANSWER_WITHIN_SECONDS = 3.0
#: What a busy machine adds to the measurement.
_GRACE_SECONDS = 1.0
_NORMAL_WITHIN_SECONDS = 5.0
#: One table, so that whoever waits for it holds nothing that another could wait for.
_LOCK = "LOCK TABLE payments IN ACCESS EXCLUSIVE MODE"
_IN_TRANSACTION = """
    SELECT count(*) FROM pg_stat_activity WHERE application_name = 'guichet'
        AND state LIKE 'idle in transaction%' AND now() - state_change > interval '1 second'
"""


@asynccontextmanager
async def _payments_locked(stage: Stage) -> AsyncIterator[None]:
    """Whoever wants payments waits, with a session in hand, until none is left."""
    connection = await asyncpg.connect(stage.endpoints.owner_dsn)
    try:
        async with connection.transaction():
            await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            await connection.execute(_LOCK)
            yield
    finally:
        await connection.close()


async def _lock(stage: Stage, seconds: int) -> Figures:
    merchant = accounts.neopay_merchant(stage.url, stage.applications[0])
    answered: list[tuple[float, int]] = []
    until = time.monotonic() + seconds

    async def ask(number: int) -> None:
        while time.monotonic() < until:
            asked_at = time.monotonic()
            answer = await merchant.get(f"/api/payments?page={number + 1}")
            answered.append((time.monotonic() - asked_at, answer.status))

    try:
        async with _payments_locked(stage):
            await asyncio.gather(*map(ask, range(12)))
    except httpx2.TransportError as error:
        raise Breach(f"a call hung or broke: {type(error).__name__}") from error
    finally:
        await merchant.close()
    slowest = max(duration for duration, _ in answered)
    others = {status for _, status in answered} - {200, 503}
    normal_after_seconds = await stage.acknowledges()
    if slowest > _ANSWER_WITHIN_SECONDS + _GRACE_SECONDS or others:
        raise Breach(f"the slowest answer took {slowest:.1f} s; other statuses: {others}")
    if normal_after_seconds > _NORMAL_WITHIN_SECONDS:
        raise Breach(f"normal after {normal_after_seconds:.1f} s only")
    return {
        "seconds": seconds,
        "calls": len(answered),
        "slowest_answer_seconds": round(slowest, 2),
        "normal_after_seconds": round(normal_after_seconds, 2),
    }


async def _slow_provider(stage: Stage, seconds: int) -> Figures:
    """Orders take longer than anybody waits; sessions that stand about meanwhile are counted."""
    for operation in ("create_payment", "create_authorisation"):
        await stage.providers.bank.control(
            "faults", operation=operation, kind="delay", seconds=30, times=10_000
        )
    connection = await asyncpg.connect(stage.endpoints.superuser_dsn)
    held, until = 0, time.monotonic() + seconds
    before = stage.journal.acknowledged
    try:
        while time.monotonic() < until:
            held = max(held, await connection.fetchval(_IN_TRANSACTION))
            await asyncio.sleep(0.2)
    finally:
        await connection.close()
        await stage.providers.bank.clear_faults()
    acknowledged = stage.journal.acknowledged - before
    if held or not acknowledged:
        raise Breach(f"{held} sessions held for the provider, {acknowledged} writes acknowledged")
    return {"seconds": seconds, "sessions_held": held, "acknowledged_meanwhile": acknowledged}


EXHAUSTION = Fault("F12", "no session is free: 503 within 3 s, normal within 5 s", _lock)
SLOW_PROVIDER = Fault(
    "F12b", "a slow provider holds no session, other work goes on", _slow_provider
)
