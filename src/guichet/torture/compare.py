"""All comparisons of the four books, and the ledger's own against the provider's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from guichet.torture.books import Books, acknowledged, history, minor, money, origins
from guichet.torture.money_out import money_out
from guichet.torture.told import told


def compare(books: Books) -> list[str]:
    """Everything in which the books contradict each other; empty when they agree."""
    return [
        *acknowledged(books),
        *origins(books),
        *money(books),
        *money_out(books),
        *floats(books),
        *history(books),
        *told(books),
    ]


def floats(books: Books) -> Iterator[str]:
    """What the ledger says a rail holds for us is what the provider has moved, in and out."""
    held: Counter[tuple[str, str]] = Counter()
    for order in books.provider:
        amount = int(minor(order["moved"], order["currency"]))
        rail = order["rail"], order["currency"]
        held[rail] += amount if order["kind"] == "collect" else -amount
    for row in books.ours.floats:
        key = row["rail"], row["currency"]
        if row["balance_minor"] != held.pop(key, 0):
            yield f"ledger: {key} holds {row['balance_minor']}, not what the provider moved"
    for key, amount in held.items():
        if amount:
            yield f"ledger: {key} holds nothing, and the provider moved {amount}"
