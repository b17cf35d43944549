"""Deliveries of events to merchants' addresses: bodies, tries, outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from guichet.domain.deliveries import Fate
from guichet.domain.events import Event
from guichet.people import People
from guichet.store.database import Connection, people_of

_EVENT = f"SELECT {', '.join(Event._fields)} FROM events WHERE id = $1"

_KEEP_BODY = """
UPDATE webhook_deliveries SET body = $3 WHERE id = $1 AND claim = $2 AND body IS NULL
    AND (SELECT data_key FROM person_of_event($4)) IS NOT DISTINCT FROM $5
"""
#: What a body is sealed as, and whose key seals it.
BODY = b"body"
_PERSON = "SELECT person_id, data_key FROM person_of_event($1)"

# The try is written by whoever still holds the lease, together with the delivery's fate.
_RECORD = """
WITH held AS (
    UPDATE webhook_deliveries SET tries = tries + 1, status = $3, next_attempt_at = $4,
        finished_at = $5, claimed_until = NULL
    WHERE id = $1 AND claim = $2 AND status = 'pending'
    RETURNING id, tries
)
INSERT INTO webhook_tries (delivery_id, number, sent_at, duration_ms, status_code, error, answer)
SELECT id, tries, $6, $7, $8, $9, $10 FROM held
"""

_DISCARD = """
UPDATE webhook_deliveries SET status = 'discarded', next_attempt_at = NULL, finished_at = $3,
    claimed_until = NULL
WHERE id = $1 AND claim = $2 AND status = 'pending'
"""


class Try(NamedTuple):
    """One request to the receiver and what came back; ``answer`` is the beginning of its text."""

    sent_at: datetime
    duration_ms: int
    status_code: int | None
    error: str | None
    answer: str | None


async def read_event(connection: Connection, event_id: UUID) -> Event:
    """The event; raises ``LookupError`` if there is none."""
    row = await connection.fetchrow(_EVENT, event_id)
    if row is None:
        raise LookupError(f"no event {event_id}")
    return Event._make(row)


async def keep_body(
    connection: Connection, delivery_id: UUID, claim: int, event_id: UUID, body: bytes
) -> bool:
    """Store what is sent on every try, sealed with the key of whom the event is about; False if
    the lease was lost.
    """
    people = people_of(connection)
    person_id, data_key = await _person(connection, event_id)
    if person_id is None or data_key is None:
        sealed = people.seal_shared(BODY, body)
    else:
        sealed = people.key(person_id, data_key).seal(BODY, body)
    # An erasure between our reading of the person and this makes it render anew.
    kept = await connection.execute(_KEEP_BODY, delivery_id, claim, sealed, event_id, data_key)
    return bool(kept == "UPDATE 1")


async def _person(connection: Connection, event_id: UUID) -> tuple[UUID | None, bytes | None]:
    record = await connection.fetchrow(_PERSON, event_id)
    return tuple(record) if record else (None, None)


async def open_body(
    connection: Connection, event_id: UUID, sealed: bytes, people: People | None = None
) -> bytes | None:
    """The body that ``keep_body`` stored; None if who it is about was erased since.

    ``people`` opens it where the connection is none of a ``Database``'s.
    """
    person_id, data_key = await _person(connection, event_id)
    return (people or people_of(connection)).open(person_id, data_key, BODY, sealed)


async def discard(connection: Connection, delivery_id: UUID, claim: int, now: datetime) -> bool:
    """Close a delivery that nobody is to have, without a try; False if the lease was lost."""
    return bool(await connection.execute(_DISCARD, delivery_id, claim, now) == "UPDATE 1")


async def record_try(
    connection: Connection,
    delivery_id: UUID,
    claim: int,
    sent: Try,
    fate: Fate,
    finished_at: datetime | None,
) -> bool:
    """Write a try and the delivery's fate; False, and nothing written, if the lease was lost."""
    answer = await connection.execute(
        _RECORD, delivery_id, claim, fate.status, fate.next_attempt_at, finished_at, *sent
    )
    return bool(answer == "INSERT 0 1")


class DeliveryRow(NamedTuple):
    """A delivery as the log shows it."""

    id: UUID
    event_id: UUID
    event_type: str
    url: str
    status: str
    tries: int
    next_attempt_at: datetime | None
    created_at: datetime
    body: bytes | None


_LOG = """
SELECT d.id, d.event_id, e.type, d.url, d.status, d.tries, d.next_attempt_at, d.created_at, d.body
FROM webhook_deliveries d JOIN events e ON e.id = d.event_id
WHERE d.endpoint_id = $1 ORDER BY d.created_at DESC, d.id DESC LIMIT $2
"""
_TRIES = """
SELECT sent_at, duration_ms, status_code, error, answer FROM webhook_tries
WHERE delivery_id = $1 ORDER BY number
"""

# Who holds one now closes it or makes it due. What was given up untried gets its
# body then.
_SEND_AGAIN = """
WITH again AS (
    UPDATE webhook_deliveries SET status = 'pending', next_attempt_at = $1, finished_at = NULL
    WHERE {which} AND (claimed_until IS NULL OR claimed_until <= now())
    RETURNING id
), told AS (SELECT pg_notify('guichet_work', 'deliveries') WHERE EXISTS (SELECT FROM again))
SELECT id FROM again, (SELECT count(*) FROM told) woken
"""
_SEND_ONE = _SEND_AGAIN.format(which="id = $2")
_SEND_FAILED = _SEND_AGAIN.format(
    which="created_at >= $2 AND created_at < $3"
    " AND ($4::uuid IS NULL OR endpoint_id = $4)"
    " AND (status IN ('exhausted', 'discarded') OR status = 'pending' AND tries > 0)"
)


async def log_page(connection: Connection, endpoint_id: UUID, limit: int) -> list[DeliveryRow]:
    """An endpoint's deliveries, newest first; their bodies as they are stored, sealed."""
    return [DeliveryRow._make(row) for row in await connection.fetch(_LOG, endpoint_id, limit)]


async def tries_of(connection: Connection, delivery_id: UUID) -> list[Try]:
    """A delivery's tries, oldest first."""
    return [Try._make(row) for row in await connection.fetch(_TRIES, delivery_id)]


async def send_again(connection: Connection, delivery_id: UUID, now: datetime) -> Sequence[UUID]:
    """Make a delivery due now, whatever became of it; none if there is none or it is being sent."""
    return [row[0] for row in await connection.fetch(_SEND_ONE, now, delivery_id)]


async def send_failed_again(
    connection: Connection,
    since: datetime,
    until: datetime,
    now: datetime,
    endpoint_id: UUID | None = None,
) -> Sequence[UUID]:
    """Make due now what was to be told from ``since`` and before ``until`` and was not taken."""
    rows = await connection.fetch(_SEND_FAILED, now, since, until, endpoint_id)
    return [row[0] for row in rows]
