"""Bulk transfers: what their rows have in common, and the rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from guichet.domain.bulk_transfers import BulkRow, BulkTransfer
from guichet.domain.paging import Page
from guichet.people import People
from guichet.store.database import Connection, people_of

#: What descriptions and rows are sealed as.
BULK = b"bulk"
_COLUMNS = ", ".join(BulkTransfer._fields)
_PLACES = ", ".join(f"${n}" for n in range(1, len(BulkTransfer._fields) + 1))
_ROW_COLUMNS = ", ".join(BulkRow._fields)
#: In the order of the database's type ``sealed_bulk_row``.
_ROW_TYPE = "bulk_id, application_id, number, content, transfer_id, reason, errors, updated_at"


async def insert(connection: Connection, bulk: BulkTransfer, rows: Sequence[BulkRow]) -> None:
    """Add a bulk with its rows."""
    people = people_of(connection)
    sealed = bulk._asdict() | {"description": _sealed(people, bulk.description)}
    await connection.execute(
        f"INSERT INTO bulk_transfers ({_COLUMNS}) VALUES ({_PLACES})", *sealed.values()
    )
    await connection.execute(
        f"INSERT INTO bulk_rows ({_ROW_TYPE}) SELECT {_ROW_TYPE}"
        " FROM unnest($1::sealed_bulk_row[])",
        [_sealed_row(people, row) for row in rows],
    )


def _sealed(people: People, text: str | None) -> bytes | None:
    return people.seal_shared(BULK, text.encode()) if text is not None else None


def _opened(people: People, sealed: bytes | None) -> str | None:
    opened = people.open(None, None, BULK, sealed)
    return opened.decode() if opened is not None else None


def _sealed_row(people: People, row: BulkRow) -> tuple[object, ...]:
    sealed = row._asdict() | {
        "content": _sealed(people, row.content),
        "errors": _sealed(people, row.errors),
    }
    return tuple(sealed.values())


def _bulk(people: People, record: Iterable[Any]) -> BulkTransfer:
    values = dict(zip(BulkTransfer._fields, record, strict=True))
    return BulkTransfer(**values | {"description": _opened(people, values["description"])})


def _bulk_row(people: People, record: Iterable[Any]) -> BulkRow:
    values = dict(zip(BulkRow._fields, record, strict=True))
    opened = {name: _opened(people, values[name]) for name in ("content", "errors")}
    return BulkRow(**values | opened)


async def update_rows(connection: Connection, rows: Sequence[BulkRow]) -> None:
    """Write what became of rows whose bulk was locked before."""
    await connection.execute(
        "UPDATE bulk_rows r SET content = n.content, transfer_id = n.transfer_id,"
        " reason = n.reason, errors = n.errors, updated_at = n.updated_at"
        " FROM unnest($1::sealed_bulk_row[]) AS n"
        " WHERE r.bulk_id = n.bulk_id AND r.number = n.number"
        " AND r.application_id = n.application_id",
        [_sealed_row(people_of(connection), row) for row in rows],
    )


async def by_id(
    connection: Connection, application_id: UUID, bulk_id: UUID, *, lock: bool = False
) -> BulkTransfer | None:
    """The application's bulk of this id; with ``lock`` it is the caller's alone until the end of
    the transaction.
    """
    record = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM bulk_transfers WHERE application_id = $1 AND id = $2"
        + (" FOR UPDATE" if lock else ""),
        application_id,
        bulk_id,
    )
    return _bulk(people_of(connection), record) if record else None


async def owner_of(connection: Connection, bulk_id: UUID) -> UUID | None:
    """The application that a bulk belongs to: for the operator."""
    owner: UUID | None = await connection.fetchval(
        "SELECT application_id FROM bulk_transfers WHERE id = $1", bulk_id
    )
    return owner


async def rows_of(connection: Connection, application_id: UUID, bulk_id: UUID) -> list[BulkRow]:
    """A bulk's rows in their order."""
    records = await connection.fetch(
        f"SELECT {_ROW_COLUMNS} FROM bulk_rows WHERE application_id = $1 AND bulk_id = $2"
        " ORDER BY number",
        application_id,
        bulk_id,
    )
    people = people_of(connection)
    return [_bulk_row(people, record) for record in records]


class BulkSummary(NamedTuple):
    """A bulk and how far it is: transfers by status, and rows that became none.

    Amounts are sums over the transfers, in minor units of the bulk's currency.
    """

    bulk: BulkTransfer
    amount_minor: int
    fee_minor: int
    statuses: dict[str, int]
    refused_count: int


_LIST = f"""
SELECT {", ".join(f"b.{name}" for name in BulkTransfer._fields)}, rows.*
FROM (
    SELECT * FROM bulk_transfers WHERE application_id = $1 ORDER BY id DESC LIMIT $2 OFFSET $3
) b CROSS JOIN LATERAL (
    SELECT coalesce(sum(amount_minor), 0)::bigint AS amount_minor,
        coalesce(sum(fee_minor), 0)::bigint AS fee_minor,
        coalesce(array_agg(status ORDER BY status) FILTER (WHERE status IS NOT NULL), '{{}}')
            AS statuses,
        coalesce(sum(count) FILTER (WHERE status IS NULL), 0)::bigint AS refused_count,
        coalesce(array_agg(count ORDER BY status) FILTER (WHERE status IS NOT NULL), '{{}}')
            AS counts
    FROM (
        SELECT t.status, count(*) AS count, sum(t.amount_minor) AS amount_minor,
            sum(t.fee_minor) AS fee_minor
        FROM bulk_rows r LEFT JOIN transfers t ON t.id = r.transfer_id
        WHERE r.bulk_id = b.id AND r.application_id = $1 GROUP BY t.status
    ) by_status
) rows
ORDER BY b.id DESC
"""


async def list_page(
    connection: Connection, application_id: UUID, page: Page
) -> tuple[list[BulkSummary], int]:
    """One page of an application's bulks, newest first, and how many there are in all."""
    width = len(BulkTransfer._fields)
    people = people_of(connection)
    found = []
    for record in await connection.fetch(_LIST, application_id, page.size, page.offset):
        values = tuple(record)
        amount_minor, fee_minor, statuses, refused_count, counts = values[width:]
        found.append(
            BulkSummary(
                _bulk(people, values[:width]),
                amount_minor,
                fee_minor,
                dict(zip(statuses, counts, strict=True)),
                refused_count,
            )
        )
    total = await connection.fetchval(
        "SELECT count(*) FROM bulk_transfers WHERE application_id = $1", application_id
    )
    return found, total
