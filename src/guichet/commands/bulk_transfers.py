"""``guichet transfer bulk…``: a file of transfers, what became of it, what a second person decides.

The files are those of Notch Pay's dialect (docs/notchpay.md).
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from guichet.commands.common import application_of, read_settings
from guichet.commands.transfers import Decide
from guichet.dialects.notchpay.bulk_rows import errors_in_bulk, read_again, read_rows
from guichet.dialects.notchpay.bulk_views import bulk_table
from guichet.dialects.notchpay.tables import Table, read_table
from guichet.dialects.validation import ValidationFailed
from guichet.domain.access import Application
from guichet.domain.bulk_transfers import ROWS_MAX, Mode
from guichet.domain.errors import GuichetError, NotCancellable
from guichet.domain.money import Money, is_currency
from guichet.gateway import Gateway
from guichet.server import operations
from guichet.services.bulk_transfers import (
    Bulk,
    NewBulk,
    check_bulk,
    create_bulk,
    owner_of_bulk,
    read_bulk,
    resume_bulk,
)
from guichet.services.transfers import approve_transfer, refuse_transfer


class UnusableFile(GuichetError):
    """The file cannot be used."""


def bulk(
    file: Path,
    *,
    application: UUID,
    currency: str | None = None,
    description: str | None = None,
    mode: Mode = Mode.ALL_OR_NOTHING,
    dry_run: bool = False,
) -> None:
    """Send what a CSV file lists, for an application. The exit code is 1 if nothing is sent.

    Parameters
    ----------
    file
        A file, or - for what comes in by the standard input.
    application
        Whose money it is.
    currency
        Unless given, what the file says, else the application's own.
    description
        What it is for.
    mode
        Whether one row that cannot be sent stops all, or those in order are sent.
    dry_run
        Say what would become of each row and whether the balance is enough; send nothing.
    """
    table = _read(file)

    async def ask(gateway: Gateway) -> Bulk:
        owner = application_of(gateway, application)
        code = currency or table.currency or owner.currency
        if not is_currency(code):
            raise UnusableFile(f"{code} is no currency")
        bodies = dict(enumerate(table.bodies()))
        new = NewBulk(mode, code, description, await read_rows(gateway, owner, code, bodies))
        return await (check_bulk if dry_run else create_bulk)(gateway, owner, new)

    made = asyncio.run(operations.with_gateway(read_settings(), ask))
    _print(made, table)
    if dry_run:
        _print_balance(made)
    elif not made.is_kept:
        sys.exit(1)


def bulk_result(bulk: UUID, *, csv: bool = False, failed: bool = False) -> None:
    """Say what became of a bulk.

    Parameters
    ----------
    bulk
        Its id.
    csv
        As a table, whose rows can be mended and sent again.
    failed
        In the table, those rows alone that became no transfer, or one that failed.
    """

    async def read(gateway: Gateway) -> Bulk:
        return await read_bulk(gateway, await owner_of_bulk(gateway, bulk), bulk)

    found = asyncio.run(operations.with_gateway(read_settings(), read))
    if csv:
        print(bulk_table(found, only_failed=failed), end="")
    else:
        _print(found, None)


def bulk_resume(bulk: UUID) -> None:
    """Try the rows of a bulk again that became no transfer."""

    async def resume(gateway: Gateway) -> Bulk:
        owner = await owner_of_bulk(gateway, bulk)
        before = await read_bulk(gateway, owner, bulk)
        rows = await read_again(gateway, owner, before.head.currency, before.refused)
        return await resume_bulk(gateway, owner, bulk, rows)

    _print(asyncio.run(operations.with_gateway(read_settings(), resume)), None)


def bulk_approve(bulk: UUID) -> None:
    """Agree to all transfers of a bulk that wait for it: they are sent."""
    _decide(bulk, approve_transfer)


def bulk_refuse(bulk: UUID) -> None:
    """Refuse all transfers of a bulk that wait for a decision: the money is available again."""
    _decide(bulk, refuse_transfer)


def _decide(bulk_id: UUID, decide: Decide) -> None:
    async def decided(gateway: Gateway) -> Bulk:
        owner = await owner_of_bulk(gateway, bulk_id)
        for transfer in (await read_bulk(gateway, owner, bulk_id)).transfers:
            if transfer.approval == "wanted" and transfer.bulk_id == bulk_id:
                await _unless_decided(decide, gateway, owner, transfer.id)
        return await read_bulk(gateway, owner, bulk_id)

    _print(asyncio.run(operations.with_gateway(read_settings(), decided)), None)


async def _unless_decided(
    decide: Decide, gateway: Gateway, owner: Application, transfer_id: UUID
) -> None:
    with suppress(NotCancellable):  # somebody else has decided about it
        await decide(gateway, owner, transfer_id)


def _read(file: Path) -> Table:
    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise UnusableFile(f"{file}: {error.strerror}") from error
    try:
        return read_table(data, ROWS_MAX)
    except ValidationFailed as error:
        raise UnusableFile(" ".join(error.errors["file"])) from error


def _print(bulk: Bulk, table: Table | None) -> None:
    """One line for the bulk, then one for each row that became no transfer."""
    head, made = bulk.head, bulk.transfers
    counts = Counter(transfer.status for transfer in made)
    total = Money(sum(transfer.amount_minor for transfer in made), head.currency)
    fees = Money(sum(transfer.fee_minor for transfer in made), head.currency)
    states = ", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "none"
    name = str(head.id) if bulk.is_kept else "nothing was sent"
    print(
        f"{name}  {total.text()} {head.currency} and {fees.text()} in fees"
        f"  transfers: {states}  refused rows: {len(bulk.refused)}"
    )
    for row in bulk.refused:
        for sentences in errors_in_bulk(row, table).values():
            print(f"row {row.number + 1}: {' '.join(sentences)}")


def _print_balance(bulk: Bulk) -> None:
    currency, available_minor = bulk.head.currency, bulk.available_minor or 0
    needed, available = Money(bulk.needed_minor, currency), Money(available_minor, currency)
    word = "enough" if bulk.needed_minor <= available_minor else "not enough"
    print(f"needed: {needed.text()}  available: {available.text()}  {word}")
