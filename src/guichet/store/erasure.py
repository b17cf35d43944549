"""Erasing a person: their key, what is known of them, and every copy of it in any table.

Runs as the owner of the tables, in the caller's transaction. Amounts, states, references, events
and the ledger stay: they say that money moved, and no longer whose it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from guichet.people import People
from guichet.store.bulk_transfers import BULK
from guichet.store.database import Connection


class Person(NamedTuple):
    """A payer or a beneficiary: ``kind`` is ``customer`` or ``beneficiary``."""

    kind: str
    id: UUID
    application_id: UUID
    data_key: bytes | None
    sealed: bytes | None
    version: int
    deleted_at: datetime | None
    erased_at: datetime | None


_COLUMNS = ", ".join(Person._fields[1:])
_LOCK_CUSTOMER = f"SELECT {_COLUMNS} FROM customers WHERE id = $1 FOR UPDATE"
_LOCK_BENEFICIARY = f"SELECT {_COLUMNS} FROM beneficiaries WHERE id = $1 FOR UPDATE"


async def lock_customer(connection: Connection, customer_id: UUID) -> Person | None:
    """A payer whoever they belong to, locked for the rest of the transaction."""
    record = await connection.fetchrow(_LOCK_CUSTOMER, customer_id)
    return Person("customer", *record) if record else None


async def lock_beneficiary(connection: Connection, beneficiary_id: UUID) -> Person | None:
    """A beneficiary whoever they belong to, locked for the rest of the transaction."""
    record = await connection.fetchrow(_LOCK_BENEFICIARY, beneficiary_id)
    return Person("beneficiary", *record) if record else None


_CUSTOMERS_MONEY = """
SELECT 'payment ' || p.id || ' is ' || p.status FROM payments p
WHERE p.customer_id = $1 AND p.status IN ('pending', 'processing')
UNION ALL
SELECT 'attempt ' || a.id || ' is ' || a.status
FROM attempts a JOIN payments p ON p.id = a.payment_id
WHERE p.customer_id = $1 AND a.status IN ('starting', 'waiting', 'unknown')
UNION ALL
SELECT 'refund ' || r.id || ' is ' || r.status
FROM refunds r JOIN payments p ON p.id = r.payment_id
WHERE p.customer_id = $1 AND r.status IN ('initiated', 'sent')
"""
_BENEFICIARYS_MONEY = """
SELECT 'transfer ' || id || ' is ' || status FROM transfers
WHERE beneficiary_id = $1 AND status IN ('initiated', 'sent')
"""


async def money_under_way(connection: Connection, person: Person) -> list[str]:
    """What of theirs is not decided yet, in words."""
    sql = _CUSTOMERS_MONEY if person.kind == "customer" else _BENEFICIARYS_MONEY
    return [row[0] for row in await connection.fetch(sql, person.id)]


_DESTROY_CUSTOMER = """
UPDATE customers SET data_key = NULL, sealed = NULL, email_digest = NULL, phone_digest = NULL,
    search_keys = NULL, sent_digest = NULL, erased_at = $2,
    deleted_at = COALESCE(deleted_at, $2), updated_at = $2, version = version + 1
WHERE id = $1
"""
_CLEAR_CUSTOMER = (
    """
UPDATE payments SET sealed = NULL, search_keys = NULL,
    request_hash = CASE WHEN request_key IS NOT NULL THEN ''::bytea END
WHERE customer_id = $1
""",
    """
UPDATE attempts SET payer_phone = NULL
WHERE payer_phone IS NOT NULL AND payment_id IN (SELECT id FROM payments WHERE customer_id = $1)
""",
    """
UPDATE refunds SET note = NULL,
    request_hash = CASE WHEN request_key IS NOT NULL THEN ''::bytea END
WHERE payment_id IN (SELECT id FROM payments WHERE customer_id = $1)
""",
    # What a payer's browser brought back; what providers said holds references alone.
    """
UPDATE rail_notices SET content = '' WHERE attempt_id IN (
    SELECT a.id FROM attempts a JOIN payments p ON p.id = a.payment_id WHERE p.customer_id = $1)
