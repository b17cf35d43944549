"""Amounts as payers type them: exact or refused, never guessed."""

from __future__ import annotations

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from guichet.domain.currencies import EXPONENTS
from guichet.domain.money import InvalidAmount, Money
from guichet.pages.amounts import example_amount, read_amount, write_amount

LOCALES = ("en", "en_GB", "fr", "fr_CM", "es", "es_MX", "pt_BR", "pt_PT", "fr_CH", "en_ZA")


@pytest.mark.parametrize(
    ("text", "currency", "locale", "minor"),
    [
        ("12.50", "GBP", "en", 1250),
        ("12,50", "EUR", "fr", 1250),
        ("12.50", "EUR", "fr", 1250),
        ("12.50", "BRL", "pt_BR", 1250),
        ("12,5", "BRL", "pt_BR", 1250),
        ("1234", "BRL", "pt_BR", 123400),
        (" 12,50\u00a0", "EUR", "es", 1250),
        ("0.01", "GBP", "en", 1),
        ("1,234", "KWD", "fr", 1234),
        ("1.234", "KWD", "en", 1234),
        ("5000", "JPY", "en", 5000),
        ("5000", "XAF", "fr_CM", 5000),
    ],
)
def test_read(text: str, currency: str, locale: str, minor: int) -> None:
    assert read_amount(text, currency, Locale.parse(locale)) == Money(minor, currency)


@pytest.mark.parametrize(
    ("text", "currency", "locale"),
    [
        ("1.234", "KWD", "es"),  # a thousand and more, or one and a bit?
        ("1.234", "BRL", "pt_BR"),
        ("1,234", "GBP", "en"),
        ("1,50", "GBP", "en"),
        ("1.234,50", "BRL", "pt_BR"),
        ("1,234.50", "GBP", "en"),
        ("1 234,50", "EUR", "fr"),
        ("1\u202f234,50", "EUR", "fr"),
        ("12,50,1", "EUR", "fr"),
        ("12,50.1", "EUR", "fr"),
        ("12.505", "GBP", "en"),
        ("12.0", "JPY", "en"),
        ("£12", "GBP", "en"),
        ("12 GBP", "GBP", "en"),
        ("-1", "GBP", "en"),
        ("+1", "GBP", "en"),
        ("1e3", "GBP", "en"),
        ("0x10", "GBP", "en"),
        ("007", "GBP", "en"),
        (".5", "GBP", "en"),
        ("5.", "GBP", "en"),
        (",5", "EUR", "fr"),
        ("\u0661\u0662", "GBP", "en"),
        ("１２", "GBP", "en"),
        ("Infinity", "GBP", "en"),
        ("NaN", "GBP", "en"),
        ("9" * 400, "GBP", "en"),
        ("12\n50", "GBP", "en"),
        ("1_000", "GBP", "en"),
    ],
)
def test_refused(text: str, currency: str, locale: str) -> None:
    with pytest.raises(InvalidAmount):
        read_amount(text, currency, Locale.parse(locale))


@given(st.integers(1, 10**10), st.sampled_from(sorted(EXPONENTS)), st.sampled_from(LOCALES))
def test_what_we_write_we_read(minor: int, currency: str, name: str) -> None:
    money, locale = Money(minor, currency), Locale.parse(name)
    written = write_amount(money, locale)
    try:
        assert read_amount(written, currency, locale) == money
    except InvalidAmount:  # a point that could separate thousands is never taken for decimals
        assert EXPONENTS[currency] == 3
        assert locale.number_symbols["latn"]["group"] == "."


@pytest.mark.parametrize(
    ("currency", "locale", "example"),
    [
        ("GBP", "en", "1234.50"),
        ("EUR", "fr", "1234,50"),
        ("JPY", "en", "1234"),
        ("KWD", "fr", "1234,500"),
        ("KWD", "es", "1234,500"),
    ],
)
def test_the_example_can_be_typed(currency: str, locale: str, example: str) -> None:
    assert example_amount(currency, Locale.parse(locale)) == example
    assert read_amount(example, currency, Locale.parse(locale)).text().startswith("1234")
