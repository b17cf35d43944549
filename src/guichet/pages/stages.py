"""Where a payment stands for its payer: one word, from which the page is chosen."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from guichet.domain.attempts import OPEN_ATTEMPT, Attempt
from guichet.domain.payments import Payment


class Stage(StrEnum):
    """Each names the template that shows it."""

    READY = "ready"  # the payer may start, or start again
    CONNECTING = "connecting"  # started; the bank's address is not known yet
    AT_BANK = "at_bank"  # started; the bank waits for the payer
    CHECKING = "checking"  # the payer came back, or nobody knows: we are asking
    MISMATCHED = "mismatched"  # money came, but not this amount of this currency
    COMPLETED = "completed"
    REVERSED = "reversed"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


#: The stages that change by themselves: their pages look again after this many seconds.
WATCHED_SECONDS = {Stage.CONNECTING: 2, Stage.AT_BANK: 5, Stage.CHECKING: 2, Stage.MISMATCHED: 30}

_CLOSED = {
    "completed": Stage.COMPLETED,
    "reversed": Stage.REVERSED,
    "failed": Stage.REFUSED,
    "cancelled": Stage.CANCELLED,
    "expired": Stage.EXPIRED,
}


def stage_of(payment: Payment, attempt: Attempt | None, *, returned: bool, now: datetime) -> Stage:
    """The stage of ``payment``; ``returned`` says that the payer came back from the bank.

    Never says that a payment failed while money may still be moving for it.
    """
    closed = _CLOSED.get(payment.status)
    if closed is not None:
        return closed
    if payment.reason_is_money:
        return Stage.MISMATCHED
    if attempt is not None and attempt.status in OPEN_ATTEMPT:
        if attempt.next_step_url is None:
            return Stage.CONNECTING
        waits = attempt.status == "waiting" and not returned
        return Stage.AT_BANK if waits else Stage.CHECKING
    if payment.status == "processing":
        return Stage.CHECKING
    return Stage.EXPIRED if now >= payment.expires_at else Stage.READY


def fingerprint(payment: Payment, attempt: Attempt | None) -> str:
    """Changes whenever the payer's page may have to: what its script compares."""
    if attempt is None:
        return f"{payment.version}"
    address = "known" if attempt.next_step_url else "unknown"
    return f"{payment.version}-{attempt.number}-{attempt.status}-{address}"
