"""Wiping what is kept for a while: by functions of the owner's, who alone may delete."""

from __future__ import annotations

from datetime import datetime

from guichet.store.database import Connection


async def wipe_notices(connection: Connection, before: datetime, most: int) -> int:
    """Empty at most ``most`` notices that were handled and came before ``before``; how many."""
    count: int = await connection.fetchval("SELECT wipe_notices($1, $2)", before, most)
    return count


async def wipe_deliveries(connection: Connection, before: datetime, most: int) -> int:
    """Empty at most ``most`` deliveries that ended before ``before`` and remove their tries."""
    count: int = await connection.fetchval("SELECT wipe_deliveries($1, $2)", before, most)
    return count
