"""Customers of an application."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from guichet.domain.customers import CUSTOMER_FIELDS, Customer, email_key
from guichet.domain.paging import Page
from guichet.store.database import Connection

_COLUMNS = ", ".join(Customer._fields)


def _customer(record: Iterable[Any]) -> Customer:
    return Customer._make(tuple(record))


_READ = f"SELECT {_COLUMNS} FROM customers WHERE application_id = $1"


async def by_id(connection: Connection, application_id: UUID, customer_id: UUID) -> Customer | None:
    """The application's customer of this id."""
    record = await connection.fetchrow(f"{_READ} AND id = $2", application_id, customer_id)
    return _customer(record) if record else None


async def by_email(connection: Connection, application_id: UUID, email: str) -> Customer | None:
    """The application's customer of this e-mail, whatever its case."""
    record = await connection.fetchrow(
        f"{_READ} AND email_key = $2", application_id, email_key(email)
    )
    return _customer(record) if record else None


async def save(
    connection: Connection,
    application_id: UUID,
    new_id: UUID,
    fields: Mapping[str, str | None],
    now: datetime,
) -> Customer:
    """Insert the customer, or change the one of the same e-mail: only the fields sent change.

    ``fields`` must hold ``email``.
    """
    email = fields["email"]
    assert email is not None  # the dialects require it
    names = [name for name in CUSTOMER_FIELDS if name in fields]
    parameters = ", ".join(f"${index}" for index in range(5, 5 + len(names)))
    changes = ", ".join(f"{name} = excluded.{name}" for name in names)
    (record,) = await connection.fetch(
        f"INSERT INTO customers AS c (id, application_id, email_key, created_at, updated_at, "
        f"{', '.join(names)}) VALUES ($1, $2, $3, $4, $4, {parameters}) "
        f"ON CONFLICT (application_id, email_key) DO UPDATE SET {changes}, "
        f"updated_at = excluded.updated_at, version = c.version + 1 RETURNING {_COLUMNS}",
        new_id,
        application_id,
        email_key(email),
        now,
        *(fields[name] for name in names),
    )
    return _customer(record)


async def update(
    connection: Connection,
    application_id: UUID,
    customer_id: UUID,
    fields: Mapping[str, str | None],
    now: datetime,
) -> Customer | None:
    """Change the fields sent; None when the application has no such customer.

    Raises ``asyncpg.UniqueViolationError`` when another customer has the new e-mail.
    """
    names = [name for name in CUSTOMER_FIELDS if name in fields]
    values: list[object] = [fields[name] for name in names]
    if email := fields.get("email"):
        names.append("email_key")
        values.append(email_key(email))
    changes = "".join(f"{name} = ${index}, " for index, name in enumerate(names, start=4))
    record = await connection.fetchrow(
        f"UPDATE customers SET {changes}updated_at = $3, version = version + 1 "
        f"WHERE application_id = $1 AND id = $2 RETURNING {_COLUMNS}",
        application_id,
        customer_id,
        now,
        *values,
    )
    return _customer(record) if record else None


async def list_page(
    connection: Connection,
    application_id: UUID,
    email: str | None,
    name: str | None,
    page: Page | None,
) -> tuple[list[Customer], int]:
    """The application's customers, newest first, and how many there are; all without ``page``."""
    where = (
        "application_id = $1 AND ($2::text IS NULL OR email_key = $2) "
        "AND ($3::text IS NULL OR name = $3)"
    )
    values = (application_id, email_key(email) if email else None, name)
    limits = f"LIMIT {page.size:d} OFFSET {page.offset:d}" if page else ""
    records = await connection.fetch(
        f"SELECT {_COLUMNS} FROM customers WHERE {where} ORDER BY id DESC {limits}", *values
    )
    total = len(records)
    if page:
        total = await connection.fetchval(f"SELECT count(*) FROM customers WHERE {where}", *values)
    return [_customer(record) for record in records], total
