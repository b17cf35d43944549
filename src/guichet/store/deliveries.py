"""Deliveries of events to merchants' addresses: bodies, tries, outcomes."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from guichet.domain.deliveries import Fate
from guichet.domain.events import Event
from guichet.store.database import Connection

_EVENT = f"SELECT {', '.join(Event._fields)} FROM events WHERE id = $1"

_KEEP_BODY = """
UPDATE webhook_deliveries SET body = $3 WHERE id = $1 AND claim = $2 AND body IS NULL
"""

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


async def keep_body(connection: Connection, delivery_id: UUID, claim: int, body: bytes) -> bool:
    """Store what is sent on every try; False if the lease was lost."""
    return bool(await connection.execute(_KEEP_BODY, delivery_id, claim, body) == "UPDATE 1")


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
