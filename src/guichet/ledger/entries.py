"""Entries: balanced sets of postings. An unbalanced entry cannot be made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from guichet.ledger.chart import CHART, AccountKey, Kind

DEBIT = "debit"
CREDIT = "credit"


class Posting(NamedTuple):
    """``amount_minor`` (above zero) on one side of one account."""

    account: AccountKey
    direction: str
    amount_minor: int

    @property
    def effect_minor(self) -> int:
        """How the posting moves the balance in the account's own direction."""
        grows_by = DEBIT if CHART[self.account.code].kind in (Kind.ASSET, Kind.EXPENSE) else CREDIT
        return self.amount_minor if self.direction == grows_by else -self.amount_minor


@dataclass(frozen=True, slots=True)
class Entry:
    """One business event in the books.

    ``key`` is unique for ever (``payment:<id>:completed``), so an event is booked at most once.
    Raises ``ValueError`` unless debits equal credits in every currency.
    """

    key: str
    event: str
    environment: str
    subject_id: UUID
    occurred_at: datetime
    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        sums: dict[str, int] = {}
        for posting in self.postings:
            if posting.amount_minor <= 0:
                raise ValueError(f"{self.key}: posting of {posting.amount_minor}")
            sign = 1 if posting.direction == DEBIT else -1
            currency = posting.account.currency
            sums[currency] = sums.get(currency, 0) + sign * posting.amount_minor
        if len(self.postings) < 2 or any(sums.values()):
            raise ValueError(f"{self.key}: unbalanced by {sums}")


def debit(account: AccountKey, amount_minor: int) -> Posting:
    """A posting on the debit side."""
    return Posting(account, DEBIT, amount_minor)


def credit(account: AccountKey, amount_minor: int) -> Posting:
    """A posting on the credit side."""
    return Posting(account, CREDIT, amount_minor)