""",
)
_DESTROY_BENEFICIARY = """
UPDATE beneficiaries SET data_key = NULL, sealed = NULL, account_digest = NULL, search_keys = NULL,
    erased_at = $2, deleted_at = COALESCE(deleted_at, $2), updated_at = $2, version = version + 1
WHERE id = $1
"""
_CLEAR_BENEFICIARY = (
    "UPDATE transfers SET sealed = NULL, search_keys = NULL WHERE beneficiary_id = $1",
)
# What was told of them: bodies are rendered anew, without them, if they are sent again.
_SUBJECTS = """
SELECT e.id FROM events e WHERE e.subject_id = $1
UNION ALL
SELECT e.id FROM events e JOIN payments p ON p.id = e.subject_id WHERE p.customer_id = $1
UNION ALL
SELECT e.id FROM events e JOIN refunds r ON r.id = e.subject_id
JOIN payments p ON p.id = r.payment_id WHERE p.customer_id = $1
UNION ALL
SELECT e.id FROM events e JOIN transfers t ON t.id = e.subject_id WHERE t.beneficiary_id = $1
"""
_ERASE_ANSWERS = f"""
UPDATE webhook_tries SET answer = NULL WHERE answer IS NOT NULL AND delivery_id IN (
    SELECT d.id FROM webhook_deliveries d WHERE d.event_id IN ({_SUBJECTS}))
"""
_ERASE_BODIES = f"""
UPDATE webhook_deliveries SET body = NULL WHERE body IS NOT NULL AND event_id IN ({_SUBJECTS})
"""


async def destroy_key(connection: Connection, person: Person, now: datetime) -> None:
    """Destroy the key of a person who was locked before, and what it sealed in their own row."""
    customer = person.kind == "customer"
    sql = _DESTROY_CUSTOMER if customer else _DESTROY_BENEFICIARY
    await connection.execute(sql, person.id, now)


async def clear_copies(connection: Connection, person: Person) -> None:
    """Clear what is known of the person in other rows; may be repeated."""
    statements = _CLEAR_CUSTOMER if person.kind == "customer" else _CLEAR_BENEFICIARY
    for sql in (_ERASE_ANSWERS, _ERASE_BODIES, *statements):
        await connection.execute(sql, person.id)


async def wait_for_writers(connection: Connection) -> None:
    """Return once every transaction has ended that was writing payments or transfers when asked."""
    await connection.execute("BEGIN; LOCK TABLE payments IN SHARE MODE; COMMIT")
    await connection.execute("BEGIN; LOCK TABLE transfers IN SHARE MODE; COMMIT")


_OPEN_ROWS = """
SELECT bulk_id, number, content FROM bulk_rows
WHERE application_id = $1 AND transfer_id IS NULL AND content <> ''
"""
_FORGET_ROW = """
UPDATE bulk_rows SET content = $3, errors = NULL WHERE bulk_id = $1 AND number = $2
"""
_DESCRIBED = """
SELECT id, description FROM bulk_transfers WHERE application_id = $1 AND description IS NOT NULL
"""
_FORGET_DESCRIPTION = "UPDATE bulk_transfers SET description = NULL WHERE id = $1"


async def erase_mentions(
    connection: Connection, people: People, application_id: UUID, names: Iterable[str]
) -> int:
    """Clear rows that became no transfer, and descriptions, of bulks that mention one of
    ``names``; how many. These are sealed for nobody in particular, so they are opened and read.
    """
    wanted = [name.casefold() for name in names if name]
    nothing = people.seal_shared(BULK, b"{}")
    rows = [
        (bulk_id, number, nothing)
        for bulk_id, number, sealed in await connection.fetch(_OPEN_ROWS, application_id)
        if _mentions(people, sealed, wanted)
    ]
    bulks = [
        (bulk_id,)
        for bulk_id, sealed in await connection.fetch(_DESCRIBED, application_id)
        if _mentions(people, sealed, wanted)
    ]
    await connection.executemany(_FORGET_ROW, rows)
    await connection.executemany(_FORGET_DESCRIPTION, bulks)
    return len(rows) + len(bulks)


def _mentions(people: People, sealed: bytes, names: Sequence[str]) -> bool:
    opened = people.open(None, None, BULK, sealed) or b""
    text = opened.decode().casefold()
    return any(name in text for name in names)
