from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from guichet.ledger.hledger import Balance, JournalEntry, NamedAccount, closing, head, transaction

FLOAT = NamedAccount("rail_float", "mtn", "XAF")
OWED = NamedAccount("merchant_available", "a1", "XAF")
FEES = NamedAccount("fee_income", None, "KWD")


def entry(payee: str | None = "Boutique Démo", reference: str | None = "INV 1") -> JournalEntry:
    return JournalEntry(
        key="payment:1:completed",
        event="payment.completed",
        payee=payee,
        reference=reference,
        occurred_at=datetime(2026, 1, 31, 23, 59, 59, 5, UTC),
        lines=(Balance(FLOAT, 5000), Balance(OWED, -5000)),
    )


def test_an_entry_is_a_transaction_with_its_key_as_code() -> None:
    assert transaction(entry()) == (
        "\n2026-01-31 (payment:1:completed) Boutique Démo | payment.completed INV 1"
        "  ; time:2026-01-31T23:59:59.000005Z\n"
        "    assets:rail_float:mtn  5000. XAF\n"
        "    liabilities:merchant_available:a1  -5000. XAF\n"
    )


@pytest.mark.parametrize(
    ("payee", "reference", "told"),
    [
        (None, None, "payment.completed"),
        ("Shop", None, "Shop | payment.completed"),
        (None, "INV 1", "payment.completed INV 1"),
        ("A | B; C\nD\t\x00E", "x\r\n    y  1 XAF", "A B C D E | payment.completed x y 1 XAF"),
    ],
    ids=["nothing", "payee", "reference", "hostile"],
)
def test_texts_of_merchants_cannot_part_the_line(
    payee: str | None, reference: str | None, told: str
) -> None:
    first = transaction(entry(payee, reference)).splitlines()[1]

    assert first.partition(") ")[2].partition("  ; time:")[0] == told


def test_head_declares_decimals_and_kinds() -> None:
    assert head("books", [FLOAT, OWED, FEES], {"a1": "Fish, chips; and\nmore"}) == (
        "; books\ndecimal-mark .\ncommodity 1000.000 KWD\ncommodity 1000. XAF\n"
        "account assets:rail_float:mtn  ; type:A\n"
        "account income:fee_income  ; type:R\n"
        "account liabilities:merchant_available:a1  ; type:L, application:Fish chips and more\n"
    )


def test_closing_asserts_and_moves_nothing() -> None:
    assert closing(date(2026, 2, 1), [Balance(FEES, -1250), Balance(FLOAT, 0)]) == (
        "\n2026-02-01 (closing) closing balances\n"
        "    income:fee_income  0.000 KWD = -1.250 KWD\n"
        "    assets:rail_float:mtn  0. XAF = 0. XAF\n"
    )


def test_nothing_to_assert_is_no_transaction() -> None:
    assert closing(date(2026, 2, 1), []) == ""
