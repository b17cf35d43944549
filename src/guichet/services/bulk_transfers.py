"""Bulk transfers: every row is judged, then the money of those that can be sent is set aside.

The dialect reads the rows; what is decided here is what needs the books: references and money.
All of a bulk is one transaction: whatever dies, there is the bulk with its transfers, or nothing.
The worker sends them, as it does all that nobody holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from guichet.domain.access import Application
from guichet.domain.bulk_transfers import BulkRow, BulkTransfer, Mode
from guichet.domain.errors import NotFound
from guichet.domain.ids import new_id
from guichet.domain.paging import Listing, Page
from guichet.domain.transfers import Transfer
from guichet.gateway import Gateway
from guichet.services.bulk_rows import (
    NewRow,
    RowResult,
    available,
    is_kept,
    is_same,
    judge,
    reserve,
)
from guichet.store import bulk_transfers as store
from guichet.store import transfers as transfer_store
from guichet.store.bulk_transfers import BulkSummary
from guichet.store.database import Connection

__all__ = [
    "Bulk",
    "BulkSummary",
    "NewBulk",
    "NewRow",
    "RowResult",
    "check_bulk",
    "create_bulk",
    "list_bulks",
    "owner_of_bulk",
    "read_bulk",
    "resume_bulk",
]


class NewBulk(NamedTuple):
    """A bulk as an application asks for it."""

    mode: Mode
    currency: str
    description: str | None
    rows: Sequence[NewRow]


class Bulk(NamedTuple):
    """A bulk and its rows. ``is_kept`` False: nothing was written, this is what would become of
    it. ``available_minor`` is what the application had for it when it was judged, if it was.
    """

    head: BulkTransfer
    results: Sequence[RowResult]
    is_kept: bool
    available_minor: int | None = None

    @property
    def transfers(self) -> list[Transfer]:
        """Its transfers in the order of the rows, each once."""
        found = {result.transfer.id: result.transfer for result in self.results if result.transfer}
        return list(found.values())

    @property
    def needed_minor(self) -> int:
        """What the rows that are in order still have to take from the balance, fees included."""
        new = (each for each in self.transfers if each.bulk_id == self.head.id)
        lacking = (result.lacking_minor for result in self.results)
        return sum(transfer.total_minor for transfer in new) + sum(lacking)

    @property
    def refused(self) -> list[BulkRow]:
        """The rows that became no transfer."""
        return [result.row for result in self.results if result.transfer is None]


async def check_bulk(gateway: Gateway, application: Application, new: NewBulk) -> Bulk:
    """What would become of a bulk, as of this moment; writes nothing."""
    now = gateway.clock.now()
    head = _head(application, new, now)
    async with gateway.database.connection() as connection:
        judged = await judge(gateway, connection, application, head, new.rows, now)
        available_minor = await available(connection, application, head.currency)
    return Bulk(
        head, [each.result for each in judged], is_kept=False, available_minor=available_minor
    )


async def create_bulk(gateway: Gateway, application: Application, new: NewBulk) -> Bulk:
    """Make the transfers of a bulk and set their money aside.

    With ``all_or_nothing`` one row that cannot be sent refuses all: ``is_kept`` is then False and
    nothing was written. With ``continue`` rows are taken in their order as far as the balance
    goes. A row whose reference names a transfer of the same amount to the same account already is
    that transfer, unless it failed; where all rows are one bulk that is there already, the answer
    is that bulk, whatever became of it.
    """
    now = gateway.clock.now()
    head = _head(application, new, now)
    async with gateway.database.transaction() as tx:
        former = await _sent_before(tx, application, new.rows)
        if former is not None:
            return former
        judged = await reserve(gateway, tx, application, head, new.rows, now)
        results = [each.result for each in judged]
        if not is_kept(head, results):
            return Bulk(head, results, is_kept=False)
        # Somebody may have sent the same a moment ago.
        former = await _same_bulk(tx, application, [result.transfer for result in results])
        if former is not None:
            return former
        await store.insert(tx, head, [result.row for result in results])
        await transfer_store.wake_worker(tx)
    return Bulk(head, results, is_kept=True)


async def resume_bulk(
    gateway: Gateway, application: Application, bulk_id: UUID, rows: Sequence[NewRow]
) -> Bulk:
    """Try the rows again that became no transfer, of those that the dialect has read again.

    Only one at a time does so for a bulk: who comes second finds fewer rows to try, or none.
    Raises ``NotFound``.
    """
    now = gateway.clock.now()
    async with gateway.database.transaction() as tx:
        head = await _found(tx, application, bulk_id, lock=True)
        before = await store.rows_of(tx, application.id, bulk_id)
        open_numbers = {row.number for row in before if row.transfer_id is None}
        tried = [row for row in rows if row.number in open_numbers]
        if tried:
            judged = await reserve(gateway, tx, application, head, tried, now)
            await store.update_rows(tx, [each.result.row for each in judged])
            await transfer_store.wake_worker(tx)
    return await read_bulk(gateway, application, bulk_id)


async def read_bulk(gateway: Gateway, application: Application, bulk_id: UUID) -> Bulk:
    """The application's bulk as it is now; raises ``NotFound``."""
    async with gateway.database.connection() as connection:
        return await _read(connection, application, bulk_id)


