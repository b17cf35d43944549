"""An attempt: one try to collect a payment on one rail, and how it follows the rail's reports."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from guichet.domain.lifecycle import Lifecycle
from guichet.domain.money import Money
from guichet.domain.outcomes import (
    Done,
    Finality,
    NextStep,
    Outcome,
    Reason,
    Redirect,
    Refused,
    ShowCode,
    TakenBack,
    Unknown,
    Waiting,
)

ATTEMPT = Lifecycle(
    "attempt",
    start="starting",
    edges={
        "starting": {
            "waiting": "the rail took the order",
            "done": "the money is here",
            "refused": "known dead",
            "lapsed": "the rail says the time is over",
            "unknown": "no answer",
        },
        "waiting": {
            "done": "the money is here",
            "refused": "known dead",
            "lapsed": "the rail says the time is over",
            "unknown": "no answer to the call that moves money",
        },
        "unknown": {
            "waiting": "the rail knows it, nothing decided",
            "done": "the money is here",
            "refused": "known dead",
            "lapsed": "the rail says the time is over",
        },
        "refused": {"done": "late money"},
        "lapsed": {"done": "late money"},
        "done": {"reversed": "the rail takes it back"},
    },
)

#: The states in which the attempt may still move money; a payment has one such attempt at most.
OPEN_ATTEMPT = frozenset({"starting", "waiting", "unknown"})
#: Money came, and may still come and go; a reversed one stays reversed whatever comes later.
_WITH_MONEY = frozenset({"done", "reversed"})

#: Seconds between looks at the provider while nothing is decided; the last one repeats.
_LOOK_AGAIN_SECONDS = (5, 5, 10, 15, 30, 60, 60, 120, 300, 600, 1800, 3600)
#: An accepted payment is looked at until the money is settled, for as long as this.
_SETTLEMENT_WATCH = timedelta(days=5)


class Attempt(NamedTuple):
    """One try on one rail. Its id, as 32 hexadecimal digits, is the provider's idempotency key.

    ``account_id`` is the application's account at the provider, if it has one of its own;
    ``channel`` and ``payer_phone`` (sealed) say whose handset confirms a mobile-money payment.
    ``memory`` is what the rail asked us to keep, sealed. What the payer has to do next is an
    address to go to (``next_step_url``) or a code to pay with (``next_step_code``).
    ``received_minor`` (of ``received_currency``) is what really came, of which ``placed_minor``
    went to the payment and the rest to suspense; ``returned_minor`` of it was taken back by the
    rail. ``claim`` is the fencing number of the lease that ends at ``claimed_until``.
    """

    id: UUID
    payment_id: UUID
    application_id: UUID
    environment: str
    number: int
    rail: str
    institution_id: int | None
    account_id: UUID | None
    channel: str | None
    payer_phone: bytes | None
    status: str
    provider_reference: str | None
    memory: bytes | None
    next_step_url: str | None
    next_step_code: str | None
    reason: str | None
    code: str | None
    finality: int
    received_minor: int
    received_currency: str | None
    placed_minor: int
    returned_minor: int
    checks_count: int
    next_check_at: datetime | None
    claimed_until: datetime | None
    claim: int
    created_at: datetime
    updated_at: datetime

    @property
    def key(self) -> str:
        """The provider-facing id: fits PIX, Yapily, OBIE, SEPA and, with hyphens, MTN."""
        return self.id.hex


def look_again_at(attempt: Attempt, now: datetime, advice_seconds: float | None) -> datetime | None:
    """When to look at the provider next: its own advice, else growing gaps; None: never again."""
    if attempt.status == "done":
        if attempt.finality >= Finality.SETTLED or now - attempt.created_at > _SETTLEMENT_WATCH:
            return None
    elif attempt.status not in OPEN_ATTEMPT:
        return None
    index = min(attempt.checks_count, len(_LOOK_AGAIN_SECONDS) - 1)
    return now + timedelta(seconds=advice_seconds or _LOOK_AGAIN_SECONDS[index])


def apply(attempt: Attempt, outcome: Outcome, now: datetime) -> Attempt:
    """The attempt after ``outcome``, and when to look again; a closed one may stay as it is.

    No order and no repetition of outcomes moves an attempt backwards: a stale report about a
    closed attempt is ignored, late money is not.
    """
    after = _moved(attempt, outcome)
    if after is attempt and attempt.next_check_at is None:
        return attempt
    if after.status != attempt.status:
        ATTEMPT.check(attempt.status, after.status)
        after = after._replace(updated_at=now, checks_count=0)
    else:
        after = after._replace(checks_count=attempt.checks_count + 1)
    advice = outcome.look_again_seconds if isinstance(outcome, Waiting) else None
    return after._replace(next_check_at=look_again_at(after, now, advice))


def _moved(attempt: Attempt, outcome: Outcome) -> Attempt:
    is_open = attempt.status in OPEN_ATTEMPT
    reference = outcome.provider_reference or attempt.provider_reference
    match outcome:
        case Waiting(next_step=step) if is_open:
            return _directed(attempt, step)._replace(status="waiting", provider_reference=reference)
        case Unknown() if is_open:
            return attempt._replace(status="unknown", provider_reference=reference)
        case Refused(reason=reason, code=code) if is_open:
            return attempt._replace(
                status="lapsed" if reason is Reason.TIMED_OUT else "refused",
                reason=reason.value,
                code=code,
                provider_reference=reference,
            )
        case Done(received=received, finality=finality) if ATTEMPT.allows(attempt.status, "done"):
            return attempt._replace(
                status="done",
                reason=None,
                code=None,
                finality=int(finality),
                received_minor=received.minor,
                received_currency=received.currency,
                provider_reference=reference,
            )
        case Done(received=received, finality=finality) if attempt.status in _WITH_MONEY:
            more = received.currency == attempt.received_currency
            received_minor = max(attempt.received_minor, received.minor if more else 0)
            if received_minor == attempt.received_minor and finality <= attempt.finality:
                return attempt
            return attempt._replace(
                finality=max(attempt.finality, int(finality)), received_minor=received_minor
            )
        case TakenBack(returned=returned, code=code) if attempt.status in _WITH_MONEY:
            returned_minor = _returned_minor(attempt, returned)
            if returned_minor <= attempt.returned_minor:
                return attempt
            ends = returned_minor == attempt.received_minor
            status = "reversed" if ends else attempt.status
            return attempt._replace(status=status, code=code, returned_minor=returned_minor)
        case _:
            return attempt


def _returned_minor(attempt: Attempt, returned: Money | None) -> int:
    """What was taken back so far, as the books can take it: never more than came."""
    if returned is None:
        return attempt.received_minor
    if returned.currency != attempt.received_currency:
        return attempt.returned_minor
    return min(returned.minor, attempt.received_minor)


def _directed(attempt: Attempt, step: NextStep | None) -> Attempt:
    match step:
        case Redirect(url=url):
            return attempt._replace(next_step_url=url)
        case ShowCode(text=text):
            return attempt._replace(next_step_code=text)
        case None:
            return attempt
