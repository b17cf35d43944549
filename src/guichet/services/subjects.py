"""What an event is about, read for those who tell it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from guichet.domain.beneficiaries import Beneficiary
from guichet.domain.endpoints import Endpoint
from guichet.domain.events import Event
from guichet.domain.refunds import Refund
from guichet.domain.transfers import Transfer
from guichet.store import beneficiaries, endpoints, payers, payments, refunds, transfers
from guichet.store.database import Connection
from guichet.store.payers import Payer
from guichet.store.payments import PaymentRow


class RefundRow(NamedTuple):
    """A refund with the payment whose money it gives back."""

    refund: Refund
    paid: PaymentRow


Subject = PaymentRow | RefundRow | Transfer | Payer | Beneficiary | Endpoint


async def _read_refund(connection: Connection, refund_id: UUID) -> RefundRow | None:
    refund = await refunds.read(connection, refund_id)
    paid = await payments.by_id(connection, refund.payment_id) if refund else None
    return RefundRow(refund, paid) if refund and paid else None


_READ: Mapping[str, Callable[[Connection, UUID], Awaitable[Any]]] = {
    "payment": payments.by_id,
    "refund": _read_refund,
    "transfer": transfers.any_by_id,
    "beneficiary": beneficiaries.any_by_id,
    "customer": payers.any_by_id,
    "endpoint": endpoints.any_by_id,
}


async def read_subject(connection: Connection, event: Event) -> Subject:
    """The event's subject as it is now; raises ``LookupError`` if there is none."""
    subject: Subject | None = await _READ[event.subject_type](connection, event.subject_id)
    if subject is None:
        raise LookupError(f"event {event.id} is about no {event.subject_type}")
    return subject
