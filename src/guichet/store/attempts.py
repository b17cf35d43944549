"""Attempts: started one at a time under the payment's lock, moved many at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from guichet.domain.attempts import Attempt
from guichet.domain.events import Event
from guichet.domain.payments import Payment
from guichet.store.database import Connection

_ATTEMPT = ", ".join(f"a.{name}" for name in Attempt._fields)
_PAYMENT = ", ".join(f"p.{name}" for name in Payment._fields)
_PAYMENT_WIDTH = len(Payment._fields)


class AttemptRow(NamedTuple):
    """An attempt with its payment, and the name of the request that began it."""

    payment: Payment
    attempt: Attempt
    request_id: str | None


def _row(record: Iterable[Any]) -> AttemptRow:
    values = tuple(record)
    return AttemptRow(
        Payment._make(values[:_PAYMENT_WIDTH]), Attempt._make(values[_PAYMENT_WIDTH:-1]), values[-1]
    )


_JOINED = (
    f"SELECT {_PAYMENT}, {_ATTEMPT}, a.request_id"
    " FROM attempts a JOIN payments p ON p.id = a.payment_id"
)
#: Payments are locked in the order of their ids, always: two batches cannot wait for each other.
_LOCK = f"{_JOINED} WHERE a.id = ANY($1::uuid[]) ORDER BY p.id, a.id FOR UPDATE OF p, a"


async def lock_many(connection: Connection, attempt_ids: Iterable[UUID]) -> list[AttemptRow]:
    """Lock the attempts and their payments; those that do not exist are missing."""
    return [_row(record) for record in await connection.fetch(_LOCK, list(set(attempt_ids)))]


async def read(connection: Connection, attempt_id: UUID) -> AttemptRow | None:
    """An attempt with its payment, without locking."""
    record = await connection.fetchrow(f"{_JOINED} WHERE a.id = $1", attempt_id)
    return _row(record) if record else None


async def latest(connection: Connection, payment_id: UUID) -> Attempt | None:
    """The payment's newest attempt."""
    record = await connection.fetchrow(
        f"SELECT {_ATTEMPT} FROM attempts a WHERE payment_id = $1 ORDER BY number DESC LIMIT 1",
        payment_id,
    )
    return Attempt._make(tuple(record)) if record else None


async def placed(connection: Connection, payment_id: UUID) -> Attempt | None:
    """The attempt whose money is the payment's, if it is there."""
    record = await connection.fetchrow(
        f"SELECT {_ATTEMPT} FROM attempts a WHERE payment_id = $1 AND placed_minor > 0"
        " ORDER BY number DESC LIMIT 1",
        payment_id,
    )
    return Attempt._make(tuple(record)) if record else None


async def lock_payment(connection: Connection, payment_id: UUID) -> Payment | None:
    """Lock one payment for the rest of the transaction."""
    record = await connection.fetchrow(
        f"SELECT {_PAYMENT} FROM payments p WHERE p.id = $1 FOR UPDATE", payment_id
    )
    return Payment._make(tuple(record)) if record else None


async def stop_expiry(connection: Connection, payment_id: UUID) -> None:
    """Never look again whether the payment is to expire."""
    await connection.execute("UPDATE payments SET expiry_check_at = NULL WHERE id = $1", payment_id)


_INSERTED = [
    "id",
    "payment_id",
    "application_id",
    "environment",
    "number",
    "rail",
    "institution_id",
    "account_id",
    "channel",
    "payer_phone",
    "status",
    "next_check_at",
    "created_at",
    "updated_at",
]
_INSERT = (
    f"INSERT INTO attempts ({', '.join(_INSERTED)}, claimed_until, claim) "
    f"VALUES ({', '.join(f'${n}' for n in range(1, 15))}, now() + $15 * interval '1 second', 1)"
)


async def insert(connection: Connection, attempt: Attempt, lease_seconds: float) -> None:
    """Start an attempt; the caller holds its lease (claim 1) for ``lease_seconds``."""
    row = attempt._asdict()
    await connection.execute(_INSERT, *(row[name] for name in _INSERTED), lease_seconds)


async def claim(connection: Connection, attempt_id: UUID, lease_seconds: float) -> int | None:
    """Take the lease of one attempt; its fencing number, or None while another holds it."""
    number: int | None = await connection.fetchval(
        "UPDATE attempts SET claimed_until = now() + $2 * interval '1 second', claim = claim + 1"
        " WHERE id = $1 AND (claimed_until IS NULL OR claimed_until < now()) RETURNING claim",
        attempt_id,
        lease_seconds,
    )
    return number


async def release(connection: Connection, attempt_id: UUID, claim: int) -> bool:
    """Give the lease back; False when it was lost to another worker meanwhile."""
    status: str = await connection.execute(
        "UPDATE attempts SET claimed_until = NULL WHERE id = $1 AND claim = $2", attempt_id, claim
    )
    return status.endswith(" 1")


