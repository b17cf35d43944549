"""What the world is told: facts, written in the transaction of the fact."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

PAYMENT_CREATED = "payment.created"
PAYMENT_PROCESSING = "payment.processing"
PAYMENT_PENDING = "payment.pending"
PAYMENT_COMPLETED = "payment.completed"
PAYMENT_FAILED = "payment.failed"
PAYMENT_CANCELLED = "payment.cancelled"
PAYMENT_EXPIRED = "payment.expired"
PAYMENT_REVERSED = "payment.reversed"
PAYMENT_PARTIALLY_REVERSED = "payment.partially_reversed"
REFUND_CREATED = "refund.created"
TRANSFER_CREATED = "transfer.created"
TRANSFER_SENT = "transfer.sent"
TRANSFER_COMPLETED = "transfer.completed"
TRANSFER_FAILED = "transfer.failed"
TRANSFER_CANCELLED = "transfer.cancelled"
TRANSFER_RETURNED = "transfer.returned"
CUSTOMER_CREATED = "customer.created"
CUSTOMER_UPDATED = "customer.updated"
CUSTOMER_DELETED = "customer.deleted"
CUSTOMER_BLOCKED = "customer.blocked"
CUSTOMER_UNBLOCKED = "customer.unblocked"
BENEFICIARY_CREATED = "beneficiary.created"
BENEFICIARY_UPDATED = "beneficiary.updated"
BENEFICIARY_DELETED = "beneficiary.deleted"
ENDPOINT_FAILING = "endpoint.failing"
ENDPOINT_DISABLED = "endpoint.disabled"
ENDPOINT_RECOVERED = "endpoint.recovered"
REFUND_COMPLETED = "refund.completed"
REFUND_FAILED = "refund.failed"
BALANCE_AVAILABLE = "balance.available"


class Event(NamedTuple):
    """One thing that happened to the ``subject_type`` (``payment``, ``refund``, ``transfer``,
    ``customer``, ``beneficiary``, ``endpoint``) of id ``subject_id``.

    ``version`` is the subject's version after it, so that a receiver can put events in order; of a
    refund version and status are its payment's;
    ``late`` marks money that came after the payment was closed.
    """

    id: UUID
    application_id: UUID
    type: str
    subject_type: str
    subject_id: UUID
    version: int
    status: str
    previous_status: str | None
    reason: str | None
    late: bool
    occurred_at: datetime
