"""Transfers: made once per reference, moved under their lock, listed by page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from uuid import UUID

from guichet.domain.paging import Page
from guichet.domain.transfers import Transfer
from guichet.store.database import Connection

_COLUMNS = ", ".join(Transfer._fields)
_INSERTED = ", ".join(name for name in Transfer._fields if name != "claimed_until")
_VALUES = itemgetter(
    *(index for index, name in enumerate(Transfer._fields) if name != "claimed_until")
)
#: In the order of their references: two that insert the same ones cannot wait for each other.
_INSERT = f"""
INSERT INTO transfers ({_INSERTED}, claimed_until)
SELECT {_INSERTED}, now() + $2 * interval '1 second' FROM unnest($1::new_transfer[])
ORDER BY reference
ON CONFLICT (application_id, reference) WHERE reference IS NOT NULL DO NOTHING RETURNING id
"""


async def insert(
    connection: Connection, transfers: Sequence[Transfer], lease_seconds: float | None
) -> set[UUID]:
    """Add transfers; the ids of those added: the references of the others were used before.

    The caller holds their leases for ``lease_seconds``; None: nobody does.
    """
    rows = [_VALUES(transfer) for transfer in transfers]
    return {row["id"] for row in await connection.fetch(_INSERT, rows, lease_seconds)}


async def by_id(connection: Connection, application_id: UUID, transfer_id: UUID) -> Transfer | None:
    """The application's transfer of this id."""
    return await _one(connection, "application_id = $1 AND id = $2", application_id, transfer_id)


async def by_reference(
    connection: Connection, application_id: UUID, reference: str
) -> Transfer | None:
    """The application's transfer of its own reference."""
    return await _one(
        connection, "application_id = $1 AND reference = $2", application_id, reference
    )


async def by_references(
    connection: Connection, application_id: UUID, references: Sequence[str]
) -> dict[str, Transfer]:
    """The application's transfers of these references of its own, by reference."""
    records = await connection.fetch(
        f"SELECT {_COLUMNS} FROM transfers WHERE application_id = $1 AND reference = ANY($2)",
        application_id,
        references,
    )
    found = (Transfer._make(tuple(record)) for record in records)
    return {transfer.reference: transfer for transfer in found if transfer.reference}


async def any_by_id(connection: Connection, transfer_id: UUID) -> Transfer | None:
    """A transfer whoever it belongs to: for the worker."""
    return await _one(connection, "id = $1", transfer_id)


async def waiting(connection: Connection, application_id: UUID | None) -> list[Transfer]:
    """The transfers, of one application or of all, that wait for a checker, oldest first."""
    records = await connection.fetch(
        f"SELECT {_COLUMNS} FROM transfers WHERE approval = 'wanted' AND status = 'initiated'"
        " AND ($1::uuid IS NULL OR application_id = $1) ORDER BY id",
        application_id,
    )
    return [Transfer._make(tuple(record)) for record in records]


async def payouts(
    connection: Connection, application_id: UUID | None, *, only_open: bool
) -> list[Transfer]:
    """The payouts of one application or of all, oldest first."""
    records = await connection.fetch(
        f"SELECT {_COLUMNS} FROM transfers WHERE purpose = 'payout'"
        " AND ($1::uuid IS NULL OR application_id = $1)"
        " AND (NOT $2 OR status IN ('initiated', 'sent')) ORDER BY id",
        application_id,
        only_open,
    )
    return [Transfer._make(tuple(record)) for record in records]


async def of_bulk(connection: Connection, bulk_id: UUID) -> dict[UUID, Transfer]:
    """The transfers that the rows of a bulk became, by id."""
    columns = ", ".join(f"t.{name}" for name in Transfer._fields)
    records = await connection.fetch(
        f"SELECT {columns} FROM bulk_rows r JOIN transfers t ON t.id = r.transfer_id"
        " AND t.application_id = r.application_id WHERE r.bulk_id = $1",
        bulk_id,
    )
    return {record["id"]: Transfer._make(tuple(record)) for record in records}


