"""API Pix's words for charges and refunds, and what they mean to us.

The tables are total over the enumerations of the API's file (a test compares them). New words
count as compatible changes there: an unknown one changes nothing, and is a line in the log.
"""

from __future__ import annotations

import logging
import re
from enum import Enum, auto

from guichet.domain.outcomes import Reason

_log = logging.getLogger(__name__)
_WORD = re.compile(r"[A-Za-z0-9_]{1,48}")
#: A reason code of ISO 20022 or of the SPI, in a PSP's own words: AC06, AM04, AB09.
_CODE_IN_TEXT = re.compile(r"\b[A-Z]{2}[0-9]{2}\b")


class Standing(Enum):
    """How the record of a charge stands."""

    ACTIVE = auto()
    PAID = auto()
    REMOVED = auto()


CHARGES = {
    "ATIVA": Standing.ACTIVE,
    "CONCLUIDA": Standing.PAID,
    "REMOVIDA_PELO_USUARIO_RECEBEDOR": Standing.REMOVED,
    "REMOVIDA_PELO_PSP": Standing.REMOVED,
    # The file's own prose spells them so.
    "REMOVIDO_PELO_USUARIO_RECEBEDOR": Standing.REMOVED,
    "REMOVIDO_PELO_PSP": Standing.REMOVED,
}


class Progress(Enum):
    """How far giving money back has come."""

    UNDER_WAY = auto()
    RETURNED = auto()
    FAILED = auto()


REFUNDS = {
    "EM_PROCESSAMENTO": Progress.UNDER_WAY,
    "DEVOLVIDO": Progress.RETURNED,
    "NAO_REALIZADO": Progress.FAILED,
}

#: Whether money returned in this manner was taken from us, and not given back by us.
TAKEN = {
    "ORIGINAL": False,
    "RETIRADA": False,
    "MED_OPERACIONAL": True,
    "MED_FRAUDE": True,
    "MED_PIX_AUTOMATICO": True,
}
_SPECIAL_MECHANISM = "MED_"

_REASONS = {"AM04": Reason.INSUFFICIENT_FUNDS}


def standing(status: str) -> Standing:
    """How the charge stands; an unknown word is logged and means that it is active."""
    if status not in CHARGES:
        _log_unknown("charge status", status)
    return CHARGES.get(status, Standing.ACTIVE)


def progress(status: str) -> Progress:
    """How far the refund has come; an unknown word is logged and means that it is under way."""
    if status not in REFUNDS:
        _log_unknown("refund status", status)
    return REFUNDS.get(status, Progress.UNDER_WAY)


def is_taken(nature: str | None) -> bool:
    """Whether a return of this nature was taken from us (MED); one without a nature was not."""
    if nature is None:
        return False
    if nature not in TAKEN:
        _log_unknown("nature of a return", nature)
    return TAKEN.get(nature, nature.startswith(_SPECIAL_MECHANISM))


def code_in(text: str) -> str | None:
    """The first reason code in a PSP's own words."""
    match = _CODE_IN_TEXT.search(text)
    return match[0] if match else None


def reason_of(code: str | None) -> Reason:
    """The reason that a code stands for; any code not told apart is a rejection."""
    return _REASONS.get(code or "", Reason.REJECTED)


def _log_unknown(kind: str, word: str) -> None:
    _log.warning("unknown %s: %s", kind, word if _WORD.fullmatch(word) else "(unprintable)")
