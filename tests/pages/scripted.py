"""Rails whose answers each test sets: a bank, and a PSP that gives codes."""

from __future__ import annotations

from collections.abc import Sequence

from guichet.domain.institutions import Institution
from guichet.domain.orders import CollectOrder
from guichet.domain.outcomes import Notice, Outcome, Redirect, Reply, ShowCode, Waiting
from guichet.rails.port import Inbound, RailCard, RailUnavailable
from guichet.rails.registry import Registry

BANK_URL = "https://bank.example/authorise?consent=1"
#: One of Banco Central's own examples (design/rails.md 1.3).
CODE = (
    "00020101021226770014BR.GOV.BCB.PIX2555pix.example.com/qr/93598be0-1bd0-4997-8318-81776a1d8a99"
    "5204000053039865802BR5907EMPRESA6009SAO PAULO62070503***6304EEAB"
)


class ScriptedRail:
    """A rail whose answer to ``begin`` is set by the test; ``orders`` are those it got."""

    def __init__(self, card: RailCard, answer: Outcome) -> None:
        self.card = card
        self.answer: Outcome | None = answer
        self.orders: list[CollectOrder] = []

    async def begin(self, order: CollectOrder) -> Outcome:
        self.orders.append(order)
        if self.answer is None:
            raise RailUnavailable
        return self.answer

    async def advance(self, order: CollectOrder, reply: Reply | None = None) -> Outcome:  # noqa: ARG002
        raise RailUnavailable

    async def cancel(self, order: CollectOrder) -> Outcome:  # noqa: ARG002
        raise RailUnavailable

    def hear(self, inbound: Inbound) -> Sequence[Notice]:  # noqa: ARG002
        return ()

    async def institutions(self) -> Sequence[Institution]:
        return ()


def scripted_bank() -> ScriptedRail:
    """Open banking: the bank waits for the payer at ``BANK_URL``."""
    card = RailCard(
        name="scripted",
        currencies=frozenset({"GBP", "EUR", "BRL", "JPY"}),
        authenticity="none is needed in a test",
        event_types=frozenset({"paid"}),
        deduplicates=True,
        visibility_seconds=0,
    )
    return ScriptedRail(card, Waiting(next_step=Redirect(BANK_URL)))


def scripted_pix() -> ScriptedRail:
    """Pix: the payer pays by ``CODE``."""
    card = RailCard(
        name="scripted-pix",
        currencies=frozenset({"GBP", "BRL"}),
        authenticity="none is needed in a test",
        event_types=frozenset({"paid"}),
        deduplicates=True,
        visibility_seconds=0,
        begins_at_creation=True,
        needs_payer=True,
    )
    return ScriptedRail(card, Waiting(next_step=ShowCode(CODE)))


def scripted_handsets() -> ScriptedRail:
    """Mobile money: the payer's handset waits for the payer."""
    card = RailCard(
        name="notchpay",
        currencies=frozenset({"XAF"}),
        authenticity="none is needed in a test",
        event_types=frozenset({"paid"}),
        deduplicates=True,
        visibility_seconds=0,
    )
    return ScriptedRail(card, Waiting())


def registry(bank: ScriptedRail, pix: ScriptedRail) -> Registry:
    """Both and mobile money, for sandbox applications."""
    return Registry(
        {
            ("open_banking", "sandbox"): bank,
            ("pix", "sandbox"): pix,
            ("notchpay", "sandbox"): scripted_handsets(),
        }
    )
