"""The chart of accounts: what each account means, which side it grows on, whether it may overdraw.

One account exists per environment, currency and owner. Described in docs/ledger.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID


class Kind(StrEnum):
    """Assets and expenses grow by debits; liabilities and income by credits."""

    ASSET = "asset"
    LIABILITY = "liability"
    INCOME = "income"
    EXPENSE = "expense"


@dataclass(frozen=True, slots=True)
class Account:
    """What one account code stands for. ``owner``: ``us``, ``rail`` or ``application``."""

    kind: Kind
    owner: str
    may_overdraw: bool
    meaning: str


CHART: dict[str, Account] = {
    "rail_float": Account(Kind.ASSET, "rail", True, "what a rail holds for us"),
    "merchant_pending": Account(
        Kind.LIABILITY, "application", False, "collected, not yet released to the merchant"
    ),
    "merchant_available": Account(
        Kind.LIABILITY, "application", False, "the merchant's to send, refund or take out"
    ),
    "merchant_receivable": Account(
        Kind.ASSET, "application", False, "owed to us by a merchant after a reversal"
    ),
    "refunds_in_flight": Account(
        Kind.LIABILITY, "application", False, "set aside to be given back to payers"
    ),
    "transfers_in_flight": Account(
        Kind.LIABILITY, "application", False, "set aside to be sent to beneficiaries"
    ),
    "payouts_in_flight": Account(
        Kind.LIABILITY, "application", False, "set aside to be paid out to the merchant's bank"
    ),
    "bank": Account(Kind.ASSET, "us", True, "our own account at the bank"),
    "suspense": Account(Kind.LIABILITY, "rail", False, "money that cannot be placed yet"),
    "fee_income": Account(Kind.INCOME, "us", True, "our fees"),
}


class AccountKey(NamedTuple):
    """Which account: its code and its owner, in one environment and currency."""

    environment: str
    code: str
    application_id: UUID | None
    rail: str | None
    currency: str


def account(
    code: str, environment: str, currency: str, application_id: UUID, rail: str
) -> AccountKey:
    """The key of the account ``code``, owned as the chart says."""
    owner = CHART[code].owner
    return AccountKey(
        environment,
        code,
        application_id if owner == "application" else None,
        rail if owner == "rail" else None,
        currency,
    )
