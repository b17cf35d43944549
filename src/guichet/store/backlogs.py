"""How much work is due, and since when."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from guichet.store.database import Connection, Database
from guichet.store.queue import Queue


class Backlog(NamedTuple):
    """How much work of one kind is due, and since when the oldest of it."""

    queue: Queue
    depth: int
    oldest_due_at: datetime | None


_BACKLOGS = """
SELECT 'notices', count(*), min(next_try_at) FROM rail_notices WHERE next_try_at <= $1
UNION ALL
SELECT 'reconciliations', count(*), min(next_read_at) FROM reconciliations WHERE next_read_at <= $1
UNION ALL
SELECT queue, depth, oldest_due_at FROM work_due($1)
"""


async def backlogs(database: Database, now: datetime) -> list[Backlog]:
    """Each queue's backlog."""
    async with database.bare_connection() as connection:
        return await read_backlogs(connection, now)


async def read_backlogs(connection: Connection, now: datetime) -> list[Backlog]:
    """The same on a connection."""
    rows = await connection.fetch(_BACKLOGS, now)
    return [Backlog(Queue(row[0]), row[1], row[2]) for row in rows]
