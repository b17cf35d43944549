"""Money is exact or refused: the grammar of amounts, on their text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guichet.domain.money import InvalidAmount, Money, minor_to_text, parse_money


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("122.44", "GBP", 12_244),
        ("122.4", "GBP", 12_240),
        ("122", "GBP", 12_200),
        ("0.01", "GBP", 1),
        ("0", "GBP", 0),
        ("350.41", "EUR", 35_041),
        ("5000", "XAF", 5_000),
        ("1.234", "KWD", 1_234),
        ("999999999999999", "JPY", 999_999_999_999_999),
    ],
)
def test_amount_is_read_exactly(text: str, currency: str, minor: int) -> None:
    assert parse_money(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    "text",
    ["0.005", "1.005", "2.675", "1.000", "122.440"],
)
def test_more_decimals_than_the_currency_has_are_refused(text: str) -> None:
    with pytest.raises(InvalidAmount) as refused:
        parse_money(text, "GBP")
    assert refused.value.rule == "decimals"


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "1 ", " 1", "+1", "-1", "-0", "1.", ".5", "01", "00", "1,5", "1_000", "1e2"),
        *("1E2", "1e400", "1e999999", "NaN", "nan", "Infinity", "-Infinity", "inf", "0x10", "0b1"),
        *("1/2", "1.2.3", "１", "٣", "१", "1\n", "1\x00", "null", "true", "--1", "1'000", "٫5"),
        *("9" * 16, "9" * 10_000, "0." + "1" * 10_000, "1.1.", "½", "²", "1\u00a0", "\ufeff1"),
    ],
)
def test_text_that_is_not_an_amount_is_refused(text: str) -> None:
    with pytest.raises(InvalidAmount) as refused:
        parse_money(text, "GBP")
    assert refused.value.rule == "numeric"


def test_currency_without_decimals_takes_none() -> None:
    with pytest.raises(InvalidAmount):
        parse_money("5000.00", "XAF")


@given(st.integers(0, 10**13 - 1), st.sampled_from(["XAF", "GBP", "KWD"]))
def test_every_amount_survives_writing_and_reading(minor: int, currency: str) -> None:
    money = Money(minor, currency)

    assert parse_money(money.text(), currency) == money


def test_negative_amounts_are_written_with_their_sign() -> None:
    assert minor_to_text(-5, 2) == "-0.05"
