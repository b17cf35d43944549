"""F13: thirty at once take from one merchant's balance and bring to it.

Whatever is answered but success and "come again" ends the run (``journal.classify``).
"""

from __future__ import annotations

import asyncio
import time
from itertools import count

import asyncpg

from guichet.torture.campaign import Fault, Figures
from guichet.torture.journal import now, read_journal
from guichet.torture.stage import Stage

_AT_ONCE = 30
#: Beyond the numbers of the load's own customers.
_FIRST_NUMBER = 10_000_000
_DEADLOCKS = "SELECT sum(deadlocks)::int FROM pg_stat_database"


async def _inject(stage: Stage, seconds: int) -> Figures:
    numbers = count(_FIRST_NUMBER)
    until, started, walks = time.monotonic() + seconds, now(), stage.phone_payers.walks

    async def go_on() -> None:
        while time.monotonic() < until:
            await stage.phone_payers.walk(next(numbers))

    connection = await asyncpg.connect(stage.endpoints.superuser_dsn)
    try:
        before = await connection.fetchval(_DEADLOCKS)
        await asyncio.gather(*(go_on() for _ in range(_AT_ONCE)))
        deadlocks = await connection.fetchval(_DEADLOCKS) - before
    finally:
        await connection.close()
    journal = read_journal(stage.folder / "journal")
    tries = [each for write in journal for each in write.tries if each.sent_at > started]
    return {
        "seconds": seconds,
        "walks": stage.phone_payers.walks - walks,
        "writes": len(tries),
        "told_to_come_again": sum(each.status in (429, 503) for each in tries),
        "deadlocks_inside": deadlocks,
    }


STORMS = Fault("F13", "thirty at one balance: nobody sees a deadlock, the books", _inject)
