"""Notch Pay's words for the core's states (contract 15): total, both ways."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from guichet.domain.outcomes import Reason
from guichet.domain.payments import PAYMENT
from guichet.domain.refunds import REFUND
from guichet.domain.transfers import TRANSFER

_PAYMENT = {
    "pending": "pending",
    "processing": "processing",
    "completed": "complete",
    "failed": "failed",
    "cancelled": "canceled",
    "expired": "expired",
    "reversed": "failed",
}
#: A payer who said no at the prompt cancelled; a prompt that nobody answered expired.
_FAILED_BECAUSE = {Reason.DECLINED.value: "canceled", Reason.TIMED_OUT.value: "expired"}
_TRANSFER = {
    "initiated": "pending",
    "sent": "processing",
    "completed": "complete",
    "failed": "failed",
    "cancelled": "canceled",
    "returned": "failed",
}
_REFUND = {
    "initiated": "pending",
    "sent": "processing",
    "completed": "complete",
    "failed": "failed",
}
#: The guides' words for why a payment failed (contract 15.1), as far as they have any.
_FAILURES = {
    Reason.DECLINED: "CANCELLED_BY_USER",
    Reason.REJECTED: "PROVIDER_ERROR",
    Reason.INSUFFICIENT_FUNDS: "INSUFFICIENT_BALANCE",
    Reason.TIMED_OUT: "TIMEOUT",
    Reason.ABANDONED: "TIMEOUT",
    Reason.NOT_STARTED: "PROVIDER_ERROR",
    Reason.PROVIDER_ERROR: "PROVIDER_ERROR",
    Reason.SHORT: "PROVIDER_ERROR",
    Reason.CURRENCY: "PROVIDER_ERROR",
    Reason.WITHDRAWN: None,
}
#: Every word that a state, or a reason, has on the wire.
PAYMENT_WORDS = tuple(dict.fromkeys(_PAYMENT.values()))
TRANSFER_WORDS = tuple(dict.fromkeys(_TRANSFER.values()))
REFUND_WORDS = tuple(dict.fromkeys(_REFUND.values()))
FAILURE_WORDS = tuple(dict.fromkeys(filter(None, _FAILURES.values())))
#: Spellings that clients use for the same words.
_ALIASES = {"cancelled": "canceled", "completed": "complete", "success": "complete"}


def payment_word(status: str, reason: str | None) -> str:
    """The word for a payment's state."""
    if status == "failed" and reason in _FAILED_BECAUSE:
        return _FAILED_BECAUSE[reason]
    return _PAYMENT[status]


def failure_word(status: str, reason: str | None) -> str | None:
    """Why a payment ended without money; None for one that did not, or that nobody tried."""
    if reason is None or status not in {"failed", "expired", "reversed"}:
        return None
    return _FAILURES[Reason(reason)]


def transfer_word(status: str) -> str:
    """The word for a transfer's state."""
    return _TRANSFER[status]


def refund_word(status: str) -> str:
    """The word for a refund's state."""
    return _REFUND[status]


def payment_states(word: str) -> tuple[tuple[str, str], ...]:
    """The (status, reason) pairs behind a word, ``""`` being no reason; none if it is unknown."""
    word = _known(word)
    return tuple(
        (status, str(reason))
        for status in PAYMENT.states
        for reason in ("", *Reason)
        if payment_word(status, str(reason)) == word
    )


def transfer_states(word: str) -> tuple[str, ...]:
    """The states of transfers behind a word."""
    return _behind(word, TRANSFER.states, transfer_word)


def refund_states(word: str) -> tuple[str, ...]:
    """The states of refunds behind a word."""
    return _behind(word, REFUND.states, refund_word)


def _behind(word: str, states: Sequence[str], say: Callable[[str], str]) -> tuple[str, ...]:
    return tuple(state for state in states if say(state) == _known(word))


def _known(word: str) -> str:
    word = word.strip().lower()
    return _ALIASES.get(word, word)
