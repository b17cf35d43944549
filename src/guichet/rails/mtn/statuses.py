"""MTN's words for how orders stand and why they fail, and what they mean to us.

The tables are total over MTN's enumerations and its page of common errors. An unknown status means
waiting, an unknown reason a failure of the provider's, and both a line in the log.
"""

from __future__ import annotations

import logging
import re

from guichet.domain.outcomes import Reason
from guichet.rails.mobile_orders import Progress

_log = logging.getLogger(__name__)
_WORD = re.compile(r"[A-Z0-9_]{1,64}")


STATUSES = {
    "CREATED": Progress.UNDER_WAY,
    "PENDING": Progress.UNDER_WAY,
    "SUCCESSFUL": Progress.COMPLETED,
    "FAILED": Progress.FAILED,
}

REASONS = {
    "PAYEE_NOT_FOUND": Reason.REJECTED,
    "PAYER_NOT_FOUND": Reason.REJECTED,
    "NOT_ALLOWED": Reason.REJECTED,
    "NOT_ALLOWED_TARGET_ENVIRONMENT": Reason.PROVIDER_ERROR,
    "INVALID_CALLBACK_URL_HOST": Reason.PROVIDER_ERROR,
    "INVALID_CURRENCY": Reason.REJECTED,
    "SERVICE_UNAVAILABLE": Reason.PROVIDER_ERROR,
    # MTN's page says that this mostly means a lack of money, too: it is no proof of it.
    "INTERNAL_PROCESSING_ERROR": Reason.PROVIDER_ERROR,
    "NOT_ENOUGH_FUNDS": Reason.INSUFFICIENT_FUNDS,
    "LOW_BALANCE_OR_PAYEE_LIMIT_REACHED_OR_NOT_ALLOWED": Reason.INSUFFICIENT_FUNDS,
    "PAYER_LIMIT_REACHED": Reason.REJECTED,
    "PAYEE_NOT_ALLOWED_TO_RECEIVE": Reason.REJECTED,
    "PAYMENT_NOT_APPROVED": Reason.DECLINED,
    "RESOURCE_NOT_FOUND": Reason.PROVIDER_ERROR,
    "APPROVAL_REJECTED": Reason.DECLINED,
    "EXPIRED": Reason.TIMED_OUT,
    "TRANSACTION_CANCELED": Reason.DECLINED,
    "RESOURCE_ALREADY_EXIST": Reason.PROVIDER_ERROR,
    # "Delay to approve a transaction within the given time frame (5 minutes)".
    "COULD_NOT_PERFORM_TRANSACTION": Reason.TIMED_OUT,
}

#: Answers with a 5xx that are no accident but a no: the order was not taken (common errors).
DENIALS = frozenset(
    {
        "NOT_ALLOWED",
        "NOT_ALLOWED_TARGET_ENVIRONMENT",
        "INVALID_CALLBACK_URL_HOST",
        "INVALID_CURRENCY",
        "PAYEE_NOT_FOUND",
        "PAYER_NOT_FOUND",
        "PAYEE_NOT_ALLOWED_TO_RECEIVE",
    }
)


def progress(status: str) -> Progress:
    """How the order stands; an unknown word is logged and means that it is under way."""
    if status not in STATUSES:
        _log_unknown("status", status)
    return STATUSES.get(status, Progress.UNDER_WAY)


def reason_of(code: str | None) -> Reason:
    """The reason that MTN's code stands for."""
    if code is not None and code not in REASONS:
        _log_unknown("reason", code)
    return REASONS.get(code or "", Reason.PROVIDER_ERROR)


def known_code(code: str | None) -> str | None:
    """The code, if it is a word that may be kept and shown."""
    return code if code is not None and _WORD.fullmatch(code) else None


def _log_unknown(kind: str, word: str) -> None:
    _log.warning("unknown %s of MTN: %s", kind, word if _WORD.fullmatch(word) else "(unprintable)")
