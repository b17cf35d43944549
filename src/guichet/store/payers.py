"""Customers as payers of mobile money: found by id, e-mail or phone, blocked, taken off lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from guichet.domain.ids import first_id
from guichet.domain.paging import Page
from guichet.store.database import Connection


class Payer(NamedTuple):
    """A customer with what a dialect keeps beside the core's fields (``details``, JSON)."""

    id: UUID
    application_id: UUID
    name: str | None
    email: str | None
    phone: str | None
    tax_number: str | None
    details: str | None
    blocked: bool
    deleted_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int


_COLUMNS = ", ".join(Payer._fields)
_OF = f"SELECT {_COLUMNS} FROM customers WHERE application_id = $1 AND deleted_at IS NULL"


def _payer(record: Iterable[Any] | None) -> Payer | None:
    return Payer._make(tuple(record)) if record else None


async def by_id(connection: Connection, application_id: UUID, payer_id: UUID) -> Payer | None:
    """The application's payer of this id, unless deleted."""
    return _payer(await connection.fetchrow(f"{_OF} AND id = $2", application_id, payer_id))


async def any_by_id(connection: Connection, payer_id: UUID) -> Payer | None:
    """A payer whoever they belong to, deleted or not: for the worker."""
    return _payer(
        await connection.fetchrow(f"SELECT {_COLUMNS} FROM customers WHERE id = $1", payer_id)
    )


async def find(
    connection: Connection, application_id: UUID, email_key: str | None, phone_key: str | None
) -> Payer | None:
    """The payer found by this e-mail, else by this phone."""
    return _payer(
        await connection.fetchrow(
            f"{_OF} AND (email_key = $2 OR phone_key = $3) ORDER BY email_key = $2 DESC NULLS LAST"
            " LIMIT 1",
            application_id,
            email_key,
            phone_key,
        )
    )


_INSERT = f"""
INSERT INTO customers (id, application_id, email_key, phone_key, name, email, phone, tax_number,
    details, created_at, updated_at)
SELECT $1, $2,
    CASE WHEN NOT EXISTS (SELECT FROM customers WHERE application_id = $2 AND email_key = $3)
        THEN $3 END,
    CASE WHEN NOT EXISTS (SELECT FROM customers WHERE application_id = $2 AND phone_key = $4)
        THEN $4 END,
    $5, $6, $7, $8, $9::text::jsonb, $10, $10
RETURNING {_COLUMNS}
"""


async def insert(
    connection: Connection,
    application_id: UUID,
    payer_id: UUID,
    keys: tuple[str | None, str | None],
    fields: Mapping[str, str | None],
    details: str | None,
    now: datetime,
) -> Payer:
    """Add a payer. One who shares an e-mail or phone with another is not found by it.

    ``keys`` are the forms of e-mail and phone by which payers are found; ``fields`` has ``name``,
    ``email``, ``phone`` and ``tax_number``. Raises ``asyncpg.UniqueViolationError`` when somebody
    else takes a key meanwhile.
    """
    made = _payer(
        await connection.fetchrow(
            _INSERT,
            payer_id,
            application_id,
            *keys,
            *(fields.get(name) for name in ("name", "email", "phone", "tax_number")),
            details,
            now,
        )
    )
    assert made is not None
    return made


_UPDATE = f"""
UPDATE customers SET name = $3, email = $4, phone = $5, tax_number = $6, details = $7::text::jsonb,
    blocked = $8, deleted_at = $9, updated_at = $10, version = version + 1,
    email_key = CASE WHEN $9::timestamptz IS NULL THEN COALESCE($11, email_key) END,
    phone_key = CASE WHEN $9::timestamptz IS NULL THEN COALESCE($12, phone_key) END
WHERE application_id = $1 AND id = $2 AND deleted_at IS NULL
RETURNING {_COLUMNS}
"""


async def update(
    connection: Connection, payer: Payer, keys: tuple[str | None, str | None], now: datetime
) -> Payer | None:
    """Write what changed of a payer; a deleted one is found by nothing any more. None: gone.

    Raises ``asyncpg.UniqueViolationError`` for a key that another payer has.
    """
    return _payer(
        await connection.fetchrow(
            _UPDATE,
            payer.application_id,
            payer.id,
            payer.name,
            payer.email,
            payer.phone,
            payer.tax_number,
            payer.details,
            payer.blocked,
            payer.deleted_at,
            now,
            *keys,
        )
    )


async def list_page(
    connection: Connection,
    application_id: UUID,
    search: str | None,
    page: Page,
    created: tuple[datetime | None, datetime | None],
) -> tuple[Sequence[Payer], int]:
    """One page of the application's payers, newest first, and how many there are; of those made
    from the first moment on and before the second one.
    """
    where = (
        " AND ($2::text IS NULL"
        " OR strpos(lower(concat_ws(' ', name, email, phone)), lower($2)) > 0)"
        " AND id >= COALESCE($3, id) AND ($4::uuid IS NULL OR id < $4)"
    )
    asked = (application_id, search, *(first_id(moment) if moment else None for moment in created))
    records = await connection.fetch(
        f"{_OF}{where} ORDER BY id DESC LIMIT $5 OFFSET $6", *asked, page.size, page.offset
    )
    total = await connection.fetchval(
        f"SELECT count(*) FROM customers WHERE application_id = $1 AND deleted_at IS NULL{where}",
        *asked,
    )
    return [Payer._make(tuple(record)) for record in records], total


class UsedMethod(NamedTuple):
    """A handset that a payer has paid by: ``attempt_id`` names it."""

    attempt_id: UUID
    channel: str
    phone: str
    created_at: datetime


async def methods(connection: Connection, application_id: UUID, payer_id: UUID) -> list[UsedMethod]:
    """The handsets that a payer's payments were tried by, the latest first."""
    records = await connection.fetch(
        "SELECT id, channel, payer_phone, created_at FROM ("
        "SELECT DISTINCT ON (a.channel, a.payer_phone) a.id, a.channel, a.payer_phone,"
        " a.created_at FROM attempts a JOIN payments p ON p.id = a.payment_id"
        " WHERE p.application_id = $1 AND p.customer_id = $2 AND a.payer_phone IS NOT NULL"
        " ORDER BY a.channel, a.payer_phone, a.id DESC) used ORDER BY id DESC",
        application_id,
        payer_id,
    )
    return [UsedMethod._make(tuple(record)) for record in records]
