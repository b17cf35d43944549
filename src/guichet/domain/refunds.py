"""A refund: money of a completed payment given back to its payer, wholly or in parts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from guichet.domain import events
from guichet.domain.errors import NotRefundable
from guichet.domain.lifecycle import Lifecycle
from guichet.domain.money import Money
from guichet.domain.outcomes import Done, Outcome, Refused, TakenBack, Unknown, Waiting
from guichet.domain.payments import (
    Fact,
    Payment,
    RefundPaid,
    RefundReleased,
    RefundReserved,
    moved,
    unpended,
)

REFUND = Lifecycle(
    "refund",
    start="initiated",
    edges={
        "initiated": {
            "sent": "the rail took it",
            "completed": "the payer has the money",
            "failed": "known dead",
        },
        "sent": {"completed": "the payer has the money", "failed": "the rail gave up"},
    },
)
OPEN_REFUND = frozenset({"initiated", "sent"})

EVENT_OF_STATUS: Mapping[str, str] = {
    "initiated": events.REFUND_CREATED,
    "completed": events.REFUND_COMPLETED,
    "failed": events.REFUND_FAILED,
}

#: Seconds between looks at the provider while nothing is decided; the last one repeats.
_LOOK_AGAIN_SECONDS = (2, 5, 10, 30, 60, 300, 900, 3600)


class Refund(NamedTuple):
    """One refund. Its id, as 32 hexadecimal digits, is the provider's id of it.

    ``attempt_id`` names the attempt by which the money had come. ``claim`` is the fencing number
    of the lease that ends at ``claimed_until``. ``note`` is why the merchant gives the money back.
    """

    id: UUID
    payment_id: UUID
    attempt_id: UUID
    application_id: UUID
    environment: str
    rail: str
    amount_minor: int
    currency: str
    status: str
    reason: str | None
    code: str | None
    provider_reference: str | None
    checks_count: int
    next_check_at: datetime | None
    claimed_until: datetime | None
    claim: int
    created_at: datetime
    updated_at: datetime
    note: str | None = None

    @property
    def key(self) -> str:
        """The provider-facing id."""
        return self.id.hex

    @property
    def money(self) -> Money:
        """What is given back."""
        return Money(self.amount_minor, self.currency)


class RefundStep(NamedTuple):
    """One move of a refund: the rows after it, and what the books record."""

    payment: Payment
    refund: Refund
    facts: tuple[Fact, ...]


def reserve(
    payment: Payment, refund: Refund, window: timedelta | None, now: datetime
) -> RefundStep:
    """Set the refund's money aside; raises ``NotRefundable``.

    ``window`` is how long after completion the rail gives money back; None: it never does.
    """
    if window is None:
        raise NotRefundable("rail", "this rail cannot give money back")
    if payment.status != "completed" or payment.completed_at is None:
        raise NotRefundable("status", f"the payment is {payment.status}")
    if now - payment.completed_at > window:
        raise NotRefundable("window", f"the payment completed more than {window.days} days ago")
    if not 0 < refund.amount_minor <= payment.refundable_minor:
        left = Money(payment.refundable_minor, payment.currency).text()
        raise NotRefundable("amount", f"{left} {payment.currency} of the payment can be refunded")
    unreleased_minor = min(refund.amount_minor, payment.unreleased_minor)
    reserved = RefundReserved(refund.id, refund.amount_minor, unreleased_minor)
    payment = unpended(moved(payment, payment.status, payment.reason, now), unreleased_minor)
    payment = payment._replace(refunding_minor=payment.refunding_minor + refund.amount_minor)
    return RefundStep(payment, refund, (reserved,))


def apply(payment: Payment, refund: Refund, outcome: Outcome, now: datetime) -> RefundStep:
    """The refund, and its payment, after what the rail reported. A closed one stays as it is.

    An unknown outcome leaves the money set aside until the rail knows.
    """
    if refund.status not in OPEN_REFUND:
        return RefundStep(payment, refund._replace(next_check_at=None), ())
    reference = outcome.provider_reference or refund.provider_reference
    refund = refund._replace(provider_reference=reference)
    match outcome:
        case Waiting(look_again_seconds=advice):
            return RefundStep(payment, _again(refund, "sent", now, advice), ())
        case Unknown() | TakenBack():
            return RefundStep(payment, _again(refund, refund.status, now, None), ())
        case Done():
            payment = payment._replace(refunded_minor=payment.refunded_minor + refund.amount_minor)
            paid = RefundPaid(refund.id, refund.amount_minor)
            return _closed(payment, refund, "completed", paid, now)
        case Refused(reason=reason, code=code):
            refund = refund._replace(reason=reason.value, code=code)
            released = RefundReleased(refund.id, refund.amount_minor)
            return _closed(payment, refund, "failed", released, now)


def look_again_at(refund: Refund, now: datetime, advice_seconds: float | None) -> datetime:
    """When to ask the provider next: its own advice, else growing gaps."""
    index = min(refund.checks_count, len(_LOOK_AGAIN_SECONDS) - 1)
    return now + timedelta(seconds=advice_seconds or _LOOK_AGAIN_SECONDS[index])


def _again(refund: Refund, status: str, now: datetime, advice: float | None) -> Refund:
    if status != refund.status:
        REFUND.check(refund.status, status)
        refund = refund._replace(status=status, updated_at=now)
    return refund._replace(
        checks_count=refund.checks_count + 1, next_check_at=look_again_at(refund, now, advice)
    )


def _closed(payment: Payment, refund: Refund, status: str, fact: Fact, now: datetime) -> RefundStep:
    REFUND.check(refund.status, status)
    payment = moved(payment, payment.status, payment.reason, now)._replace(
        refunding_minor=payment.refunding_minor - refund.amount_minor
    )
    refund = refund._replace(status=status, updated_at=now, next_check_at=None)
    return RefundStep(payment, refund, (fact,))
