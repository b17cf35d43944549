"""Orders that a PSP knows and we do not, as after the restore of an older backup."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from guichet.domain.ids import new_id
from guichet.domain.money import Money
from guichet.domain.orders import ProviderAccount
from guichet.domain.outcomes import Held, Notice
from guichet.gateway import Gateway
from guichet.services.lost_orders import book_lost, list_unclaimed
from guichet.store.reconciliations import ReconciledAccount
from psp import Psp

ACCOUNT = ReconciledAccount("pix", "sandbox", None)


@dataclass
class ListingPsp(Psp):
    """A PSP that can be asked about any order: ``holds`` is what came and what went back of it."""

    holds: dict[str, Held] = field(default_factory=dict)

    async def movements(
        self, _account: ProviderAccount | None, _since: datetime, _until: datetime
    ) -> Sequence[Notice]:
        return [Notice(attempt_key=key) for key in self.holds]

    async def held(self, _account: ProviderAccount | None, key: str, _since: datetime) -> Held:
        return self.holds[key]


class Lost:
    """An order that its PSP knows and we do not."""

    def __init__(self, shop: Gateway, psp: ListingPsp) -> None:
        self.shop, self.psp = shop, psp
        self.order_id = new_id(shop.clock.now())

    async def told(self, came: int, went: int = 0, currency: str = "GBP") -> None:
        """The PSP's list is read once more, by two workers at once."""
        self.psp.holds[self.order_id.hex] = Held(Money(came, currency), went)
        reads = (book_lost(self.shop, self.psp, ACCOUNT, [self.order_id]) for _ in range(2))
        await asyncio.gather(*reads)

    async def receipt_id(self) -> UUID:
        ids = {each.order_id: each.id for each in await list_unclaimed(self.shop)}
        return ids[self.order_id]

    async def left_minor(self) -> int:
        found = await list_unclaimed(self.shop)
        return sum(each.left_minor for each in found if each.order_id == self.order_id)
