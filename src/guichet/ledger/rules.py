"""The book of rules: one function from a business fact to its entries (docs/ledger.md).

Every fact of ``domain.payments`` is here, and nothing else writes entries.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import assert_never

from guichet.domain.attempts import Attempt
from guichet.domain.errors import InsufficientFunds
from guichet.domain.payments import (
    Completed,
    Fact,
    Payment,
    Placed,
    RefundPaid,
    RefundReleased,
    RefundReserved,
    Released,
    Reversed,
    Unplaced,
    UnplacedReturned,
)
from guichet.ledger.chart import AccountKey, account
from guichet.ledger.entries import Entry, Posting, credit, debit

#: Reads a balance under lock: some rules (a reversal) depend on what the merchant still has.
BalanceOf = Callable[[AccountKey], int]


def accounts_of(payment: Payment, fact: Fact) -> list[AccountKey]:
    """Every account that the fact's entries may touch: they are locked before the rules run."""
    match fact:
        case Completed():
            codes = ["rail_float", "merchant_pending"] + (
                ["fee_income"] if payment.fee_minor else []
            )
            return [_key(payment, code) for code in codes]
        case Placed():
            return [_key(payment, code) for code in ("suspense", "merchant_pending", "fee_income")]
        case Released():
            return [_key(payment, "merchant_pending"), _key(payment, "merchant_available")]
        case Unplaced(money) | UnplacedReturned(money):
            return [
                _key(payment, "rail_float", money.currency),
                _key(payment, "suspense", money.currency),
            ]
        case Reversed():
            codes = [
                "rail_float",
                "merchant_pending",
                "merchant_available",
                "merchant_receivable",
                "fee_income",
            ]
            return [_key(payment, code) for code in codes]
        case RefundReserved():
            codes = ["merchant_pending", "merchant_available", "refunds_in_flight"]
            return [_key(payment, code) for code in codes]
        case RefundPaid():
            return [_key(payment, "refunds_in_flight"), _key(payment, "rail_float")]
        case RefundReleased():
            return [_key(payment, "refunds_in_flight"), _key(payment, "merchant_available")]
        case _:
            assert_never(fact)


def entries(
    payment: Payment, attempt: Attempt | None, fact: Fact, balance_of: BalanceOf, now: datetime
) -> list[Entry]:
    """The entries that record ``fact``; ``attempt`` is the one that moved the money, if any.

    Raises ``InsufficientFunds`` for a refund beyond what the merchant has.
    """
    entry = partial(_entry, payment, now)
    match fact:
        case Completed():
            return _completed(payment, "rail_float", entry)
        case Placed():
            return _completed(payment, "suspense", entry)
        case Released(amount_minor):
            return [
                entry(
                    f"payment:{payment.id}:released",
                    "payment.released",
                    debit(_key(payment, "merchant_pending"), amount_minor),
                    credit(_key(payment, "merchant_available"), amount_minor),
                )
            ]
        case Unplaced(money):
            assert attempt is not None
            return [
                entry(
                    f"suspense:{attempt.id}:received:{attempt.received_minor}",
                    "suspense.received",
                    debit(_key(payment, "rail_float", money.currency), money.minor),
                    credit(_key(payment, "suspense", money.currency), money.minor),
                )
            ]
        case UnplacedReturned(money):
            assert attempt is not None
            return [
                entry(
                    f"suspense:{attempt.id}:returned:{attempt.returned_minor}",
                    "suspense.returned",
                    debit(_key(payment, "suspense", money.currency), money.minor),
                    credit(_key(payment, "rail_float", money.currency), money.minor),
                )
            ]
        case Reversed():
            return [_reversed(payment, fact, balance_of, entry)]
        case RefundReserved():
            return [_reserved(payment, fact, balance_of, entry)]
        case RefundPaid(refund_id, amount_minor):
            return [
                entry(
                    f"refund:{refund_id}:completed",
                    "refund.completed",
                    debit(_key(payment, "refunds_in_flight"), amount_minor),
                    credit(_key(payment, "rail_float"), amount_minor),
                )
            ]
        case RefundReleased(refund_id, amount_minor):
            return [
                entry(
                    f"refund:{refund_id}:failed",
                    "refund.failed",
                    debit(_key(payment, "refunds_in_flight"), amount_minor),
                    credit(_key(payment, "merchant_available"), amount_minor),
                )
            ]
        case _:
            assert_never(fact)


def _completed(payment: Payment, source: str, entry: Callable[..., Entry]) -> list[Entry]:
    """The amount comes from the rail, or out of suspense; our fee is taken off it."""
    pending = _key(payment, "merchant_pending")
    booked = [
        entry(
            f"payment:{payment.id}:completed",
            "payment.completed",
            debit(_key(payment, source), payment.amount_minor),
            credit(pending, payment.amount_minor),
        )
    ]
    if payment.fee_minor:
        booked.append(
            entry(
                f"payment:{payment.id}:fee",
                "payment.fee",
                debit(pending, payment.fee_minor),
                credit(_key(payment, "fee_income"), payment.fee_minor),
            )
        )
    return booked


def _reversed(
    payment: Payment, fact: Reversed, balance_of: BalanceOf, entry: Callable[..., Entry]
) -> Entry:
    available, owed = _key(payment, "merchant_available"), _key(payment, "merchant_receivable")
    rest_minor = fact.amount_minor - fact.fee_minor - fact.unreleased_minor
    taken_minor = min(max(rest_minor, 0), balance_of(available))
    made_good_minor = min(max(-rest_minor, 0), balance_of(owed))
    whole = payment.status == "reversed"
    return entry(
        f"payment:{payment.id}:reversed" + ("" if whole else f":{payment.returned_minor}"),
        "payment.reversed" if whole else "payment.partially_reversed",
        debit(_key(payment, "merchant_pending"), fact.unreleased_minor),
        debit(available, taken_minor),
        debit(owed, max(rest_minor, 0) - taken_minor),
        debit(_key(payment, "fee_income"), fact.fee_minor),
        credit(_key(payment, "rail_float"), fact.amount_minor),
        credit(owed, made_good_minor),
        credit(available, max(-rest_minor, 0) - made_good_minor),
    )


def _reserved(
    payment: Payment, fact: RefundReserved, balance_of: BalanceOf, entry: Callable[..., Entry]
) -> Entry:
    available = _key(payment, "merchant_available")
    released_minor = fact.amount_minor - fact.unreleased_minor
    if released_minor > balance_of(available):
        raise InsufficientFunds
    return entry(
        f"refund:{fact.refund_id}:initiated",
        "refund.initiated",
        debit(_key(payment, "merchant_pending"), fact.unreleased_minor),
        debit(available, released_minor),
        credit(_key(payment, "refunds_in_flight"), fact.amount_minor),
    )


def _entry(payment: Payment, now: datetime, key: str, event: str, *postings: Posting) -> Entry:
    return Entry(
        key=key,
        event=event,
        environment=payment.environment,
        subject_id=payment.id,
        occurred_at=now,
        postings=tuple(posting for posting in postings if posting.amount_minor),
    )


def _key(payment: Payment, code: str, currency: str | None = None) -> AccountKey:
    return account(
        code,
        payment.environment,
        currency or payment.currency,
        payment.application_id,
        payment.rail,
    )
