"""Amounts that payers type."""

from __future__ import annotations

from babel import Locale
from babel.numbers import get_decimal_symbol, get_group_symbol

from guichet.domain.money import InvalidAmount, Money, exponent, parse_money

_GROUP_DIGITS = 3


def read_amount(text: str, currency: str, locale: Locale) -> Money:
    """The money that ``text`` says in the plain grammar: digits, and before the decimals a point
    or what people of ``locale`` write there. Never guesses: no thousands separators, and no point
    that could be one (``1.234`` where that means a thousand). Raises ``InvalidAmount``.
    """
    text = text.strip()
    point = get_decimal_symbol(locale)
    if point in text:
        if "." in text.replace(point, "", 1):
            raise InvalidAmount("numeric", text)
        return parse_money(text.replace(point, ".", 1), currency)
    decimals = text.rpartition(".")[2]
    if "." in text and len(decimals) == _GROUP_DIGITS and get_group_symbol(locale) == ".":
        raise InvalidAmount("numeric", text)
    return parse_money(text, currency)


def write_amount(money: Money, locale: Locale) -> str:
    """The money as ``read_amount`` reads it."""
    return money.text().replace(".", get_decimal_symbol(locale))


def example_amount(currency: str, locale: Locale) -> str:
    """How an amount of ``currency`` is to be typed: ``1234,50``."""
    decimals = exponent(currency)
    return write_amount(
        Money(int("1234" + "500"[:decimals].ljust(decimals, "0")), currency), locale
    )
