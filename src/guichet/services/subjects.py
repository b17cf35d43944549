"""What an event is about, read for those who tell it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from guichet.domain.endpoints import Endpoint
from guichet.domain.events import Event
from guichet.domain.refunds import Refund
from guichet.domain.transfers import Transfer
from guichet.store import endpoints, payers, payments, refunds, transfers
from guichet.store.database import Connection
from guichet.store.payers import Payer
from guichet.store.payments import PaymentRow

Subject = PaymentRow | Refund | Transfer | Payer | Endpoint

_READ: Mapping[str, Callable[[Connection, UUID], Awaitable[Any]]] = {
    "payment": payments.by_id,
    "refund": refunds.read,
    "transfer": transfers.any_by_id,
    "customer": payers.any_by_id,
    "endpoint": endpoints.any_by_id,
}


async def read_subject(connection: Connection, event: Event) -> Subject:
    """The event's subject as it is now; raises ``LookupError`` if there is none."""
    subject: Subject | None = await _READ[event.subject_type](connection, event.subject_id)
    if subject is None:
        raise LookupError(f"event {event.id} is about no {event.subject_type}")
    return subject
