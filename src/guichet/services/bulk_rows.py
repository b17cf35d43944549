"""Judging the rows of a bulk transfer, and setting the money aside of those that can be sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from guichet.domain.access import Application
from guichet.domain.beneficiaries import Beneficiary
from guichet.domain.bulk_transfers import BulkRow, BulkTransfer, Mode, RowRefusal
from guichet.domain.errors import Conflicted, DuplicateReference, InsufficientFunds
from guichet.domain.transfers import Transfer
from guichet.gateway import Gateway
from guichet.services.beneficiaries import add_beneficiaries
from guichet.services.reserving import NewTransfer, draft_transfer, reserve_transfers
from guichet.store import balances
from guichet.store import transfers as store
from guichet.store.database import Connection, savepoint

#: The content of a row that became a transfer: that has all of it, and one copy is enough.
FORGOTTEN = "null"
#: A transfer that failed, was withdrawn or came back is not what a row asks for.
_GOING = frozenset({"initiated", "sent", "completed"})
#: Rows that are judged before others get their turn.
_ROWS_AT_ONCE = 100
#: How often a bulk is judged again because others took references or money meanwhile.
_TRIES = 10


class NewRow(NamedTuple):
    """A row as the dialect read it: ``transfer`` is what it asks for, or ``errors`` (JSON) says
    why it cannot be read. ``beneficiary`` is one to be kept with it, if they are not yet.
    """

    number: int
    content: str
    transfer: NewTransfer | None
    beneficiary: Beneficiary | None
    errors: str | None


class RowResult(NamedTuple):
    """A row and the transfer that it is, or would be; ``lacking_minor`` is what a row would take,
    fee included, for which there is not enough money.
    """

    row: BulkRow
    transfer: Transfer | None
    lacking_minor: int = 0


def is_kept(head: BulkTransfer, results: Sequence[RowResult]) -> bool:
    """Whether a bulk with these results is one: ``all_or_nothing`` has no refused rows."""
    return head.mode == Mode.CONTINUE or all(result.transfer for result in results)


class Judged(NamedTuple):
    """A row with its verdict; ``is_new`` says that its transfer is to be made."""

    result: RowResult
    beneficiary: Beneficiary | None = None
    is_new: bool = False


async def judge(
    gateway: Gateway,
    connection: Connection,
    application: Application,
    head: BulkTransfer,
    rows: Sequence[NewRow],
    now: datetime,
) -> list[Judged]:
    """What becomes of each row, as far as can be seen without a lock."""
    references = {row.transfer.reference for row in rows if row.transfer} - {None}
    former = await store.by_references(
        connection, application.id, [reference for reference in references if reference]
    )
    left_minor = await available(connection, application, head.currency)
    seen: set[str] = set()
    judged: list[Judged] = []
    for row in rows:
        if len(judged) % _ROWS_AT_ONCE == 0:
            await asyncio.sleep(0)
        wanted = row.transfer
        if wanted is None:
            judged.append(_refused(head, row, RowRefusal.INVALID, now))
            continue
        reference = wanted.reference
        known = former.get(reference) if reference else None
        if reference in seen:
            judged.append(_refused(head, row, RowRefusal.REPEATED, now))
        elif known is not None and not (known.status in _GOING and is_same(known, wanted)):
            judged.append(_refused(head, row, RowRefusal.TAKEN, now))
        elif known is not None:
            judged.append(Judged(_made(head, row, known, now)))
        else:
            drafted = draft_transfer(gateway, application, wanted._replace(bulk_id=head.id), now)
            drafted = drafted._replace(claim=0)  # nobody has held it
            if drafted.total_minor > left_minor:
                refused = _refused(head, row, RowRefusal.INSUFFICIENT_FUNDS, now)
                result = refused.result._replace(lacking_minor=drafted.total_minor)
                judged.append(refused._replace(result=result))
            else:
                left_minor -= drafted.total_minor
                made = _made(head, row, drafted, now)
                judged.append(Judged(made, row.beneficiary, is_new=True))
        if reference:
            seen.add(reference)
    return judged


def is_same(former: Transfer, wanted: NewTransfer) -> bool:
    """Whether the transfer is the one asked for: its reference was sent again, not used again."""
    return (
        former.money == wanted.money
        and former.channel == wanted.destination.channel
        and former.account_number == wanted.destination.account_number
    )


def _refused(head: BulkTransfer, row: NewRow, why: RowRefusal, now: datetime) -> Judged:
    errors = row.errors if why is RowRefusal.INVALID else None
    return Judged(RowResult(_row(head, row, row.content, None, why.value, errors, now), None))


def _made(head: BulkTransfer, row: NewRow, transfer: Transfer, now: datetime) -> RowResult:
    return RowResult(_row(head, row, FORGOTTEN, transfer.id, None, None, now), transfer)


def _row(
    head: BulkTransfer,
    row: NewRow,
    content: str,
    transfer_id: UUID | None,
    reason: str | None,
    errors: str | None,
    now: datetime,
) -> BulkRow:
    return BulkRow(
        bulk_id=head.id,
        application_id=head.application_id,
        number=row.number,
        content=content,
        transfer_id=transfer_id,
        reason=reason,
        errors=errors,
        updated_at=now,
    )


async def available(connection: Connection, application: Application, currency: str) -> int:
    """What the application has to send, in minor units."""
    found = await balances.of_application(
        connection, application.id, application.environment, currency
    )
    return found.get("merchant_available", 0)


async def reserve(
    gateway: Gateway,
    tx: Connection,
    application: Application,
    head: BulkTransfer,
    rows: Sequence[NewRow],
    now: datetime,
) -> list[Judged]:
    """Judge the rows and set the money aside of those to be made; nothing if ``all_or_nothing``
    refuses. Raises ``Conflicted`` when others keep being faster.

    References are taken before the balance is locked, as for a single transfer: the other order
    would have the two wait for each other. So a verdict may be overtaken; then all is judged
    again.
    """
    for _ in range(_TRIES):
        judged = await judge(gateway, tx, application, head, rows, now)
        if not is_kept(head, [each.result for each in judged]):
            return judged
        try:
            async with savepoint(tx):
                return await _insert(gateway, tx, judged, now)
        except (DuplicateReference, InsufficientFunds):
            continue
    raise Conflicted


async def _insert(
    gateway: Gateway, tx: Connection, judged: Sequence[Judged], now: datetime
) -> list[Judged]:
    """Write the transfers to be made, with their beneficiaries; the rows as they are then."""
    drafts = [each.beneficiary for each in judged if each.is_new and each.beneficiary]
    kept = await add_beneficiaries(tx, drafts, now)
    after = [_with_beneficiary(each, kept) for each in judged]
    new = [each.result.transfer for each in after if each.is_new and each.result.transfer]
    if new:
        await reserve_transfers(gateway, tx, new, now, None)
    return after


def _with_beneficiary(judged: Judged, kept: dict[UUID, UUID]) -> Judged:
    transfer = judged.result.transfer
    if not judged.is_new or judged.beneficiary is None or transfer is None:
        return judged
    named = transfer._replace(beneficiary_id=kept[judged.beneficiary.id])
    return judged._replace(result=judged.result._replace(transfer=named))
