"""Customers as payers of mobile money: found by id, e-mail or phone, blocked, taken off lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from guichet.domain.ids import first_id
from guichet.domain.paging import Page
from guichet.people import Facts, People, written
from guichet.store.database import Connection, people_of
from guichet.store.sealed_payers import (
    CUSTOMER,
    HAS_ALL,
    PAYER_PHONE,
    SEARCHED,
    email_digest,
    facts_of,
    phone_digest,
)


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


_COLUMNS = (
    "id, application_id, data_key, sealed, blocked, deleted_at, created_at, updated_at, version"
)
_OF = f"SELECT {_COLUMNS} FROM customers WHERE application_id = $1 AND deleted_at IS NULL"
#: What a dialect knows of a payer. Payments may know more: that stays as it is.
_FACTS = ("name", "email", "phone", "tax_number", "details")


def _payer(connection: Connection, record: Iterable[Any] | None) -> Payer | None:
    if record is None:
        return None
    payer_id, application_id, data_key, sealed, *rest = record
    facts = facts_of(people_of(connection), payer_id, data_key, sealed)
    return Payer._make((payer_id, application_id, *map(facts.get, _FACTS), *rest))


async def by_id(connection: Connection, application_id: UUID, payer_id: UUID) -> Payer | None:
    """The application's payer of this id, unless deleted."""
    record = await connection.fetchrow(f"{_OF} AND id = $2", application_id, payer_id)
    return _payer(connection, record)


async def any_by_id(connection: Connection, payer_id: UUID) -> Payer | None:
    """A payer whoever they belong to, deleted and erased or not: for the worker."""
    record = await connection.fetchrow(f"SELECT {_COLUMNS} FROM customers WHERE id = $1", payer_id)
    return _payer(connection, record)


async def find(
    connection: Connection, application_id: UUID, email_key: str | None, phone_key: str | None
) -> Payer | None:
    """The payer found by this e-mail, else by this phone."""
    people = people_of(connection)
    record = await connection.fetchrow(
        f"{_OF} AND (email_digest = $2 OR phone_digest = $3)"
        " ORDER BY email_digest = $2 DESC NULLS LAST LIMIT 1",
        application_id,
        email_digest(people, application_id, email_key),
        phone_digest(people, application_id, phone_key),
    )
    return _payer(connection, record)


_INSERT = f"""
INSERT INTO customers (id, application_id, email_digest, phone_digest, data_key, sealed,
    search_keys, created_at, updated_at)
SELECT $1, $2,
    CASE WHEN $9 OR NOT EXISTS (
        SELECT FROM customers WHERE application_id = $2 AND email_digest = $3
    ) THEN $3::bytea END,
    CASE WHEN $9 OR NOT EXISTS (
        SELECT FROM customers WHERE application_id = $2 AND phone_digest = $4
    ) THEN $4::bytea END,
    $5, $6, $7, $8, $8
ON CONFLICT DO NOTHING
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
    *,
    alone: bool,
) -> Payer | None:
    """Add a payer; None when somebody else takes a key meanwhile, or, for one who is to be
    ``alone``, has it. Anybody else who shares an e-mail or phone with another is not found by it.

    ``keys`` are the forms of e-mail and phone by which payers are found; ``fields`` has ``name``,
    ``email``, ``phone`` and ``tax_number``.
    """
    people = people_of(connection)
    key = people.new_key(payer_id)
    said = {**{name: fields.get(name) for name in _FACTS}, "details": details}
    facts = {name: value for name, value in said.items() if value is not None}
    record = await connection.fetchrow(
        _INSERT,
        payer_id,
        application_id,
        email_digest(people, application_id, keys[0]),
        phone_digest(people, application_id, keys[1]),
        key.sealed,
        key.seal(CUSTOMER, written(facts)),
        _search_keys(people, application_id, facts, keys[1]),
        now,
        alone,
    )
    return _payer(connection, record)


def _search_keys(
    people: People, application_id: UUID, facts: Facts, phone_key: str | None
) -> bytes:
    found_by = {name: facts[name] for name in SEARCHED if name in facts}
    if phone_key:
        found_by["e164"] = phone_key
    return people.search_keys(application_id, found_by)


_LOCK = "SELECT data_key, sealed FROM customers WHERE id = $1 AND deleted_at IS NULL FOR UPDATE"
_UPDATE = f"""
UPDATE customers SET sealed = $3, search_keys = $4, sent_digest = NULL, blocked = $5,
    deleted_at = $6, updated_at = $7, version = version + 1,
    email_digest = CASE WHEN $6::timestamptz IS NULL THEN COALESCE($8, email_digest) END,
    phone_digest = CASE WHEN $6::timestamptz IS NULL THEN COALESCE($9, phone_digest) END
