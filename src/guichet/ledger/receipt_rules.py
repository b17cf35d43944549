"""The book of rules for money of lost orders: into suspense, and out of it (docs/ledger.md)."""

from __future__ import annotations

from datetime import datetime

from guichet.domain.receipts import UnclaimedReceipt
from guichet.ledger.chart import AccountKey
from guichet.ledger.entries import Entry, Posting, credit, debit


def accounts_of(receipt: UnclaimedReceipt) -> tuple[AccountKey, AccountKey]:
    """The rail's float and its suspense, both locked before the rules run."""
    environment, rail, currency = receipt.environment, receipt.rail, receipt.currency
    return (
        AccountKey(environment, "rail_float", None, rail, currency),
        AccountKey(environment, "suspense", None, rail, currency),
    )


def entries(before: UnclaimedReceipt, after: UnclaimedReceipt, now: datetime) -> list[Entry]:
    """What came since ``before``, and what of it went back."""
    rail_float, suspense = accounts_of(after)
    came_minor = after.received_minor - before.received_minor
    went_minor = after.returned_minor - before.returned_minor
    booked = []
    if came_minor:
        postings = (debit(rail_float, came_minor), credit(suspense, came_minor))
        booked.append(_entry(after, f"received:{after.received_minor}", postings, now))
    if went_minor:
        postings = (debit(suspense, went_minor), credit(rail_float, went_minor))
        booked.append(_entry(after, f"returned:{after.returned_minor}", postings, now))
    return booked


def _entry(
    receipt: UnclaimedReceipt, what: str, postings: tuple[Posting, ...], now: datetime
) -> Entry:
    return Entry(
        key=f"receipt:{receipt.id}:{what}",
        event=f"suspense.{what.partition(':')[0]}",
        environment=receipt.environment,
        subject_id=receipt.id,
        occurred_at=now,
        postings=postings,
    )
