"""A rail that answers by chance and keeps its own book: what it really took, gave and sent."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

from guichet.domain.money import Money
from guichet.domain.orders import CollectOrder, RefundOrder, SendOrder
from guichet.domain.outcomes import (
    Done,
    Outcome,
    Reason,
    Refused,
    Reply,
    TakenBack,
    Unknown,
    Waiting,
)
from guichet.rails.port import RailUnavailable
from psp import Psp, pix_card


@dataclass
class Collected:
    """The truth about an order to collect; amounts are of all that happened so far."""

    payment_id: UUID
    attempt_id: UUID
    application_id: UUID
    ordered: Money
    #: In which the payer pays: seldom another than was ordered.
    currency: str
    received_minor: int = 0
    returned_minor: int = 0
    told: list[Outcome] = field(default_factory=list)

    @property
    def outcome(self) -> Outcome:
        """What the rail answers whoever asks now."""
        if self.returned_minor:
            return TakenBack(returned=Money(self.returned_minor, self.currency))
        return self.paid if self.received_minor else Waiting()

    @property
    def paid(self) -> Done:
        return Done(received=Money(self.received_minor, self.currency))


class FicklePsp(Psp):
    """Of orders to refund and to send it refuses every third and carries out the others, once; it
    may be away or silent before it tells. ``is_kind``: it tells at once.
    """

    def __init__(self, chance: Random) -> None:
        super().__init__(card=pix_card(sends=True, currencies=frozenset({"GBP", "XAF"})))
        self.chance = chance
        self.is_kind = False
        self.collected: dict[UUID, Collected] = {}
        #: Sent, then come back.
        self.come_back: dict[str, Money] = {}
        self._refused: dict[str, Money] = {}
        self._decided: Counter[str] = Counter()

    async def advance(self, order: CollectOrder, reply: Reply | None = None) -> Outcome:  # noqa: ARG002
        await asyncio.sleep(0)
        found = self.collected.get(UUID(order.key))
        return found.outcome if found else Waiting()

    async def refund(self, order: RefundOrder) -> Outcome:
        return await self._answer("refund", order.key, order.money, self.given_back)

    async def send(self, order: SendOrder) -> Outcome:
        return await self._answer("send", order.key, order.money, self.sent)

    async def _answer(self, verb: str, key: str, money: Money, book: dict[str, Money]) -> Outcome:
        await asyncio.sleep(0)
        mood = "" if self.is_kind else self.chance.choice(("away", "silent", "busy", "", "", ""))
        if mood == "away":
            raise RailUnavailable
        if key not in book and key not in self._refused:
            self._decided[verb] += 1
            (self._refused if self._decided[verb] % 3 == 0 else book)[key] = money
        if mood == "silent":
            return Unknown(detail="no answer")
        if mood == "busy":
            return Waiting()
        done = key in book
        return Done(received=money) if done else Refused(reason=Reason.REJECTED)

    def holds(self) -> Counter[str]:
        """What it holds for us, by currency."""
        held: Counter[str] = Counter()
        for each in self.collected.values():
            held[each.currency] += each.received_minor - each.returned_minor
        for book, sign in ((self.given_back, -1), (self.sent, -1), (self.come_back, 1)):
            for money in book.values():
                held[money.currency] += sign * money.minor
        return held