_UPDATE_ATTEMPTS = """
UPDATE attempts a SET status = n.status, provider_reference = n.provider_reference,
    memory = n.memory, next_step_url = n.next_step_url, next_step_code = n.next_step_code,
    reason = n.reason, code = n.code, finality = n.finality, received_minor = n.received_minor,
    received_currency = n.received_currency, placed_minor = n.placed_minor,
    returned_minor = n.returned_minor, checks_count = n.checks_count,
    next_check_at = n.next_check_at, updated_at = n.updated_at
FROM unnest($1::attempt_change[]) AS n
WHERE a.id = n.id
"""
#: In the order of the database's type ``attempt_change``.
_ATTEMPT_VALUES = itemgetter(*map(Attempt._fields.index, (
    "id", "status", "provider_reference", "memory", "next_step_url", "next_step_code", "reason",
    "code", "finality", "received_minor", "received_currency", "placed_minor", "returned_minor",
    "checks_count", "next_check_at", "updated_at",
)))  # fmt: skip

_UPDATE_PAYMENTS = """
UPDATE payments p SET status = n.status, reason = n.reason, unreleased_minor = n.unreleased_minor,
    refunding_minor = n.refunding_minor, refunded_minor = n.refunded_minor,
    returned_minor = n.returned_minor, payer_code = n.payer_code,
    completed_at = n.completed_at, release_at = n.release_at, updated_at = n.updated_at,
    version = n.version, expiry_check_at =
        CASE WHEN n.status IN ('pending', 'processing') THEN p.expiry_check_at END
FROM unnest($1::payment_change[]) AS n
WHERE p.id = n.id
"""
#: In the order of the database's type ``payment_change``.
_PAYMENT_VALUES = itemgetter(*map(Payment._fields.index, (
    "id", "status", "reason", "unreleased_minor", "refunding_minor", "refunded_minor",
    "returned_minor", "payer_code", "completed_at", "release_at", "updated_at", "version",
)))  # fmt: skip


async def update(
    connection: Connection, payments: Sequence[Payment], attempts: Sequence[Attempt]
) -> None:
    """Write rows that were locked before: what may change of them."""
    if attempts:
        await connection.execute(_UPDATE_ATTEMPTS, list(map(_ATTEMPT_VALUES, attempts)))
    if payments:
        await connection.execute(_UPDATE_PAYMENTS, list(map(_PAYMENT_VALUES, payments)))


_TELL = """
WITH event AS (
    INSERT INTO events (id, application_id, type, subject_type, subject_id, version, status,
        previous_status, reason, late, occurred_at, request_id)
    SELECT e.*, COALESCE( -- the request that causes it, or else the one that began what it is about
        NULLIF(current_setting('guichet.request_id', true), ''),
        (SELECT a.request_id FROM attempts a
         WHERE a.payment_id = e.subject_id ORDER BY a.number DESC LIMIT 1))
    FROM unnest($1::new_event[]) AS e
), delivery AS (
    INSERT INTO webhook_deliveries (id, event_id, application_id, url, status, next_attempt_at,
        created_at)
    SELECT d.id, d.event_id, d.application_id, d.url, 'pending', d.at, d.at
    FROM unnest($2::new_delivery[]) AS d
    RETURNING id
), to_endpoint AS (
    INSERT INTO webhook_deliveries (id, event_id, application_id, endpoint_id, url, status,
        next_attempt_at, created_at)
    SELECT gen_random_uuid(), e.id, e.application_id, w.id, w.url, 'pending', e.occurred_at,
        e.occurred_at
    FROM unnest($1::new_event[]) AS e
    JOIN webhook_endpoints w ON w.application_id = e.application_id AND w.active
        AND w.deleted_at IS NULL AND w.event_types && ARRAY[e.type, '*']
        AND w.id <> e.subject_id -- an endpoint is not told of its own health
    RETURNING id
)
SELECT pg_notify('guichet_work', '')
WHERE EXISTS (SELECT FROM delivery) OR EXISTS (SELECT FROM to_endpoint)
"""


class NewDelivery(NamedTuple):
    """An event to be told to ``url``."""

    id: UUID
    event_id: UUID
    application_id: UUID
    url: str
    at: datetime


async def tell(
    connection: Connection, events: Sequence[Event], deliveries: Sequence[NewDelivery]
) -> None:
    """Write events and the deliveries they cause, and wake the workers at commit."""
    if not events:
        return
    await connection.execute(_TELL, events, deliveries)


_TELL_ENDPOINTS = """
WITH told AS (
    INSERT INTO webhook_deliveries (id, event_id, application_id, endpoint_id, url, status,
        next_attempt_at, created_at)
    SELECT gen_random_uuid(), e.id, e.application_id, w.id, w.url, 'pending', e.occurred_at,
        e.occurred_at
    FROM events e JOIN webhook_endpoints w ON w.application_id = e.application_id AND w.active
        AND w.deleted_at IS NULL AND w.event_types && ARRAY[e.type, '*']
    WHERE e.id = $1
    RETURNING id
)
SELECT pg_notify('guichet_work', '') WHERE EXISTS (SELECT FROM told)
"""


async def tell_endpoints(connection: Connection, event_id: UUID) -> None:
    """Cause the deliveries of an event that was written by another statement of the transaction."""
    await connection.execute(_TELL_ENDPOINTS, event_id)
