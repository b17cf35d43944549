"""The code that a charge's payer is shown: the PSP's own, or ours made of its location."""

from __future__ import annotations

import logging

from guichet.rails.pix import wire
from guichet.rails.pix.account import PixAccount
from guichet.rails.pix.brcode import (
    CHARACTERS_MAX,
    NAME_CHARACTERS_MAX,
    InvalidBrCode,
    dynamic_code,
    plain_text,
    read,
)

_NAME_OF_LAST_RESORT = "Recebedor"
_log = logging.getLogger(__name__)


def code_of(charge: wire.Charge, account: PixAccount, payee_name: str) -> str | None:
    """The BR Code's text; None if the charge has neither a code nor a location.

    A text that breaks the rules is replaced if that is possible, else shown as the PSP made it.
    """
    text = charge.pix_copia_e_cola or ""
    broken = _broken_rule(text)
    if text and broken is None:
        return text
    if text:
        _log.warning("the PSP's code breaks a rule: %s", broken)
    location = charge.location or (charge.loc.location if charge.loc else None)
    if location:
        name = account.merchant_name or payee_name
        if not plain_text(name, NAME_CHARACTERS_MAX):
            name = _NAME_OF_LAST_RESORT
        try:
            return dynamic_code(location, name, account.city)
        except InvalidBrCode as error:
            _log.warning("no code can be made of the location: %s", error)
    is_text = bool(text) and text.isascii() and text.isprintable() and len(text) <= CHARACTERS_MAX
    return text if is_text else None


def _broken_rule(text: str) -> str | None:
    try:
        read(text)
    except InvalidBrCode as error:
        return error.rule
    return None
