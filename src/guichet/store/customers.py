"""Customers of an application."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from guichet.domain.customers import Customer, email_key
from guichet.domain.errors import Conflicted
from guichet.domain.paging import Page
from guichet.people import written
from guichet.store.database import Connection, people_of
from guichet.store.sealed_payers import CUSTOMER, customer_of, email_digest, facts_of

_COLUMNS = "id, data_key, sealed, version"
_READ = f"SELECT {_COLUMNS} FROM customers WHERE application_id = $1"
#: So often may a customer be changed by others between our looking at them and our writing.
_ROUNDS_MAX = 8


def _customer(connection: Connection, record: Iterable[Any] | None) -> Customer | None:
    if record is None:
        return None
    customer_id, data_key, sealed, version = record
    facts = facts_of(people_of(connection), customer_id, data_key, sealed)
    return customer_of(customer_id, facts, version)


async def by_id(connection: Connection, application_id: UUID, customer_id: UUID) -> Customer | None:
    """The application's customer of this id; one who was erased shows that."""
    record = await connection.fetchrow(f"{_READ} AND id = $2", application_id, customer_id)
    return _customer(connection, record)


async def by_email(connection: Connection, application_id: UUID, email: str) -> Customer | None:
    """The application's customer of this e-mail, whatever its case."""
    digest = email_digest(people_of(connection), application_id, email_key(email))
    record = await connection.fetchrow(f"{_READ} AND email_digest = $2", application_id, digest)
    return _customer(connection, record)


_INSERT = f"""
INSERT INTO customers (id, application_id, data_key, sealed, email_digest, search_keys, created_at,
    updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
ON CONFLICT (application_id, email_digest) DO NOTHING RETURNING {_COLUMNS}
"""


async def save(
    connection: Connection,
    application_id: UUID,
    new_id: UUID,
    fields: Mapping[str, str | None],
    now: datetime,
) -> Customer:
    """Insert the customer, or change the one of the same e-mail: only the fields sent change.

    ``fields`` must hold ``email``. Raises ``Conflicted``.
    """
    email = fields["email"]
    assert email is not None  # the dialects require it
    people = people_of(connection)
    key = people.new_key(new_id)
    facts = {name: value for name, value in fields.items() if value is not None}
    made = await connection.fetchrow(
        _INSERT,
        new_id,
        application_id,
        key.sealed,
        key.seal(CUSTOMER, written(facts)),
        email_digest(people, application_id, email_key(email)),
        people.search_keys(application_id, facts),
        now,
    )
    customer = _customer(connection, made)
    if customer is None:
        known = await by_email(connection, application_id, email)
        if known is not None:
            customer = await update(connection, application_id, known.id, fields, now)
    if customer is None:  # erased, or given another e-mail, at this very moment
        raise Conflicted
    return customer


_CHANGE = f"""
UPDATE customers SET sealed = $4, email_digest = $5, search_keys = $6, sent_digest = NULL,
    updated_at = $7, version = version + 1
WHERE application_id = $1 AND id = $2 AND version = $3 AND erased_at IS NULL RETURNING {_COLUMNS}
"""
_TO_CHANGE = (
    "SELECT data_key, sealed, version, email_digest FROM customers"
    " WHERE application_id = $1 AND id = $2 AND erased_at IS NULL"
)


async def update(
    connection: Connection,
    application_id: UUID,
    customer_id: UUID,
    fields: Mapping[str, str | None],
    now: datetime,
) -> Customer | None:
    """Change the fields sent; None when the application has no such customer, or erased them.

    Raises ``asyncpg.UniqueViolationError`` when another customer has the new e-mail, and
    ``Conflicted`` when others changed the customer all the time.
    """
    people = people_of(connection)
    for _ in range(_ROUNDS_MAX):
        known = await connection.fetchrow(_TO_CHANGE, application_id, customer_id)
        if known is None:
            return None
        data_key, sealed, version, digest = known
        facts = facts_of(people, customer_id, data_key, sealed)
        merged = {**facts, **fields}
        after = {name: value for name, value in merged.items() if value is not None}
        if email := fields.get("email"):
            digest = email_digest(people, application_id, email_key(email))
        changed = await connection.fetchrow(
            _CHANGE,
            application_id,
            customer_id,
            version,
            people.key(customer_id, data_key).seal(CUSTOMER, written(after)),
            digest,
            people.search_keys(application_id, after),
            now,
        )
        if changed is not None:
            return _customer(connection, changed)
    raise Conflicted


async def list_page(
    connection: Connection,
    application_id: UUID,
    email: str | None,
    name: str | None,
    page: Page | None,
) -> tuple[list[Customer], int]:
    """The application's customers, newest first, and how many there are; all without ``page``.

    ``email`` counts whatever its case, ``name`` as it is written.
    """
    people = people_of(connection)
    where = (
        "application_id = $1 AND ($2::bytea IS NULL OR email_digest = $2) "
        "AND ($3::bytea IS NULL OR position($3 IN search_keys) > 0)"
    )
    values = (
        application_id,
        email_digest(people, application_id, email_key(email)) if email else None,
        people.name_token(application_id, name) if name else None,
    )
    limits = f"LIMIT {page.size:d} OFFSET {page.offset:d}" if page else ""
    records = await connection.fetch(
        f"SELECT {_COLUMNS} FROM customers WHERE {where} ORDER BY id DESC {limits}", *values
    )
    total = len(records)
    if page:
        total = await connection.fetchval(f"SELECT count(*) FROM customers WHERE {where}", *values)
    found = [_customer(connection, record) for record in records]
    return [customer for customer in found if customer is not None], total
