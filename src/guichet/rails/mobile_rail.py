"""What connectors that ask a payer's phone have in common: how a payment is begun and followed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Generic, TypeVar

from guichet.domain.clock import Clock
from guichet.domain.institutions import Institution
from guichet.domain.orders import CollectOrder
from guichet.domain.outcomes import Outcome, Refused, Reply
from guichet.rails.mobile_orders import VISIBILITY_SECONDS, Ask, Orders
from guichet.rails.port import Rail, RailCard

#: Notch Pay's ("within 90 days"); operators publish none.
REFUND_WINDOW = timedelta(days=90)

A = TypeVar("A", bound=Ask)


class MobileRail(Rail, ABC, Generic[A]):
    """A connector whose payers confirm on their phone. ``payments`` carries their orders out."""

    def __init__(self, card: RailCard, payments: Orders[A], clock: Clock) -> None:
        self.card = card
        self._payments = payments
        self._clock = clock

    @abstractmethod
    def collection(self, order: CollectOrder) -> A | Refused:
        """The order as the provider is asked about it, or why it is none that it can take.

        Raises ``RailUnavailable`` for an account that cannot be used.
        """

    async def begin(self, order: CollectOrder) -> Outcome:
        """Have the payer asked on the phone."""
        ask = self.collection(order)
        return ask if isinstance(ask, Refused) else await self._payments.post(ask)

    async def advance(self, order: CollectOrder, reply: Reply | None = None) -> Outcome:  # noqa: ARG002 - no browser comes back
        """Look; take the step that is due if it is still wanted."""
        ask = self.collection(order)
        return ask if isinstance(ask, Refused) else await self._payments.settle(ask)

    async def cancel(self, order: CollectOrder) -> Outcome:
        """How it stands, and nothing more is begun: a prompt on a phone ends by itself."""
        return await self.advance(replace(order, open=False))

    async def institutions(self) -> Sequence[Institution]:
        """None: the payer's number says where the wallet is."""
        return []

    def is_wanted(self, order: CollectOrder) -> bool:
        """Whether the order may still be begun."""
        return order.open and self._clock.now() < order.expires_at


def card_of(
    name: str,
    currencies: frozenset[str],
    authenticity: str,
    event_types: frozenset[str],
    *,
    needs_account: bool,
) -> RailCard:
    """The card of a connector that asks phones, gives back and sends, by orders under our key."""
    return RailCard(
        name=name,
        currencies=currencies,
        authenticity=authenticity,
        event_types=event_types,
        deduplicates=True,
        visibility_seconds=VISIBILITY_SECONDS,
        needs_account=needs_account,
        refund_window=REFUND_WINDOW,
        sends=True,
    )
