"""A PSP in the test's own process: a rail that gives codes, sends money and gives it back, as each
test says.

It keeps a book of its own, so that a test can compare what the gateway believes with the truth,
and it is slow, away or silent on demand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from guichet.domain.institutions import Institution
from guichet.domain.money import Money
from guichet.domain.orders import CollectOrder, ProviderAccount, RefundOrder, SendOrder
from guichet.domain.outcomes import Done, Notice, Outcome, Reply, ShowCode, Waiting
from guichet.gateway import Gateway
from guichet.rails.port import Inbound, RailCard
from guichet.rails.registry import Registry

Answer = Outcome | Exception

REFUND_WINDOW = timedelta(days=90)


def pix_card(**changes: object) -> RailCard:
    """A card like that of Pix in sandbox."""
    values: dict[str, object] = {
        "name": "pix",
        "currencies": frozenset({"BRL", "GBP"}),
        "authenticity": "none is needed in a test",
        "event_types": frozenset({"pix"}),
        "deduplicates": True,
        "visibility_seconds": 0,
        "begins_at_creation": True,
        "needs_payer": True,
        "refund_window": REFUND_WINDOW,
    }
    return RailCard(**{**values, **changes})  # type: ignore[arg-type]


def code_of(key: str) -> str:
    """The code by which the order ``key`` is paid."""
    return f"00020126580014br.gov.bcb.pix2536pix.example/{key[:20]}6304ABCD"


@dataclass
class Psp:
    """``begins``, ``looks``, ``refunds`` and ``sends`` are the next answers of those verbs, an
    exception being raised; with none left it answers as a PSP in good health. ``gate`` closed makes
    every call wait. ``collects_alone``: no money leaves by its accounts.
    """

    card: RailCard = field(default_factory=pix_card)
    begins: list[Answer] = field(default_factory=list)
    looks: list[Answer] = field(default_factory=list)
    refunds: list[Answer] = field(default_factory=list)
    orders: list[CollectOrder] = field(default_factory=list)
    looked_at: list[CollectOrder] = field(default_factory=list)
    sends: list[Answer] = field(default_factory=list)
    refund_orders: list[RefundOrder] = field(default_factory=list)
    send_orders: list[SendOrder] = field(default_factory=list)
    given_back: dict[str, Money] = field(default_factory=dict)
    sent: dict[str, Money] = field(default_factory=dict)
    collects_alone: bool = False
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def begin(self, order: CollectOrder) -> Outcome:
        self.orders.append(order)
        await self.gate.wait()
        return _next(self.begins) or _shown(order)

    async def advance(self, order: CollectOrder, reply: Reply | None = None) -> Outcome:  # noqa: ARG002
        self.looked_at.append(order)
        await self.gate.wait()
        return _next(self.looks) or _shown(order)

    async def cancel(self, order: CollectOrder) -> Outcome:
        return await self.advance(order)

    async def refund(self, order: RefundOrder) -> Outcome:
        self.refund_orders.append(order)
        await self.gate.wait()
        answer = _next(self.refunds) or Done(received=order.money)
        if isinstance(answer, Done):
            self.given_back[order.key] = order.money
        return answer

    async def send(self, order: SendOrder) -> Outcome:
        self.send_orders.append(order)
        await self.gate.wait()
        answer = _next(self.sends) or Done(received=order.money)
        if isinstance(answer, Done):
            self.sent[order.key] = order.money
        return answer

    def pays_out(self, account: ProviderAccount | None) -> bool:  # noqa: ARG002
        return not self.collects_alone

    def hear(self, inbound: Inbound) -> Sequence[Notice]:  # noqa: ARG002
        return ()

    async def institutions(self) -> Sequence[Institution]:
        return ()


def _next(answers: list[Answer]) -> Outcome | None:
    if not answers:
        return None
    answer = answers.pop(0)
    if isinstance(answer, Exception):
        raise answer
    return answer


def _shown(order: CollectOrder) -> Waiting:
    return Waiting(next_step=ShowCode(code_of(order.key)), look_again_seconds=3600)


def connect(gateway: Gateway, psp: Psp, environment: str = "sandbox", rail: str = "pix") -> None:
    """Let the gateway collect by the PSP in the environment, beside what it has."""
    gateway.rails = Registry({**dict(gateway.rails.items()), (rail, environment): psp})
