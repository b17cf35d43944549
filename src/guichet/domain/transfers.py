"""A transfer: money an application sends, to a beneficiary or to its own bank account (payout)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from guichet.domain import events
from guichet.domain.lifecycle import Lifecycle
from guichet.domain.money import Money
from guichet.domain.outcomes import Done, Outcome, Reason, Refused, TakenBack, Unknown, Waiting

TRANSFER = Lifecycle(
    "transfer",
    start="initiated",
    edges={
        "initiated": {
            "sent": "the rail took the order",
            "completed": "the money arrived",
            "failed": "known dead",
            "cancelled": "withdrawn before the rail was asked, or refused by the checker",
        },
        "sent": {"completed": "the money arrived", "failed": "the rail gave up"},
        "completed": {"returned": "the money came back"},
    },
)
OPEN_TRANSFER = frozenset({"initiated", "sent"})

EVENT_OF_STATUS: Mapping[str, str] = {
    "initiated": events.TRANSFER_CREATED,
    "sent": events.TRANSFER_SENT,
    "completed": events.TRANSFER_COMPLETED,
    "failed": events.TRANSFER_FAILED,
    "cancelled": events.TRANSFER_CANCELLED,
    "returned": events.TRANSFER_RETURNED,
}

#: Seconds between looks at the provider while nothing is decided; the last one repeats.
_LOOK_AGAIN_SECONDS = (2, 5, 10, 30, 60, 300, 900, 3600)


class Transfer(NamedTuple):
    """One transfer. Its id, as 32 hexadecimal digits, is the provider's idempotency key.

    ``purpose`` is ``transfer`` or ``payout``; ``destination`` the JSON of a ``Destination`` as it
    was when the transfer was made; ``fee_minor`` our fee on top of the amount. ``approval`` is
    ``none`` (not asked for), ``wanted``, ``given`` or ``refused``. ``reference`` is the
    merchant's own; ``details`` what the dialect keeps, as JSON. ``claim`` is the fencing number of
    the lease that ends at ``claimed_until``.
    """

    id: UUID
    application_id: UUID
    environment: str
    purpose: str
    beneficiary_id: UUID | None
    bulk_id: UUID | None
    rail: str
    account_id: UUID | None
    channel: str
    destination: str
    amount_minor: int
    fee_minor: int
    currency: str
    status: str
    approval: str
    reason: str | None
    code: str | None
    provider_reference: str | None
    memory: bytes | None
    reference: str | None
    description: str | None
    details: str | None
    checks_count: int
    next_check_at: datetime | None
    claimed_until: datetime | None
    claim: int
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None
    version: int

    @property
    def key(self) -> str:
        """The provider-facing id."""
        return self.id.hex

    @property
    def money(self) -> Money:
        """What the beneficiary is to receive."""
        return Money(self.amount_minor, self.currency)

    @property
    def is_unasked(self) -> bool:
        """Whether certainly no rail was asked: it waits for its checker, or for the worker, who
        has never had its lease.
        """
        waits = self.approval == "wanted" or (self.claim == 0 and self.next_check_at is not None)
        return self.status == TRANSFER.start and waits

    @property
    def total_minor(self) -> int:
        """What the application pays for it."""
        return self.amount_minor + self.fee_minor

    @property
    def account_number(self) -> str:
        """The account that it goes to."""
        number: str = json.loads(self.destination)["account_number"]
        return number

    @property
    def in_flight(self) -> str:
        """The account in which its money waits."""
        return "payouts_in_flight" if self.purpose == "payout" else "transfers_in_flight"


# --- what the books must record ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reserved:
    """The transfer's money is set aside."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The money left."""


@dataclass(frozen=True, slots=True)
class Released:
    """The money is the application's again: it never left."""


@dataclass(frozen=True, slots=True)
class Returned:
    """The money came back after it had left."""


TransferFact = Reserved | Sent | Released | Returned


class TransferStep(NamedTuple):
    """One move of a transfer: the row after it, and what the books record."""

    transfer: Transfer
    facts: tuple[TransferFact, ...]


def apply(transfer: Transfer, outcome: Outcome, now: datetime) -> TransferStep:
    """The transfer after what the rail reported; no order and no repetition moves it twice.

    An unknown outcome leaves its money set aside until the rail knows.
    """
    if outcome.provider_reference is not None:
        transfer = transfer._replace(provider_reference=outcome.provider_reference)
    if transfer.status == "completed" and isinstance(outcome, TakenBack):
        returned = moved(transfer, "returned", outcome.code, now)
        return TransferStep(returned, (Returned(),))
    if transfer.status not in OPEN_TRANSFER:
        return TransferStep(transfer._replace(next_check_at=None), ())
    match outcome:
        case Waiting(look_again_seconds=advice):
            return TransferStep(_again(transfer, "sent", now, advice), ())
        case Unknown() | TakenBack():
            return TransferStep(_again(transfer, transfer.status, now, None), ())
        case Done():
            arrived = moved(transfer, "completed", None, now)
            return TransferStep(arrived._replace(completed_at=now), (Sent(),))
        case Refused(reason=reason, code=code):
            failed = moved(transfer, "failed", code, now)
            return TransferStep(failed._replace(reason=reason.value), (Released(),))


def cancel(transfer: Transfer, reason: Reason, now: datetime) -> TransferStep:
    """Withdraw a transfer that no rail was asked for; raises ``ForbiddenTransition``."""
    cancelled = moved(transfer, "cancelled", None, now)
    return TransferStep(cancelled._replace(reason=reason.value), (Released(),))


def moved(transfer: Transfer, status: str, code: str | None, now: datetime) -> Transfer:
    """The transfer in ``status``; raises ``ForbiddenTransition`` for a move it does not have."""
    TRANSFER.check(transfer.status, status)
    return transfer._replace(
        status=status, code=code, updated_at=now, version=transfer.version + 1, next_check_at=None
    )


def look_again_at(transfer: Transfer, now: datetime, advice_seconds: float | None) -> datetime:
    """When to ask the provider next: its own advice, else growing gaps."""
    index = min(transfer.checks_count, len(_LOOK_AGAIN_SECONDS) - 1)
    return now + timedelta(seconds=advice_seconds or _LOOK_AGAIN_SECONDS[index])


def _again(transfer: Transfer, status: str, now: datetime, advice: float | None) -> Transfer:
    if status != transfer.status:
        transfer = moved(transfer, status, None, now)
    return transfer._replace(
        checks_count=transfer.checks_count + 1, next_check_at=look_again_at(transfer, now, advice)
    )
