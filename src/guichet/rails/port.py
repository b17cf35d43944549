"""The rail port: four verbs over one order, the same for every provider.

A connector reports facts as outcomes and holds no state of its own beyond caches: what it must
remember between calls it hands back as ``memory``. Any verb may raise ``RailUnavailable`` when the
call certainly changed nothing (a read failed, the connection was refused); once a byte of a call
that may move money has left, everything that is not a definite answer is ``Unknown``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from guichet.domain.institutions import Institution
from guichet.domain.orders import CollectOrder
from guichet.domain.outcomes import Notice, Outcome, Reply


class RailUnavailable(Exception):
    """The provider could not be asked and nothing was changed: try again later."""


class ForgedNotice(Exception):
    """The notice does not prove that it comes from the provider."""


@dataclass(frozen=True, slots=True)
class RailCard:
    """What a connector declares; without it no connector loads.

    ``authenticity``: how it proves that a notice is the provider's. ``deduplicates``: the provider
    answers a repeated order by key with the first one's result. ``event_types``: the notices it
    understands. ``visibility_seconds``: how long "not found" may still turn into "found".
    """

    name: str
    currencies: frozenset[str]
    authenticity: str
    event_types: frozenset[str]
    deduplicates: bool
    visibility_seconds: int


class Rail(Protocol):
    """A connector to one provider in one environment."""

    card: RailCard

    async def begin(self, order: CollectOrder) -> Outcome:
        """Ask the provider to collect; usually ``Waiting`` with the payer's next step."""
        ...

    async def advance(self, order: CollectOrder, reply: Reply | None = None) -> Outcome:
        """Ask the provider for the truth and take the step that is due, if ``order.open``.

        ``reply`` is what the payer's browser brought back: a hint, never proof.
        """
        ...

    async def cancel(self, order: CollectOrder) -> Outcome:
        """Stop collecting, unless the money is already under way; the outcome says which."""
        ...

    def hear(self, headers: Mapping[str, str], body: bytes) -> Sequence[Notice]:
        """Which operations a provider's notice names; raises ``ForgedNotice``. Moves nothing."""
        ...

    async def institutions(self) -> Sequence[Institution]:
        """The banks that the provider offers; their ``id`` is 0, ours is given by the store."""
        ...
