"""GSMA's words for how orders stand and why they fail, and what they mean to us.

The tables are total over the enumerations of GSMA's file (a test compares them).
``transactionStatus`` is free text: words that operators are known to use stand in a table, an
unknown one means waiting, and a line in the log.
"""

from __future__ import annotations

import logging
import re

from guichet.domain.outcomes import Reason
from guichet.rails.gsma.wire import Problem
from guichet.rails.mobile_orders import Progress

_log = logging.getLogger(__name__)
_WORD = re.compile(r"[A-Za-z0-9_-]{1,64}")


STATES = {
    "pending": Progress.UNDER_WAY,
    "completed": Progress.COMPLETED,
    "failed": Progress.FAILED,
}
TRANSACTIONS = {
    "pending": Progress.UNDER_WAY,
    "processing": Progress.UNDER_WAY,
    "initiated": Progress.UNDER_WAY,
    "completed": Progress.COMPLETED,
    "successful": Progress.COMPLETED,
    "success": Progress.COMPLETED,
    "failed": Progress.FAILED,
    "rejected": Progress.FAILED,
    "expired": Progress.FAILED,
    "cancelled": Progress.FAILED,
    "canceled": Progress.FAILED,
    "reversed": Progress.REVERSED,
}

CODES = {
    "genericError": Reason.PROVIDER_ERROR,
    "dailyVolumeLimitExceeded": Reason.REJECTED,
    "dailyValueLimitExceeded": Reason.REJECTED,
    "weeklyVolumeLimitExceeded": Reason.REJECTED,
    "weeklyValueLimitExceeded": Reason.REJECTED,
    "monthlyVolumeLimitExceeded": Reason.REJECTED,
    "monthlyValueLimitExceeded": Reason.REJECTED,
    "accountMaxTotalVolumeExceeded": Reason.REJECTED,
    "accountMaxTotalValueExceeded": Reason.REJECTED,
    "lessThanTransactionMinValue": Reason.REJECTED,
    "greaterThanTransactionMaxValue": Reason.REJECTED,
    "maxBalanceExceeded": Reason.REJECTED,
    "samePartiesError": Reason.REJECTED,
    "duplicateRequest": Reason.PROVIDER_ERROR,
    "insufficientFunds": Reason.INSUFFICIENT_FUNDS,
    "incorrectState": Reason.REJECTED,
    "underPaymentNotAllowed": Reason.REJECTED,
    "overPaymentNotAllowed": Reason.REJECTED,
    "rateLimitError": Reason.PROVIDER_ERROR,
    "transactionTypeError": Reason.REJECTED,
    "noMandateAuthority": Reason.REJECTED,
    "linkViolation": Reason.REJECTED,
    "countryofOriginNotPermitted": Reason.REJECTED,
    "nationalityNotPermitted": Reason.REJECTED,
    "idDocumentNotSupported": Reason.REJECTED,
    "issuingCountryNotSupported": Reason.REJECTED,
    "quoteHasExpired": Reason.REJECTED,
    "identifierError": Reason.REJECTED,
    "lengthError": Reason.PROVIDER_ERROR,
    "formatError": Reason.PROVIDER_ERROR,
    "negativeValue": Reason.PROVIDER_ERROR,
    "currencyNotSupported": Reason.REJECTED,
    "mandatoryValueNotSupplied": Reason.PROVIDER_ERROR,
    "invalidOffset": Reason.PROVIDER_ERROR,
    "clientAuthorisationError": Reason.PROVIDER_ERROR,
    "requestDeclined": Reason.DECLINED,
    "servicingPartyAuthorisationError": Reason.REJECTED,
    "requestingPartyAuthorisationError": Reason.REJECTED,
}

#: GSMA has no code for a payer who did not act in time, nor for one who gave up: operators say so
#: in words, or by a code of their own.
_IN_WORDS = (
    (re.compile(r"expire|time.?out|timed out|in time", re.IGNORECASE), Reason.TIMED_OUT),
    (re.compile(r"cancel", re.IGNORECASE), Reason.DECLINED),
)


def progress(status: str, words: dict[str, Progress]) -> Progress:
    """How the order stands; an unknown word is logged and means that it is under way."""
    found = words.get(status.lower())
    if found is None:
        _log_unknown("status", status)
        return Progress.UNDER_WAY
    return found


def reason_of(problem: Problem | None) -> Reason:
    """The reason that an error stands for."""
    if problem is None:
        return Reason.PROVIDER_ERROR
    if problem.error_code not in CODES:
        _log_unknown("error", problem.error_code)
    reason = CODES.get(problem.error_code, Reason.PROVIDER_ERROR)
    if problem.error_code == "genericError":
        values = [each.value for each in problem.error_parameters or ()]
        text = " ".join([problem.errordescription or "", *values])
        return next((found for pattern, found in _IN_WORDS if pattern.search(text)), reason)
    return reason


def code_of(problem: Problem | None) -> str | None:
    """The code that is kept as evidence: the operator's own where GSMA's says nothing."""
    if problem is None:
        return None
    own = [each.value for each in problem.error_parameters or () if each.key == "providerErrorCode"]
    code = own[0] if own and problem.error_code == "genericError" else problem.error_code
    return code if _WORD.fullmatch(code) else None


def _log_unknown(kind: str, word: str) -> None:
    _log.warning("unknown %s of GSMA: %s", kind, word if _WORD.fullmatch(word) else "(unprintable)")
