"""Money: an integer of minor units with its ISO 4217 currency, converted exactly or not at all."""

from __future__ import annotations

import re
from typing import NamedTuple

from guichet.domain.currencies import EXPONENTS

#: The border grammar of amounts: ASCII digits, at most one point, no sign, exponent, blank,
#: underscore or leading zero. Checked on the *text*, before any conversion, because conversions
#: of hostile text can be slow (1e999999) or inexact (90071992547409.93 as a float).
_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,14})(?:\.([0-9]{1,14}))?\Z", re.ASCII)
_DIGITS_MAX = 15


class InvalidAmount(ValueError):
    """The text is not an amount of this currency.

    ``rule`` says which rule it breaks: ``numeric`` (not the grammar, or more than 15 digits) or
    ``decimals`` (more decimals than the currency has).
    """

    def __init__(self, rule: str, text: str) -> None:
        super().__init__(f"{rule}: {text[:40]!r}")
        self.rule = rule


def is_currency(code: str) -> bool:
    """Whether ``code`` is an ISO 4217 currency that payments can be made in."""
    return code in EXPONENTS


def exponent(currency: str) -> int:
    """How many decimals the currency has (ISO 4217): GBP 2, JPY and XAF 0, KWD 3."""
    return EXPONENTS[currency]


class Money(NamedTuple):
    """``minor`` smallest units of ``currency``: ``Money(12244, "GBP")`` is 122.44 pounds."""

    minor: int
    currency: str

    def text(self) -> str:
        """The amount as a plain decimal with all the decimals of its currency: ``122.44``."""
        return minor_to_text(self.minor, EXPONENTS[self.currency])


def minor_to_text(minor: int, decimals: int) -> str:
    """``minor`` units as decimal text: ``minor_to_text(-5, 2) == "-0.05"``."""
    if decimals == 0:
        return str(minor)
    sign = "-" if minor < 0 else ""
    whole, part = divmod(abs(minor), 10**decimals)
    return f"{sign}{whole}.{part:0{decimals}d}"


def parse_money(text: str, currency: str) -> Money:
    """The exact money that ``text`` says, or ``InvalidAmount``. Never rounds, never guesses:
    more decimals than the currency has are refused, be they zeros.
    """
    match = _DECIMAL.match(text) if len(text) <= _DIGITS_MAX + 1 else None
    if match is None:
        raise InvalidAmount("numeric", text)
    whole, fraction = match.group(1), match.group(2) or ""
    decimals = EXPONENTS[currency]
    if len(fraction) > decimals:
        raise InvalidAmount("decimals", text)
    return Money(int(whole + fraction.ljust(decimals, "0")), currency)