async def list_bulks(
    gateway: Gateway, application: Application, page: Page
) -> Listing[BulkSummary]:
    """One page of the application's bulks, newest first."""
    async with gateway.database.connection() as connection:
        rows, total = await store.list_page(connection, application.id, page)
    return Listing(rows, total)


async def owner_of_bulk(gateway: Gateway, bulk_id: UUID) -> Application:
    """Whose bulk it is, for the operator; raises ``NotFound``."""
    async with gateway.database.connection() as connection:
        application_id = await store.owner_of(connection, bulk_id)
    application = gateway.access.application(application_id) if application_id else None
    if application is None:
        raise NotFound("bulk", str(bulk_id))
    return application


async def _read(connection: Connection, application: Application, bulk_id: UUID) -> Bulk:
    head = await _found(connection, application, bulk_id)
    rows = await store.rows_of(connection, application.id, bulk_id)
    transfers = await transfer_store.of_bulk(connection, bulk_id)
    results = [
        RowResult(row, transfers[row.transfer_id] if row.transfer_id else None) for row in rows
    ]
    return Bulk(head, results, is_kept=True)


async def _found(
    connection: Connection, application: Application, bulk_id: UUID, *, lock: bool = False
) -> BulkTransfer:
    head = await store.by_id(connection, application.id, bulk_id, lock=lock)
    if head is None:
        raise NotFound("bulk", str(bulk_id))
    return head


def _head(application: Application, new: NewBulk, now: datetime) -> BulkTransfer:
    return BulkTransfer(
        id=new_id(now),
        application_id=application.id,
        environment=application.environment.value,
        mode=new.mode.value,
        currency=new.currency,
        description=new.description,
        created_at=now,
    )


async def _sent_before(
    tx: Connection, application: Application, rows: Sequence[NewRow]
) -> Bulk | None:
    """The bulk that is sent again, if all rows have references and are its rows."""
    wanted = [row.transfer for row in rows if row.transfer and row.transfer.reference]
    if len(wanted) < len(rows):
        return None
    references = [each.reference for each in wanted if each.reference]
    former = await transfer_store.by_references(tx, application.id, references)
    found = [former.get(each.reference or "") for each in wanted]
    pairs = zip(found, wanted, strict=True)
    if not all(known and is_same(known, each) for known, each in pairs):
        return None
    return await _same_bulk(tx, application, found)


async def _same_bulk(
    tx: Connection, application: Application, transfers: Sequence[Transfer | None]
) -> Bulk | None:
    """The bulk whose rows' transfers these are, all of them and no others."""
    former_ids = {transfer.bulk_id if transfer else None for transfer in transfers}
    former_id = former_ids.pop()
    if former_ids or former_id is None:
        return None
    if await store.by_id(tx, application.id, former_id) is None:
        return None  # it is this one
    former = await _read(tx, application, former_id)
    is_it = [each.row.transfer_id for each in former.results] == [
        transfer.id if transfer else None for transfer in transfers
    ]
    return former if is_it else None
