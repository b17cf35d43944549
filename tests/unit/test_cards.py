"""Card numbers are told from a merchant's own."""

from __future__ import annotations

import pytest

from guichet.domain.cards import holds_card_number

CARDS = (
    "4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "5555555555554444",
    "378282246310005", "3782 822463 10005", "6011111111111117", "3530111333300000",
    "30569309025904", "4222222222222", "6304000000000000", "2223003122003222",
)  # fmt: skip


@pytest.mark.parametrize("number", CARDS)
def test_card_number_in_a_sentence_is_seen(number: str) -> None:
    assert holds_card_number(f"paid by {number}, thanks")


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",  # the check digit is wrong
        "411111111111",  # too short
        "41111111111111111111",  # too long
        "20261126054702",  # a moment
        "1764135600000",  # another
        "+4111111111111111",  # a phone number's plus
        "GB29NWBK60161331926819",
        "x4111111111111111",
        "a350bc1b-1d08-4ea9-bed0-4bdd995c92d9",
        "INV 2026-11-26 0042",
        "",
    ],
)
def test_other_numbers_are_not(text: str) -> None:
    assert not holds_card_number(text)