async def lock(connection: Connection, transfer_id: UUID) -> Transfer | None:
    """Lock one transfer for the rest of the transaction."""
    return await _one(connection, "id = $1 FOR UPDATE", transfer_id)


async def _one(connection: Connection, where: str, *values: object) -> Transfer | None:
    record = await connection.fetchrow(f"SELECT {_COLUMNS} FROM transfers WHERE {where}", *values)
    return Transfer._make(tuple(record)) if record else None


_UPDATE = """
UPDATE transfers SET status = $2, approval = $3, reason = $4, code = $5, provider_reference = $6,
    memory = $7, checks_count = $8, next_check_at = $9, updated_at = $10, completed_at = $11,
    version = $12
WHERE id = $1
"""


_CHANGING = itemgetter(*map(Transfer._fields.index, (
    "id", "status", "approval", "reason", "code", "provider_reference", "memory", "checks_count",
    "next_check_at", "updated_at", "completed_at", "version",
)))  # fmt: skip


async def update(connection: Connection, transfer: Transfer) -> None:
    """Write what may change of a transfer that was locked before.

    Raises ``asyncpg.UniqueViolationError`` for a provider's reference that is another one's.
    """
    await connection.execute(_UPDATE, *_CHANGING(transfer))


async def wake_worker(connection: Connection) -> None:
    """Tell the workers, at commit, that there are transfers to send."""
    await connection.execute("SELECT pg_notify('guichet_work', 'transfers')")


async def claim(connection: Connection, transfer_id: UUID, lease_seconds: float) -> int | None:
    """Take the lease of one transfer; its fencing number, or None while another holds it."""
    number: int | None = await connection.fetchval(
        "UPDATE transfers SET claimed_until = now() + $2 * interval '1 second', claim = claim + 1"
        " WHERE id = $1 AND (claimed_until IS NULL OR claimed_until < now()) RETURNING claim",
        transfer_id,
        lease_seconds,
    )
    return number


async def release(connection: Connection, transfer_id: UUID, claim: int) -> bool:
    """Give the lease back; False when it was lost to another worker meanwhile."""
    status: str = await connection.execute(
        "UPDATE transfers SET claimed_until = NULL WHERE id = $1 AND claim = $2", transfer_id, claim
    )
    return status.endswith(" 1")


@dataclass(frozen=True, slots=True)
class TransferFilters:
    """Which transfers a list shows; None means all. ``created_before`` is exclusive."""

    statuses: Sequence[str] | None = None
    channels: Sequence[str] | None = None
    search: str | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None


async def list_page(
    connection: Connection, application_id: UUID, filters: TransferFilters, page: Page
) -> tuple[list[Transfer], int]:
    """One page of an application's transfers, newest first, and how many there are in all."""
    where = """
        application_id = $1 AND ($2::text[] IS NULL OR status = ANY($2))
        AND ($3::text[] IS NULL OR channel = ANY($3))
        AND ($4::text IS NULL OR strpos(lower(concat_ws(' ', id::text, reference, description,
            destination ->> 'name', destination ->> 'account_number')), lower($4)) > 0)
        AND ($5::timestamptz IS NULL OR created_at >= $5)
        AND ($6::timestamptz IS NULL OR created_at < $6)
    """
    values = (
        application_id,
        filters.statuses,
        filters.channels,
        filters.search,
        filters.created_from,
        filters.created_before,
    )
    records = await connection.fetch(
        f"SELECT {_COLUMNS} FROM transfers WHERE {where} ORDER BY id DESC LIMIT $7 OFFSET $8",
        *values,
        page.size,
        page.offset,
    )
    total = await connection.fetchval(f"SELECT count(*) FROM transfers WHERE {where}", *values)
    return [Transfer._make(tuple(record)) for record in records], total
