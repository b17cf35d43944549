"""The rail port: a few verbs over one order, the same for every provider.

A connector reports facts as outcomes and holds no state of its own beyond caches: what it must
remember between calls it hands back as ``memory``. Any verb may raise ``RailUnavailable`` when the
call certainly changed nothing (a read failed, the connection was refused); once a byte of a call
that may move money has left, everything that is not a definite answer is ``Unknown``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from guichet.domain.institutions import Institution
from guichet.domain.orders import CollectOrder, ProviderAccount, RefundOrder, SendOrder
from guichet.domain.outcomes import Held, Notice, Outcome, Reply


class RailUnavailable(Exception):
    """The provider could not be asked and nothing was changed: try again later."""


class ForgedNotice(Exception):
    """The notice does not prove that it comes from the provider."""


class UnprovableNotice(ForgedNotice):
    """There is nothing to prove a notice by: what the provider signs with was never set."""


class UnknownEvent(Exception):
    """An authentic notice of a type that the connector does not know: kept, and nothing follows."""


@dataclass(frozen=True, slots=True)
class RailCard:
    """What a connector declares; without it no connector loads.

    ``authenticity``: how it proves that a notice is the provider's. ``deduplicates``: the provider
    answers a repeated order by key with the first one's result. ``event_types``: the notices it
    understands. ``visibility_seconds``: how long "not found" may still turn into "found".
    ``begins_at_creation``: a payment has nothing to show its payer before the provider was asked.
    ``needs_account``: it collects for applications with an account of their own alone.
    ``needs_payer``: it must be told who pays, by tax number.
    ``refund_window``: how long after completion money can be given back; None: not at all.
    ``sends``: it can send money, too (``SendingRail``).
    """

    name: str
    currencies: frozenset[str]
    authenticity: str
    event_types: frozenset[str]
    deduplicates: bool
    visibility_seconds: int
    begins_at_creation: bool = False
    needs_account: bool = False
    needs_payer: bool = False
    refund_window: timedelta | None = None
    sends: bool = False


@dataclass(frozen=True, slots=True)
class Inbound:
    """A provider's notice as it came in.

    ``headers`` have lower-case names. ``account`` is the one that the address names, if any.
    ``client_subject`` is the subject of the client certificate (RFC 4514), verified by TLS; None:
    there was none.
    """

    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    account: ProviderAccount | None = None
    client_subject: str | None = None


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

    def hear(self, inbound: Inbound) -> Sequence[Notice]:
        """Which operations a provider's notice names. Moves nothing.

        Raises ``ForgedNotice``, ``UnprovableNotice`` and ``UnknownEvent``.
        """
        ...

    async def institutions(self) -> Sequence[Institution]:
        """The banks that the provider offers; their ``id`` is 0, ours is given by the store."""
        ...


@runtime_checkable
class RefundingRail(Protocol):
    """A connector that can give money back (``card.refund_window``)."""

    async def refund(self, order: RefundOrder) -> Outcome:
        """Give the money back, or ask what became of that: safe to repeat with the same key.

        ``Waiting``: under way; ``Done``: the payer has it; ``Refused``: nothing was given back
        and nothing will be; ``Unknown``: nobody can say.
        """
        ...


@runtime_checkable
class SendingRail(Protocol):
    """A connector that can send money (``card.sends``)."""

    async def send(self, order: SendOrder) -> Outcome:
        """Send the money, or ask what became of that: safe to repeat with the same key.

        ``Waiting``: the provider took the order; ``Done``: the money arrived (``received`` is what
        was sent); ``Refused``: nothing was sent and nothing will be; ``TakenBack``: it came back
        after it had arrived; ``Unknown``: nobody can say.
        """
        ...


@runtime_checkable
class SelectiveRail(Protocol):
    """A connector of which not every account can send or give back money."""

    def pays_out(self, account: ProviderAccount | None) -> bool:
        """Whether the account (None: the connector's default one) can; asks no provider."""
        ...


class CheckableRail(Protocol):
    """A connector that can say whether an account works, before money depends on it."""

    async def check(self, account: ProviderAccount | None, notice_url: str) -> list[str]:
        """Ask the provider something harmless with the account; what is wrong with it.

        ``notice_url`` is where the account's notices should go. Raises ``RailUnavailable`` unless
        the provider knows the account and answers.
        """
        ...


@runtime_checkable
class ReconcilingRail(Protocol):
    """A connector whose provider lists what happened: the net under lost notices."""

    async def movements(
        self, account: ProviderAccount | None, since: datetime, until: datetime
    ) -> Sequence[Notice]:
        """The operations that the provider's own list says moved money, either way, in that time.

        Raises ``RailUnavailable`` unless the list is whole.
        """
        ...

    async def held(self, account: ProviderAccount | None, key: str, since: datetime) -> Held:
        """What came since then for the order of that key, of which nothing else is known.

        Raises ``RailUnavailable`` unless the provider says so plainly.
        """
        ...
