"""Yapily's words for consents, payments and reasons, and what they mean to us.

The tables are total over the enumerations of Yapily's file (a test compares them). Yapily counts a
new word as a compatible change: an unknown one means waiting, and a line in the log.
"""

from __future__ import annotations

import logging
import re
from enum import Enum, auto

from guichet.domain.outcomes import Reason
from guichet.rails.yapily.wire import Payment

_log = logging.getLogger(__name__)
_WORD = re.compile(r"[A-Z0-9_]{1,48}")
#: An ISO 20022 status reason: AC04, AM04, CUST. In running text only those with digits are sure.
_CODE = re.compile(r"[A-Z]{2}[0-9A-Z]{2}")
_CODE_IN_TEXT = re.compile(r"\b[A-Z]{2}[0-9]{2}\b")


class Standing(Enum):
    """How a consent stands."""

    AWAITING = auto()
    AUTHORISED = auto()
    CONSUMED = auto()  # a payment was made with it
    DECLINED = auto()
    REVOKED = auto()
    FAILED = auto()
    EXPIRED = auto()


CONSENTS = {
    "AWAITING_AUTHORIZATION": Standing.AWAITING,
    "AWAITING_FURTHER_AUTHORIZATION": Standing.AWAITING,
    "AWAITING_RE_AUTHORIZATION": Standing.AWAITING,
    "AWAITING_DECOUPLED_PRE_AUTHORIZATION": Standing.AWAITING,
    "AWAITING_PRE_AUTHORIZATION": Standing.AWAITING,
    "AWAITING_DECOUPLED_AUTHORIZATION": Standing.AWAITING,
    "AWAITING_SCA_METHOD": Standing.AWAITING,
    "AWAITING_SCA_CODE": Standing.AWAITING,
    "PRE_AUTHORIZED": Standing.AWAITING,
    "UNKNOWN": Standing.AWAITING,
    "AUTHORIZED": Standing.AUTHORISED,
    "CONSUMED": Standing.CONSUMED,
    "REJECTED": Standing.DECLINED,
    "REVOKED": Standing.REVOKED,
    "FAILED": Standing.FAILED,
    "INVALID": Standing.FAILED,
    "EXPIRED": Standing.EXPIRED,
}

#: Why an attempt whose consent stands like this is dead.
DEAD_CONSENTS = {
    Standing.DECLINED: Reason.DECLINED,
    Standing.REVOKED: Reason.DECLINED,
    Standing.FAILED: Reason.PROVIDER_ERROR,
    Standing.EXPIRED: Reason.TIMED_OUT,
}


class Verdict(Enum):
    """What a payment's status comes to."""

    WAITING = auto()
    ACCEPTED = auto()  # the payer's bank carries it out, or has
    SETTLED = auto()  # it is on the payee's account
    REJECTED = auto()
    FAILED = auto()
    DECLINED = auto()
    EXPIRED = auto()


ISO_STATUSES = {
    "RCVD": Verdict.WAITING,
    "PDNG": Verdict.WAITING,
    "ACTC": Verdict.WAITING,
    "ACCP": Verdict.WAITING,
    "ACCO": Verdict.WAITING,
    "ACFC": Verdict.WAITING,
    "ACSP": Verdict.WAITING,
    "ACWC": Verdict.WAITING,
    "PATC": Verdict.WAITING,
    "PART": Verdict.WAITING,
    "ACSC": Verdict.ACCEPTED,
    "ACWP": Verdict.ACCEPTED,
    "ACCC": Verdict.SETTLED,
    "RJCT": Verdict.REJECTED,
    "BLCK": Verdict.REJECTED,
    "CANC": Verdict.DECLINED,
}

PAYMENT_STATUSES = {
    "PENDING": Verdict.WAITING,
    "ACTIVE": Verdict.WAITING,
    "UNKNOWN": Verdict.WAITING,
    "COMPLETED": Verdict.ACCEPTED,
    "COMPLETED_SETTLEMENT_IN_PROCESS": Verdict.ACCEPTED,
    "FAILED": Verdict.FAILED,
    "DECLINED": Verdict.DECLINED,
    "INACTIVE": Verdict.DECLINED,
    "EXPIRED": Verdict.EXPIRED,
}

#: Why a payment with this verdict is dead, unless its reason code says better.
DEAD_PAYMENTS = {
    Verdict.REJECTED: Reason.REJECTED,
    Verdict.FAILED: Reason.PROVIDER_ERROR,
    Verdict.DECLINED: Reason.DECLINED,
    Verdict.EXPIRED: Reason.TIMED_OUT,
}

#: ISO 20022 reason codes that are not simply the bank's refusal.
_REASONS = {
    "AM04": Reason.INSUFFICIENT_FUNDS,
    "CUST": Reason.DECLINED,
    "DS02": Reason.DECLINED,
    "MS02": Reason.DECLINED,
}


def standing(status: str) -> Standing:
    """How the consent stands; an unknown word is logged and means that it is awaited."""
    if status not in CONSENTS:
        _log_unknown("consent status", status)
    return CONSENTS.get(status, Standing.AWAITING)


def verdict(payment: Payment) -> Verdict:
    """What the payment's status comes to, by its ISO 20022 status where there is one we know."""
    details = payment.status_details
    iso = details.iso_status.code if details and details.iso_status else None
    if iso in ISO_STATUSES:
        return ISO_STATUSES[iso]
    if iso:
        _log_unknown("ISO status", iso)
    status = payment.status or (details.status if details else None) or ""
    if status not in PAYMENT_STATUSES:
        _log_unknown("payment status", status)
    return PAYMENT_STATUSES.get(status, Verdict.WAITING)


def reason_code(payment: Payment) -> str | None:
    """The ISO 20022 reason code that the payment's status carries, if any."""
    details = payment.status_details
    if details is None:
        return None
    if details.status_reason and _CODE.fullmatch(details.status_reason):
        return details.status_reason
    return code_in(f"{details.status_reason} {details.status_reason_description}")


def code_in(text: str) -> str | None:
    """The first ISO 20022 reason code in a bank's own words."""
    match = _CODE_IN_TEXT.search(text)
    return match[0] if match else None


def reason_of(code: str | None, otherwise: Reason) -> Reason:
    """The reason that an ISO 20022 code stands for; any code not told apart is a rejection."""
    return otherwise if code is None else _REASONS.get(code, Reason.REJECTED)


def _log_unknown(kind: str, word: str) -> None:
    _log.warning("unknown %s: %s", kind, word if _WORD.fullmatch(word) else "(unprintable)")
