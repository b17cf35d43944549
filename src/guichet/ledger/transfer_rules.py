"""The book of rules for money sent: one function from a fact to its entry (docs/ledger.md)."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from guichet.domain.errors import InsufficientFunds
from guichet.domain.transfers import Released, Reserved, Returned, Sent, Transfer, TransferFact
from guichet.ledger.chart import AccountKey, account
from guichet.ledger.entries import Entry, Posting, credit, debit
from guichet.ledger.rules import BalanceOf


def accounts_of(transfer: Transfer, fact: TransferFact) -> list[AccountKey]:
    """Every account that the fact's entry may touch: they are locked before the rules run."""
    match fact:
        case Reserved() | Released():
            codes = ["merchant_available", transfer.in_flight]
        case Sent():
            codes = [transfer.in_flight, _left_from(transfer), "fee_income"]
        case Returned():
            codes = [_left_from(transfer), "fee_income", "merchant_available"]
        case _:
            assert_never(fact)
    return [_key(transfer, code) for code in codes]


def entry_of(transfer: Transfer, fact: TransferFact, balance_of: BalanceOf, now: datetime) -> Entry:
    """The entry that records ``fact``. Raises ``InsufficientFunds`` for more than there is."""
    total_minor = transfer.total_minor
    in_flight, available = _key(transfer, transfer.in_flight), _key(transfer, "merchant_available")
    left_from, fees = _key(transfer, _left_from(transfer)), _key(transfer, "fee_income")
    match fact:
        case Reserved():
            if total_minor > balance_of(available):
                raise InsufficientFunds
            return _entry(
                transfer,
                now,
                "initiated",
                debit(available, total_minor),
                credit(in_flight, total_minor),
            )
        case Sent():
            return _entry(
                transfer,
                now,
                "sent",
                debit(in_flight, total_minor),
                credit(left_from, transfer.amount_minor),
                credit(fees, transfer.fee_minor),
            )
        case Released():
            return _entry(
                transfer,
                now,
                "failed",
                debit(in_flight, total_minor),
                credit(available, total_minor),
            )
        case Returned():
            return _entry(
                transfer,
                now,
                "returned",
                debit(left_from, transfer.amount_minor),
                debit(fees, transfer.fee_minor),
                credit(available, total_minor),
            )
        case _:
            assert_never(fact)


def _left_from(transfer: Transfer) -> str:
    return "bank" if transfer.purpose == "payout" else "rail_float"


def _entry(transfer: Transfer, now: datetime, word: str, *postings: Posting) -> Entry:
    return Entry(
        key=f"transfer:{transfer.id}:{word}",
        event=f"{transfer.purpose}.{word}",
        environment=transfer.environment,
        subject_id=transfer.id,
        occurred_at=now,
        postings=tuple(posting for posting in postings if posting.amount_minor),
    )


def _key(transfer: Transfer, code: str) -> AccountKey:
    return account(
        code, transfer.environment, transfer.currency, transfer.application_id, transfer.rail
    )
