"""Tariffs: what an application pays us for payments and for transfers."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from guichet.domain.errors import Invalid
from guichet.domain.fees import FeeRule
from guichet.domain.ids import new_id
from guichet.store import administration as store
from guichet.store.database import Connection

#: All of the amount: no fee is ever more.
_PERCENT_MAX_BPS = 10_000
_FIXED_MAX_MINOR = 10**15 - 1


async def add_tariff(
    connection: Connection, what: str, percent_bps: int, fixed_minor: int, now: datetime
) -> UUID | None:
    """Add a tariff; its id, None for one that asks for nothing.

    ``what`` names it in the ``Invalid`` (``fee``, ``transfer_fee``) that is raised for a tariff
    that cannot be.
    """
    if not 0 <= percent_bps <= _PERCENT_MAX_BPS:
        raise Invalid(f"{what}_percent_bps", "range")
    if not 0 <= fixed_minor <= _FIXED_MAX_MINOR:
        raise Invalid(f"{what}_fixed_minor", "range")
    if not percent_bps and not fixed_minor:
        return None
    rule = FeeRule(new_id(now), percent_bps, fixed_minor)
    await store.add_fee_rule(connection, rule, now)
    return rule.id
