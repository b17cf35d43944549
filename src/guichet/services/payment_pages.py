"""Lists of payments, answered from what this process read before wherever that still holds."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import cast
from uuid import UUID

from guichet.domain.ids import first_id
from guichet.domain.paging import Listing, Page
from guichet.gateway import Gateway
from guichet.store import payment_pages as store
from guichet.store.batcher import Batcher
from guichet.store.payment_pages import PageKey, PageStamps, PaymentFilters, Stamp
from guichet.store.payments import PaymentRow, read_many

_CONNECTIONS = 2
_VIEWS_MAX = 4096
_COUNTS_MAX = 10_000
#: Payments this old are all there: whatever their ids wait for before they are written is over.
_WRITTEN_AFTER = timedelta(minutes=1)
#: Counting everything again now and then heals what a server with a wrong clock spoilt.
_RECOUNT_SECONDS = 600.0
#: So many newer payments may be counted each time; beyond, the border moves, once a minute.
_NEWER_MAX = 500
_MOVE_SECONDS = 60.0
_EVERYTHING = PaymentFilters()
_NO_ID = UUID(int=0)


@dataclass(slots=True)
class _Counted:
    """There are ``total`` payments with ids up to ``last``; payments are never deleted."""

    last: UUID
    total: int
    recount_at: float
    move_at: float


class PaymentPages:
    """Reads pages. A payment that was read in its present version is not read again, and of an
    application's payments only the newest are counted again. Lists that are asked for at the same
    time share a query.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._views: OrderedDict[Stamp, PaymentRow] = OrderedDict()
        self._counts: dict[UUID, _Counted] = {}
        self._reader: Batcher[PageKey, PageStamps] = Batcher(
            self._read_together, writers=_CONNECTIONS, limit=gateway.settings.queue_limit
        )

    async def read(
        self, application_id: UUID, filters: PaymentFilters, page: Page
    ) -> Listing[PaymentRow]:
        """One page, newest first. Raises ``Overloaded`` and ``DatabaseUnavailable``."""
        if filters == _EVERYTHING:
            counted = await self._counted(application_id)
            key = PageKey(application_id, page, counted.last)
            stamps, count = await self._reader.submit(key)
            if count <= _NEWER_MAX:
                counted.move_at = time.monotonic() + _MOVE_SECONDS
            total = counted.total + count
        else:
            key = PageKey(application_id, page, _NO_ID)
            async with self._gateway.database.bare_connection() as connection:
                ((stamps, total),) = await store.read_pages(connection, [key], filters)
        return Listing(await self._rows(application_id, stamps), total)

    async def drain(self) -> None:
        """Wait until everything submitted is answered."""
        await self._reader.drain()

    async def _read_together(self, keys: Sequence[PageKey]) -> list[PageStamps]:
        async with self._gateway.database.bare_connection() as connection:
            return await store.read_pages(connection, keys, _EVERYTHING)

    async def _rows(self, application_id: UUID, stamps: list[Stamp]) -> list[PaymentRow]:
        views = self._views
        rows = [views.get(stamp) for stamp in stamps]
        unread = [stamp for stamp, row in zip(stamps, rows, strict=True) if row is None]
        if not unread:
            return cast("list[PaymentRow]", rows)
        keys = [(application_id, stamp.payment_id) for stamp in unread]
        async with self._gateway.database.bare_connection() as connection:
            found = await read_many(connection, keys)
        # What changed since the page was read is newer than its stamp, and as true.
        read = dict(zip(unread, cast("list[PaymentRow]", found), strict=True))
        views.update(read)
        while len(views) > _VIEWS_MAX:
            views.popitem(last=False)
        return [row or read[stamp] for stamp, row in zip(stamps, rows, strict=True)]

    async def _counted(self, application_id: UUID) -> _Counted:
        known, now = self._counts.get(application_id), time.monotonic()
        if known is not None and now < min(known.move_at, known.recount_at):
            return known
        last = first_id(self._gateway.clock.now() - _WRITTEN_AFTER)
        if known is None or known.recount_at <= now:
            known = _Counted(_NO_ID, 0, now + _RECOUNT_SECONDS, now)
        last = max(last, known.last)
        async with self._gateway.database.bare_connection() as connection:
            older = await store.count_between(connection, application_id, known.last, last)
        if len(self._counts) >= _COUNTS_MAX:
            self._counts.clear()
        counted = self._counts[application_id] = _Counted(
            last, known.total + older, known.recount_at, now + _MOVE_SECONDS
        )
        return counted
