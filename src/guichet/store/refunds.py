"""Refunds: made under their payment's lock, moved with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from guichet.domain.paging import Page
from guichet.domain.refunds import Refund
from guichet.store.database import Connection, people_of

#: What a row is read as, ``{t}`` being the name of its table: with the key that opens its note.
COLUMNS = (
    ", ".join(f"{{t}}.{name}" for name in Refund._fields)
    + ", (SELECT p.customer_id FROM payments p WHERE p.id = {t}.payment_id),"
    " (SELECT c.data_key FROM payments p JOIN customers c ON c.id = p.customer_id"
    " WHERE p.id = {t}.payment_id)"
)
_COLUMNS = COLUMNS.format(t="refunds")
#: What a refund's note is sealed as.
NOTE = b"note"
_PAYER = (
    "SELECT c.id, c.data_key FROM payments p JOIN customers c ON c.id = p.customer_id"
    " WHERE p.id = $1"
)
_INSERTED = [name for name in Refund._fields if name not in {"claimed_until", "claim"}]
_COUNT = len(_INSERTED)
_INSERT = (
    f"INSERT INTO refunds ({', '.join(_INSERTED)}, request_key, request_hash, claimed_until, claim)"
    f" VALUES ({', '.join(f'${n}' for n in range(1, _COUNT + 3))},"
    f" now() + ${_COUNT + 3} * interval '1 second', 1)"
)


def read_row(connection: Connection, record: Iterable[Any]) -> Refund:
    """A refund from ``COLUMNS``."""
    *values, note, payer_id, data_key = record
    opened = people_of(connection).open(payer_id, data_key, NOTE, note)
    return Refund._make((*values, opened.decode() if opened else None))


async def insert(
    connection: Connection,
    refund: Refund,
    request_key: str | None,
    request_hash: bytes | None,
    lease_seconds: float,
) -> None:
    """Add a refund; the caller holds its lease (claim 1) for ``lease_seconds``."""
    row = refund._asdict()
    if refund.note is not None:
        payer = await connection.fetchrow(_PAYER, refund.payment_id)
        assert payer is not None  # its payment is locked
        payer_id, data_key = payer
        key = people_of(connection).key(payer_id, data_key) if data_key else None
        row["note"] = key.seal(NOTE, refund.note.encode()) if key else None
    values = [row[name] for name in _INSERTED]
    await connection.execute(_INSERT, *values, request_key, request_hash, lease_seconds)


async def by_request_key(
    connection: Connection, application_id: UUID, request_key: str
) -> tuple[Refund, bytes] | None:
    """The refund made with an idempotency key, and the hash of its request."""
    record = await connection.fetchrow(
        f"SELECT {_COLUMNS}, request_hash FROM refunds"
        " WHERE application_id = $1 AND request_key = $2",
        application_id,
        request_key,
    )
    if record is None:
        return None
    values = tuple(record)
    return read_row(connection, values[:-1]), values[-1]


async def read(connection: Connection, refund_id: UUID) -> Refund | None:
    """A refund by its id."""
    record = await connection.fetchrow(f"SELECT {_COLUMNS} FROM refunds WHERE id = $1", refund_id)
    return read_row(connection, record) if record else None


async def of_payment(connection: Connection, payment_id: UUID) -> list[Refund]:
    """A payment's refunds, oldest first."""
    records = await connection.fetch(
        f"SELECT {_COLUMNS} FROM refunds WHERE payment_id = $1 ORDER BY id", payment_id
    )
    return [read_row(connection, record) for record in records]


async def list_page(
    connection: Connection, application_id: UUID, statuses: Sequence[str] | None, page: Page
) -> tuple[list[Refund], int]:
    """One page of an application's refunds, newest first, and how many there are in all."""
    where = "application_id = $1 AND ($2::text[] IS NULL OR status = ANY($2))"
    records = await connection.fetch(
        f"SELECT {_COLUMNS} FROM refunds WHERE {where} ORDER BY id DESC LIMIT $3 OFFSET $4",
        application_id,
        statuses,
        page.size,
        page.offset,
    )
    total = await connection.fetchval(
        f"SELECT count(*) FROM refunds WHERE {where}", application_id, statuses
    )
    return [read_row(connection, record) for record in records], total


async def lock(connection: Connection, refund_id: UUID) -> Refund | None:
    """Lock a refund; its payment is locked before it."""
    record = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM refunds WHERE id = $1 FOR UPDATE", refund_id
    )
    return read_row(connection, record) if record else None


_UPDATE = """
UPDATE refunds SET status = $2, reason = $3, code = $4, provider_reference = $5,
    checks_count = $6, next_check_at = $7, updated_at = $8
WHERE id = $1
"""


async def update(connection: Connection, refunds: Sequence[Refund]) -> None:
    """Write what may change of refunds that were locked before."""
    for refund in refunds:
        await connection.execute(
            _UPDATE,
            refund.id,
            refund.status,
            refund.reason,
            refund.code,
            refund.provider_reference,
            refund.checks_count,
            refund.next_check_at,
            refund.updated_at,
        )


async def release(connection: Connection, refund_id: UUID, claim: int) -> bool:
    """Give the lease back; False when it was lost to another worker meanwhile."""
    status: str = await connection.execute(
        "UPDATE refunds SET claimed_until = NULL WHERE id = $1 AND claim = $2", refund_id, claim
    )
    return status.endswith(" 1")