WHERE application_id = $1 AND id = $2 AND deleted_at IS NULL
RETURNING {_COLUMNS}
"""


async def update(
    connection: Connection,
    payer: Payer,
    keys: tuple[str | None, str | None],
    phone_key: str | None,
    now: datetime,
) -> Payer | None:
    """Write what changed of a payer; a deleted one is found by nothing any more. None: gone.

    ``keys`` are the new forms that they are found by, ``phone_key`` the one that searches look
    for. For a transaction. Raises ``asyncpg.UniqueViolationError`` for a key that another payer
    has.
    """
    people = people_of(connection)
    locked = await connection.fetchrow(_LOCK, payer.id)
    if locked is None:
        return None
    known = facts_of(people, payer.id, *locked)
    said = {**known, **{name: getattr(payer, name) for name in _FACTS}}
    facts = {name: value for name, value in said.items() if value is not None}
    application_id = payer.application_id
    record = await connection.fetchrow(
        _UPDATE,
        application_id,
        payer.id,
        people.key(payer.id, locked[0]).seal(CUSTOMER, written(facts)),
        _search_keys(people, application_id, facts, phone_key),
        payer.blocked,
        payer.deleted_at,
        now,
        email_digest(people, application_id, keys[0]),
        phone_digest(people, application_id, keys[1]),
    )
    return _payer(connection, record)


class PayerSearch(NamedTuple):
    """What is looked for: a text, and the phone number that it may be (E.164)."""

    text: str
    phone: str | None = None


async def list_page(
    connection: Connection,
    application_id: UUID,
    search: PayerSearch | None,
    page: Page,
    created: tuple[datetime | None, datetime | None],
) -> tuple[Sequence[Payer], int]:
    """One page of the application's payers, newest first, and how many there are; of those made
    from the first moment on and before the second one.

    A search finds those whose name has all of its words, and whose e-mail, phone or tax number it
    is: parts of words find nothing.
    """
    found_by = HAS_ALL.format(words="$2", wholes="$3", keys="search_keys")
    where = (
        f" AND ($2::bytea[] IS NULL OR {found_by})"
        " AND id >= COALESCE($4, id) AND ($5::uuid IS NULL OR id < $5)"
    )
    sought = people_of(connection).search(application_id, *search) if search else (None, None)
    bounds = (first_id(moment) if moment else None for moment in created)
    asked = (application_id, *sought, *bounds)
    records = await connection.fetch(
        f"{_OF}{where} ORDER BY id DESC LIMIT $6 OFFSET $7", *asked, page.size, page.offset
    )
    total = await connection.fetchval(
        f"SELECT count(*) FROM customers WHERE application_id = $1 AND deleted_at IS NULL{where}",
        *asked,
    )
    found = [_payer(connection, record) for record in records]
    return [payer for payer in found if payer is not None], total


class UsedMethod(NamedTuple):
    """A handset that a payer has paid by: ``attempt_id`` names it."""

    attempt_id: UUID
    channel: str
    phone: str
    created_at: datetime


_DATA_KEY = "SELECT data_key FROM customers WHERE id = $1"


async def seal_phone(connection: Connection, payer_id: UUID, phone: str) -> bytes | None:
    """The number of a payer's handset, sealed; None of a payer who was erased."""
    data_key = await connection.fetchval(_DATA_KEY, payer_id)
    if data_key is None:
        return None
    return people_of(connection).key(payer_id, data_key).seal(PAYER_PHONE, phone.encode())


async def open_phone(connection: Connection, payer_id: UUID, sealed: bytes | None) -> str | None:
    """The number that ``seal_phone`` sealed; None for None, and of a payer who was erased."""
    if sealed is None:
        return None
    data_key = await connection.fetchval(_DATA_KEY, payer_id)
    opened = people_of(connection).open(payer_id, data_key, PAYER_PHONE, sealed)
    return opened.decode() if opened else None


async def methods(connection: Connection, application_id: UUID, payer_id: UUID) -> list[UsedMethod]:
    """The handsets that a payer's payments were tried by, the latest first."""
    records = await connection.fetch(
        "SELECT a.id, a.channel, a.payer_phone, a.created_at, c.data_key FROM attempts a"
        " JOIN payments p ON p.id = a.payment_id JOIN customers c ON c.id = p.customer_id"
        " WHERE p.application_id = $1 AND p.customer_id = $2 AND a.payer_phone IS NOT NULL"
        " ORDER BY a.id DESC",
        application_id,
        payer_id,
    )
    people = people_of(connection)
    latest: dict[tuple[str, str], UsedMethod] = {}
    for attempt_id, channel, sealed, created_at, data_key in records:
        phone = people.open(payer_id, data_key, PAYER_PHONE, sealed)
        if phone is not None:
            used = UsedMethod(attempt_id, channel, phone.decode(), created_at)
            latest.setdefault((channel, used.phone), used)
    return list(latest.values())
