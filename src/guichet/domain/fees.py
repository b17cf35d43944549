"""Fees: what we charge an application for a payment or a transfer, with the rounding named."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from guichet.domain.money import Money

_BPS = 10_000


@dataclass(frozen=True, slots=True)
class FeeRule:
    """A tariff: ``percent_bps`` hundredths of a percent plus ``fixed_minor`` in the payment's
    currency, kept between ``min_minor`` and ``max_minor`` (None: no such bound).
    """

    id: UUID
    percent_bps: int
    fixed_minor: int
    min_minor: int | None = None
    max_minor: int | None = None


def quote(rule: FeeRule | None, money: Money) -> int:
    """The fee in minor units: percentage rounded half up, never more than the amount itself."""
    if rule is None:
        return 0
    fee = rule.fixed_minor + (money.minor * rule.percent_bps * 2 + _BPS) // (2 * _BPS)
    if rule.min_minor is not None:
        fee = max(fee, rule.min_minor)
    if rule.max_minor is not None:
        fee = min(fee, rule.max_minor)
    return min(fee, money.minor)
