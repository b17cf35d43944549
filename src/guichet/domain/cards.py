"""Card numbers where none belong: recognised, so that they are refused before they are stored.

We take no cards. A payer or a clerk who types one into a text field must not make a merchant's
database one that holds card data. One number in ten has the right check digit (Luhn), so the
networks' lengths and first digits count too: a merchant's own numbers are seldom refused.
"""

from __future__ import annotations

import re

#: Digits, alone or in groups, that are no part of a longer word and no phone number with its plus.
_RUN = re.compile(r"(?<![0-9A-Za-z+])[0-9](?:[ -]?[0-9]){12,18}(?![0-9A-Za-z])")
_NOT_DIGITS = re.compile(r"[ -]")
#: First digits (from, to) and lengths of the networks' numbers (ISO/IEC 7812).
_NETWORKS: tuple[tuple[str, str, frozenset[int]], ...] = (
    ("4", "4", frozenset({13, 16, 18, 19})),  # Visa
    ("51", "55", frozenset({16})),  # Mastercard
    ("2221", "2720", frozenset({16})),
    ("34", "34", frozenset({15})),  # American Express
    ("37", "37", frozenset({15})),
    ("300", "305", frozenset({14, 16, 19})),  # Diners Club
    ("36", "36", frozenset({14, 16, 19})),
    ("38", "39", frozenset({14, 16, 19})),
    ("3528", "3589", frozenset({16, 17, 18, 19})),  # JCB
    ("6011", "6011", frozenset({16, 17, 18, 19})),  # Discover
    ("644", "659", frozenset({16, 17, 18, 19})),
    ("62", "62", frozenset({16, 17, 18, 19})),  # UnionPay
    ("50", "50", frozenset(range(13, 20))),  # Maestro, Verve
    ("56", "58", frozenset(range(13, 20))),
    ("6304", "6304", frozenset(range(13, 20))),
    ("67", "67", frozenset(range(13, 20))),
    ("2200", "2204", frozenset({16, 17, 18, 19})),  # Mir
    ("606282", "606282", frozenset({16})),  # Hipercard
)


def holds_card_number(text: str) -> bool:
    """Whether what may be a payment card's number stands in ``text``."""
    return any(_is_card_number(_NOT_DIGITS.sub("", run.group())) for run in _RUN.finditer(text))


def _is_card_number(digits: str) -> bool:
    if not _passes_luhn(digits):
        return False
    return any(
        first <= digits[: len(first)] <= last and len(digits) in lengths
        for first, last, lengths in _NETWORKS
    )


def _passes_luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
