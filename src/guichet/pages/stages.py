"""Where a payment stands for its payer: one word, from which the page is chosen."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from guichet.domain.attempts import OPEN_ATTEMPT, Attempt
from guichet.domain.payments import UNDECIDED, Payment


class Stage(StrEnum):
    """Each names the template that shows it."""

    READY = "ready"  # the payer may start, or start again
    CONNECTING = "connecting"  # started; the bank's address or the code is not known yet
    AT_BANK = "at_bank"  # started; the bank waits for the payer
    SCAN = "scan"  # started; the payer pays by the code that is shown
    CHOOSE = "choose"  # the payer says whose handset pays, or says so again
    CONFIRM = "confirm"  # started; the payer's handset asks for a PIN
    CHECKING = "checking"  # the payer came back, or nobody knows: we are asking
    MISMATCHED = "mismatched"  # money came, but not this amount of this currency
    COMPLETED = "completed"
    REVERSED = "reversed"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    CLOSED = "closed"  # nothing is under way, and its payment link is no longer open


#: The stages that change by themselves: their pages look again after this many seconds.
WATCHED_SECONDS = {
    Stage.CONNECTING: 2,
    Stage.AT_BANK: 5,
    Stage.SCAN: 2,
    Stage.CONFIRM: 2,
    Stage.CHECKING: 2,
    Stage.MISMATCHED: 30,
}
#: Without script a page can only load itself again, which takes away what is being copied from it.
REFRESH_SECONDS = WATCHED_SECONDS | {Stage.SCAN: 20}

_CLOSED = {
    "completed": Stage.COMPLETED,
    "reversed": Stage.REVERSED,
    "failed": Stage.REFUSED,
    "cancelled": Stage.CANCELLED,
    "expired": Stage.EXPIRED,
}


def stage_of(
    payment: Payment,
    attempt: Attempt | None,
    *,
    returned: bool,
    now: datetime,
    link_state: str | None = None,
) -> Stage:
    """The stage of ``payment``; ``returned`` says that the payer came back from the bank, and
    ``link_state`` how its payment link stands, if it was born from one.

    Never says that a payment failed while money may still be moving for it.
    """
    closed = _CLOSED.get(payment.status)
    if closed is not None:
        return closed
    if payment.reason_is_money:
        return Stage.MISMATCHED
    if attempt is not None and attempt.status in OPEN_ATTEMPT:
        in_time = now < payment.expires_at
        return _under_way(attempt, returned=returned, in_time=in_time)
    if payment.status == "processing":
        return Stage.CHECKING
    if now >= payment.expires_at:
        return Stage.EXPIRED
    if link_state not in {None, "open"}:
        return Stage.CLOSED
    return Stage.CHOOSE if payment.rail == UNDECIDED else Stage.READY


def _under_way(attempt: Attempt, *, returned: bool, in_time: bool) -> Stage:
    if attempt.payer_phone is not None:
        return Stage.CONFIRM if in_time else Stage.CHECKING
    if attempt.next_step_code is not None:
        return Stage.SCAN if in_time else Stage.CHECKING
    if attempt.next_step_url is None:
        return Stage.CONNECTING
    waits = attempt.status == "waiting" and not returned
    return Stage.AT_BANK if waits else Stage.CHECKING


def fingerprint(payment: Payment, attempt: Attempt | None) -> str:
    """Changes whenever the payer's page may have to: what its script compares."""
    if attempt is None:
        return f"{payment.version}"
    step = "known" if attempt.next_step_url or attempt.next_step_code else "unknown"
    return f"{payment.version}-{attempt.number}-{attempt.status}-{step}"
