"""What is kept for a while only, and wiped when the while is over."""

from __future__ import annotations

from datetime import timedelta

from guichet.gateway import Gateway
from guichet.store import retention as store

#: So much at once: locks are held for some milliseconds.
_BATCH_ROWS = 500


async def wipe_old(gateway: Gateway) -> int:
    """Wipe a batch each of old notices and old deliveries, as the settings say; how many.

    Raises ``Unavailable``.
    """
    settings, now, wiped = gateway.settings, gateway.clock.now(), 0
    async with gateway.database.connection() as connection:
        if settings.notice_retention_days:
            before = now - timedelta(days=settings.notice_retention_days)
            wiped += await store.wipe_notices(connection, before, _BATCH_ROWS)
        if settings.delivery_retention_days:
            before = now - timedelta(days=settings.delivery_retention_days)
            wiped += await store.wipe_deliveries(connection, before, _BATCH_ROWS)
    return wiped
