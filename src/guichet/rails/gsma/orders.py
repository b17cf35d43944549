"""One order at an operator, under our key as its correlation id: see ``mobile_orders``.

``/responses/{correlation id}`` finds what became of it even if no answer ever reached us. Memory,
beside that of ``mobile_orders``: ``state`` and ``reference``, the operator's own ids.
"""

from __future__ import annotations

from dataclasses import dataclass

from guichet.domain.clock import Clock
from guichet.rails.gsma import wire
from guichet.rails.gsma.api import GsmaApi
from guichet.rails.gsma.sessions import Session
from guichet.rails.gsma.statuses import STATES, TRANSACTIONS, code_of, progress, reason_of
from guichet.rails.mobile_money import uuid_of
from guichet.rails.mobile_orders import Ask, Found, Orders, Progress
from guichet.rails.port import RailUnavailable

_STATE, _REFERENCE = "state", "reference"
_ID_CHARACTERS_MAX = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class GsmaAsk(Ask):
    """One order as the operator is asked about it; ``path`` is where it is posted."""

    path: str
    session: Session
    order: wire.Order
    callback_url: str | None

    @property
    def gives_back(self) -> bool:
        """Whether it reverses a payment."""
        return self.order.type is not None


class GsmaOrders(Orders[GsmaAsk]):
    """Orders at operators."""

    carrier = "an operator"

    def __init__(self, api: GsmaApi, clock: Clock) -> None:
        super().__init__(clock)
        self._api = api

    async def find(self, ask: GsmaAsk) -> Found | None:
        """The order by the id of its state, else by our own."""
        found: wire.State | wire.Transaction | None = None
        if _STATE in ask.memory:
            found = await self._api.state(ask.session, ask.memory[_STATE])
        if found is None:
            found = await self._api.response(ask.session, uuid_of(ask.key))
        return None if found is None else await self._found(ask, found)

    async def place(self, ask: GsmaAsk) -> Found:
        """Post the order; the operator says how it stands."""
        posted = await self._api.post(
            ask.session, ask.path, uuid_of(ask.key), ask.order, ask.callback_url
        )
        return await self._found(ask, posted)

    async def reference_of(self, session: Session, key: str) -> str | None:
        """The operator's id of the transaction that was posted under our key."""
        found = await self._api.response(session, uuid_of(key))
        if isinstance(found, wire.State):
            return found.object_reference
        return None if found is None else found.transaction_reference

    async def _found(self, ask: GsmaAsk, found: wire.State | wire.Transaction) -> Found:
        """A state that is not decided, or the transaction behind it."""
        if isinstance(found, wire.Transaction):
            return _transaction(ask, found, {})
        memory = {}
        if len(found.server_correlation_id) <= _ID_CHARACTERS_MAX:
            memory[_STATE] = found.server_correlation_id
        reference = found.object_reference
        if reference is not None and len(reference) <= _ID_CHARACTERS_MAX:
            memory[_REFERENCE] = reference
        says = progress(found.status, STATES)
        oddity = None
        if says is Progress.COMPLETED:
            if reference is None:
                oddity = "a completed order without a transaction"
            else:
                try:
                    transaction = await self._api.transaction(ask.session, reference)
                except RailUnavailable as error:  # the order itself was taken: not the last word
                    transaction, oddity = None, str(error)
                if transaction is not None:
                    return _transaction(ask, transaction, memory)
                oddity = oddity or "the transaction is not found yet"
        return Found(
            progress=says,
            oddity=oddity,
            reference=reference,
            reason=reason_of(found.error),
            code=code_of(found.error),
            memory=memory,
        )


def _transaction(ask: GsmaAsk, transaction: wire.Transaction, memory: dict[str, str]) -> Found:
    reference = transaction.transaction_reference[:_ID_CHARACTERS_MAX]
    named = transaction.requesting_organisation_transaction_reference
    says = progress(transaction.transaction_status, TRANSACTIONS)
    oddity = None
    if named is not None and named != ask.key:
        oddity = "the transaction is another order's"
    elif says is Progress.REVERSED and ask.gives_back:
        oddity = "what was given back came back"
    return Found(
        progress=says,
        oddity=oddity,
        reference=reference,
        amount=transaction.amount,
        currency=transaction.currency,
        memory=memory | {_REFERENCE: reference},
    )
