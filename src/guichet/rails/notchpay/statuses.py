"""Notch Pay's words for how orders stand and why they fail, and what they mean to us.

The tables are total over the documents of three generations and what was seen in answers
(contract, 15). An unknown status means waiting, an unknown reason a failure of the provider's, and
both a line in the log.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping

from guichet.domain.outcomes import Reason
from guichet.rails.mobile_orders import Progress

_log = logging.getLogger(__name__)
_WORD = re.compile(r"[A-Za-z0-9_-]{1,64}")

PAYMENTS: Mapping[str, Progress] = {
    "pending": Progress.UNTOUCHED,
    "processing": Progress.UNDER_WAY,
    "incomplete": Progress.UNDER_WAY,
    "hold": Progress.UNDER_WAY,
    "complete": Progress.COMPLETED,
    # Money came, and by a refund that we asked for, it went.
    "refunded": Progress.COMPLETED,
    "partialy-refunded": Progress.COMPLETED,
    "partially-refunded": Progress.COMPLETED,
    "failed": Progress.FAILED,
    "rejected": Progress.FAILED,
    "canceled": Progress.FAILED,
    "cancelled": Progress.FAILED,
    "abandoned": Progress.FAILED,
    "expired": Progress.FAILED,
}
TRANSFERS: Mapping[str, Progress] = {
    "pending": Progress.UNDER_WAY,
    "processing": Progress.UNDER_WAY,
    "sent": Progress.UNDER_WAY,
    "complete": Progress.COMPLETED,
    "failed": Progress.FAILED,
    "rejected": Progress.FAILED,
    "canceled": Progress.FAILED,
    "cancelled": Progress.FAILED,
    "expired": Progress.FAILED,
    "reversed": Progress.REVERSED,
}
REFUNDS: Mapping[str, Progress] = {
    "pending": Progress.UNDER_WAY,
    "processing": Progress.UNDER_WAY,
    "complete": Progress.COMPLETED,
    "failed": Progress.FAILED,
    "rejected": Progress.FAILED,
    "canceled": Progress.FAILED,
}

#: Why, where the status itself says it.
_REASONS_OF_STATUSES = {
    "rejected": Reason.REJECTED,
    "canceled": Reason.DECLINED,
    "cancelled": Reason.DECLINED,
    "abandoned": Reason.ABANDONED,
    "expired": Reason.TIMED_OUT,
}
REASONS = {
    "INVALID_PHONE": Reason.REJECTED,
    "UNREGISTERED_PHONE": Reason.REJECTED,
    "INSUFFICIENT_BALANCE": Reason.INSUFFICIENT_FUNDS,
    "INSUFFICIENT_FUNDS": Reason.INSUFFICIENT_FUNDS,
    "TIMEOUT": Reason.TIMED_OUT,
    "CANCELLED_BY_USER": Reason.DECLINED,
    "PROVIDER_ERROR": Reason.PROVIDER_ERROR,
}


def progress(status: str, words: Mapping[str, Progress]) -> Progress:
    """How the order stands; an unknown word is logged and means that it is under way."""
    found = words.get(status.lower())
    if found is None:
        _log_unknown("status", status)
        return Progress.UNDER_WAY
    return found


def reason_of(status: str, why: str | None) -> Reason:
    """The reason that a status, and the word beside it, stand for."""
    found = _REASONS_OF_STATUSES.get(status.lower())
    if found is not None or not why:
        return found or Reason.PROVIDER_ERROR
    word = why.strip().upper().replace(" ", "_")
    if word not in REASONS:
        _log_unknown("reason", why)
    return REASONS.get(word, Reason.PROVIDER_ERROR)


def code_of(status: str, why: str | None) -> str | None:
    """The word that is kept as evidence: the reason, or else the status."""
    return next((word for word in (why, status) if word and _WORD.fullmatch(word)), None)


def _log_unknown(kind: str, word: str) -> None:
    shown = word if _WORD.fullmatch(word) else "(unprintable)"
    _log.warning("unknown %s of Notch Pay: %s", kind, shown)
