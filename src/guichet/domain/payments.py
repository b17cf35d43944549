"""A payment: what the merchant asked for, and how it follows its attempts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from guichet.domain import events
from guichet.domain.attempts import OPEN_ATTEMPT, Attempt
from guichet.domain.errors import Invalid, NotPayable
from guichet.domain.lifecycle import Lifecycle
from guichet.domain.money import Money
from guichet.domain.outcomes import Reason

PAYMENT = Lifecycle(
    "payment",
    start="pending",
    edges={
        "pending": {
            "processing": "an attempt is under way",
            "completed": "the money is here",
            "failed": "no attempt can succeed any more",
            "cancelled": "the merchant withdrew it",
            "expired": "its time is over",
        },
        "processing": {
            "pending": "the attempt was refused, the payer may try again",
            "completed": "the money is here",
            "failed": "the attempt was refused",
            "cancelled": "the merchant withdrew it",
            "expired": "its time is over",
        },
        "failed": {"completed": "late money"},
        "cancelled": {"completed": "late money"},
        "expired": {"completed": "late money"},
        "completed": {"reversed": "the rail takes it back"},
    },
)

OPEN_PAYMENT = frozenset({"pending", "processing"})

#: The rail of a payment whose payer chooses late how to pay: each attempt has its own.
UNDECIDED = "undecided"

#: The event that tells the world about each state.
EVENT_OF_STATUS: Mapping[str, str] = {
    "pending": events.PAYMENT_PENDING,
    "processing": events.PAYMENT_PROCESSING,
    "completed": events.PAYMENT_COMPLETED,
    "failed": events.PAYMENT_FAILED,
    "cancelled": events.PAYMENT_CANCELLED,
    "expired": events.PAYMENT_EXPIRED,
    "reversed": events.PAYMENT_REVERSED,
}


class Payment(NamedTuple):
    """What an application wants to be paid. Amounts in minor units of ``currency``.

    ``fee_minor`` is our fee (the merchant bears it), ``unreleased_minor`` what of the payment is
    still in ``merchant_pending``; ``refunding_minor`` is on its way back to the payer,
    ``refunded_minor`` is there, ``returned_minor`` was taken back by the rail. ``rail`` names how
    it is collected (``open_banking``, ``pix``); ``payer_code`` is what the payer's wallet takes
    (a BR Code's text), once known; ``details`` what the dialect keeps beside this, as JSON;
    ``link_id`` the payment link it was born from, if any; ``fee_rule_id`` the tariff quoted at
    creation, if any.
    """

    id: UUID
    application_id: UUID
    environment: str
    customer_id: UUID
    payee_id: UUID
    fee_rule_id: UUID | None
    rail: str
    institution_id: int | None
    link_id: UUID | None
    country: str | None
    reference: str | None
    amount_minor: int
    currency: str
    fee_minor: int
    unreleased_minor: int
    refunding_minor: int
    refunded_minor: int
    returned_minor: int
    payer_code: str | None
    details: str | None
    status: str
    reason: str | None
    notify_url: str | None
    expires_at: datetime
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None
    release_at: datetime | None
    version: int

    @property
    def money(self) -> Money:
        """What is asked for."""
        return Money(self.amount_minor, self.currency)

    @property
    def refundable_minor(self) -> int:
        """What of a completed payment can still be given back."""
        if self.status != "completed":
            return 0
        gone_minor = self.refunding_minor + self.refunded_minor + self.returned_minor
        return max(self.amount_minor - gone_minor, 0)

    @property
    def reason_is_money(self) -> bool:
        """Whether money came that could not be placed: a person decides, no clock and no payer."""
        return self.reason in {Reason.SHORT, Reason.CURRENCY}


@dataclass(frozen=True, slots=True)
class CustomerDetails:
    """The payer as a payment request names them: ``id`` if the application knows one, else an
    e-mail; ``fields`` are the customer fields sent with a value (see ``CUSTOMER_FIELDS``).
    """

    id: UUID | None
    email: str | None
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NewPayment:
    """A payment as an application asks for it, already checked by the dialect's own rules.

    ``institution_key`` is our number, its digits or the provider's code of the payer's bank; None
    where the rail asks for none. ``request_key`` makes the request repeatable: the same key and
    ``request_hash`` answer the same payment. ``link_id`` is the payment link it is born from.
    """

    rail: str
    institution_key: str | None
    money: Money
    customer: CustomerDetails
    reference: str | None
    notify_url: str | None
    request_key: str | None
    request_hash: bytes | None
    link_id: UUID | None = None


# --- what the books must record ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Completed:
    """The payment's whole amount came in."""


@dataclass(frozen=True, slots=True)
class Placed:
    """The payment's whole amount was taken out of suspense: a person decided."""


@dataclass(frozen=True, slots=True)
class Unplaced:
    """Money came that belongs to no open payment: too little, too much, twice, other currency."""

    money: Money


@dataclass(frozen=True, slots=True)
class Reversed:
    """The rail took ``amount_minor`` of the payment's money back, the whole payment with it or not.

    ``fee_minor`` of it is our fee, ``unreleased_minor`` was still pending, the rest is the
    merchant's, available or not. After parts that the merchant bore alone the last one may be
    less than the fee: the rest is then below zero, and theirs again.
    """

    amount_minor: int
    fee_minor: int
    unreleased_minor: int


@dataclass(frozen=True, slots=True)
class UnplacedReturned:
    """Money that lay in suspense was taken back by the rail."""

    money: Money


@dataclass(frozen=True, slots=True)
class Released:
    """``amount_minor`` of the payment became available to the merchant."""

    amount_minor: int


@dataclass(frozen=True, slots=True)
class RefundReserved:
    """``amount_minor``, of which ``unreleased_minor`` was still pending, is set aside to be given
    back by the refund.
    """

    refund_id: UUID
    amount_minor: int
    unreleased_minor: int


@dataclass(frozen=True, slots=True)
class RefundPaid:
    """What was set aside reached the payer."""

    refund_id: UUID
    amount_minor: int


@dataclass(frozen=True, slots=True)
class RefundReleased:
    """What was set aside is the merchant's again: the refund failed."""

    refund_id: UUID
    amount_minor: int


Fact = (
    Completed
    | Placed
    | Unplaced
    | Reversed
    | UnplacedReturned
    | Released
    | RefundReserved
    | RefundPaid
    | RefundReleased
)


class Step(NamedTuple):
    """One move of a payment: rows after it, what the books record, whether it came late."""

    payment: Payment
    attempt: Attempt
    facts: tuple[Fact, ...]
    late: bool = False


def follow(
    payment: Payment, before: Attempt, after: Attempt, delay: timedelta, now: datetime
) -> Step:
    """How the payment follows its attempt's move from ``before`` to ``after``.

    Reality wins: money that came completes a closed payment (late); money that fits no open
    payment goes to suspense. ``delay`` is how long completed money stays pending.
    """
    if after.next_step_code != payment.payer_code and after.status in OPEN_ATTEMPT:
        payment = moved(payment, payment.status, payment.reason, now)._replace(
            payer_code=after.next_step_code
        )
    match after.status:
        case "done" | "reversed" if after.returned_minor > before.returned_minor:
            return _taken_back(payment, before, after, now)
        case "done" if before.status != "done":
            return _received(payment, after, delay, now)
        case "done" | "reversed" if after.received_minor > before.received_minor:
            assert after.received_currency is not None
            more = Money(after.received_minor - before.received_minor, after.received_currency)
            return Step(payment, after, (Unplaced(more),))
        case same if same == before.status:
            return Step(payment, after, ())
        case "refused" if payment.status in OPEN_PAYMENT:
            retry = after.reason == Reason.NOT_STARTED
            status = "pending" if retry else "failed"
            return Step(moved(payment, status, after.reason, now), after, ())
        case "lapsed" if payment.status in OPEN_PAYMENT:
            return Step(moved(payment, "expired", Reason.TIMED_OUT, now), after, ())
        case status if status in OPEN_ATTEMPT and payment.status == "pending":
            return Step(moved(payment, "processing", None, now), after, ())
        case _:
            return Step(payment, after, ())


def _received(payment: Payment, attempt: Attempt, delay: timedelta, now: datetime) -> Step:
    assert attempt.received_currency is not None  # the table's constraint says the same
    received = Money(attempt.received_minor, attempt.received_currency)
    if received.currency != payment.currency or received.minor < payment.amount_minor:
        reason = Reason.SHORT if received.currency == payment.currency else Reason.CURRENCY
        if payment.status in OPEN_PAYMENT:
            payment = moved(payment, "processing", reason, now)
        return Step(payment, attempt, (Unplaced(received),))
    if not PAYMENT.allows(payment.status, "completed"):  # completed already, or taken back since
        return Step(payment, attempt, (Unplaced(received),))
    facts: list[Fact] = [Completed()]
    if received.minor > payment.amount_minor:
        facts.append(Unplaced(Money(received.minor - payment.amount_minor, payment.currency)))
    return _completed(payment, attempt, facts, delay, now)


def place(payment: Payment, attempt: Attempt, delay: timedelta, now: datetime) -> Step:
    """Complete the payment with what its attempt has in suspense: a person has decided so.

    Raises ``NotPayable`` for a payment that cannot complete, ``Invalid`` for money of another
    currency (``currency``) and for less than its amount (``amount``).
    """
    if not PAYMENT.allows(payment.status, "completed"):
        raise NotPayable(payment.status)
    if attempt.received_currency != payment.currency:
        raise Invalid("currency", "currency")
    if unplaced_minor(payment, attempt) < payment.amount_minor:
        raise Invalid("amount", "short")
    return _completed(payment, attempt, [Placed()], delay, now)


def unplaced_minor(payment: Payment, attempt: Attempt) -> int:
    """What of the attempt's money lies in suspense."""
    placed_returned_minor = payment.returned_minor if attempt.placed_minor else 0
    unplaced_returned_minor = attempt.returned_minor - placed_returned_minor
    return attempt.received_minor - attempt.placed_minor - unplaced_returned_minor


def _completed(
    payment: Payment, attempt: Attempt, facts: list[Fact], delay: timedelta, now: datetime
) -> Step:
    """The payment with its whole amount, as ``facts`` say; pending for ``delay``."""
    late = payment.status not in OPEN_PAYMENT
    net_minor = payment.amount_minor - payment.fee_minor
    if not delay and net_minor:
        facts.append(Released(net_minor))
    pends = bool(delay and net_minor)
    payment = moved(payment, "completed", None, now)._replace(
        completed_at=now,
        unreleased_minor=net_minor if pends else 0,
        release_at=now + delay if pends else None,
    )
    return Step(payment, attempt._replace(placed_minor=payment.amount_minor), tuple(facts), late)


def _taken_back(payment: Payment, before: Attempt, after: Attempt, now: datetime) -> Step:
    """What was never placed goes first; the fee goes back with the last of the whole payment.

    A payment that waited for a person to decide about its money fails once that is all gone.
    """
    assert after.received_currency is not None
    facts: list[Fact] = []
    taken_minor = after.returned_minor - before.returned_minor
    former = after._replace(returned_minor=before.returned_minor)
    from_suspense_minor = min(taken_minor, unplaced_minor(payment, former))
    if from_suspense_minor:
        facts.append(UnplacedReturned(Money(from_suspense_minor, after.received_currency)))
    part_minor = taken_minor - from_suspense_minor
    ends = after.status == "reversed"
    if part_minor:
        fee_minor = payment.fee_minor if ends else 0
        unreleased_minor = min(max(part_minor - fee_minor, 0), payment.unreleased_minor)
        facts.append(Reversed(part_minor, fee_minor, unreleased_minor))
        status = "reversed" if ends else payment.status
        reason = Reason.REJECTED if ends else payment.reason
        payment = moved(payment, status, reason, now)
        payment = unpended(payment, unreleased_minor)._replace(
            returned_minor=payment.returned_minor + part_minor
        )
    elif ends and payment.reason_is_money and payment.status in OPEN_PAYMENT:
        payment = moved(payment, "failed", Reason.REJECTED, now)
    return Step(payment, after, tuple(facts))


def unpended(payment: Payment, minor: int) -> Payment:
    """The payment with ``minor`` less in ``merchant_pending``; nothing left, nothing to release."""
    left_minor = payment.unreleased_minor - minor
    return payment._replace(
        unreleased_minor=left_minor, release_at=payment.release_at if left_minor else None
    )


def moved(payment: Payment, status: str, reason: str | None, now: datetime) -> Payment:
    """The payment in ``status``; raises ``ForbiddenTransition`` for a move it does not have."""
    if payment.status != status:
        PAYMENT.check(payment.status, status)
    return payment._replace(
        status=status,
        reason=str(reason) if reason else None,
        updated_at=now,
        version=payment.version + 1,
    )


def release(payment: Payment, now: datetime) -> tuple[Payment, Released]:
    """Make what is pending of a completed payment available to the merchant."""
    released = Released(payment.unreleased_minor)
    after = payment._replace(
        unreleased_minor=0, release_at=None, updated_at=now, version=payment.version + 1
    )
    return after, released
