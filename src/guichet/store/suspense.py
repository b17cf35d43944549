"""Money that came and could not be placed, by the attempt that brought it."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from guichet.store.database import Connection


class Unplaced(NamedTuple):
    """What of an attempt's money lies in suspense, and the payment that it was meant for.

    ``minor`` is in ``currency``, the payment's ``amount_minor`` in ``payment_currency``.
    """

    attempt_id: UUID
    payment_id: UUID
    application_id: UUID
    environment: str
    rail: str
    minor: int
    currency: str
    amount_minor: int
    payment_currency: str
    payment_status: str
    payment_reason: str | None
    updated_at: datetime


_LIST = """
SELECT * FROM (
    SELECT a.id, a.payment_id, a.application_id, a.environment, a.rail,
        a.received_minor - a.placed_minor - a.returned_minor
            + CASE WHEN a.placed_minor > 0 THEN p.returned_minor ELSE 0 END AS minor,
        a.received_currency, p.amount_minor, p.currency, p.status, p.reason, a.updated_at
    FROM attempts a JOIN payments p ON p.id = a.payment_id
    WHERE a.status IN ('done', 'reversed') AND a.received_minor <> a.placed_minor + a.returned_minor
        AND ($1::uuid IS NULL OR a.application_id = $1)
) unplaced WHERE minor > 0 ORDER BY id
"""


async def unplaced(connection: Connection, application_id: UUID | None) -> list[Unplaced]:
    """All that lies in suspense, of one application or of all, oldest first."""
    records = await connection.fetch(_LIST, application_id)
    return [Unplaced._make(tuple(record)) for record in records]
