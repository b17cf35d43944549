"""One order at an operator: posted under our key, once at most, and found again by it.

A correlation id is taken once: a repetition is refused, so an order whose fate is in doubt may be
posted again as long as it is still wanted. ``/responses/{correlation id}`` finds what became of it
even if no answer ever reached us. An order that is not found although it was taken is in doubt,
never failed.

Memory: ``accepted``, the Unix time when the operator took the order; ``posted``, the time of the
last try whose fate we did not learn; ``state`` and ``reference``, the operator's own ids.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from guichet.domain.clock import Clock
from guichet.domain.money import Money
from guichet.domain.outcomes import (
    Done,
    Finality,
    Outcome,
    Reason,
    Refused,
    TakenBack,
    Unknown,
    Waiting,
)
from guichet.rails.gsma import wire
from guichet.rails.gsma.account import GsmaAccount
from guichet.rails.gsma.api import Denied, GsmaApi
from guichet.rails.gsma.statuses import (
    CODES,
    STATES,
    TRANSACTIONS,
    Progress,
    code_of,
    progress,
    reason_of,
)
from guichet.rails.mobile_money import Uncertain, Unreadable, exact_money, uuid_of
from guichet.rails.port import RailUnavailable

#: Payers have some minutes; an order that is nowhere to be found after this time is none.
VISIBILITY_SECONDS = 900

#: A waiting order is looked at after a fifth of its age, within these bounds.
_LOOK_SECONDS_MIN, _LOOK_SECONDS_MAX = 3.0, 600.0
_AGE_SHARE = 5
_ACCEPTED, _POSTED, _STATE, _REFERENCE = "accepted", "posted", "state", "reference"
_ID_CHARACTERS_MAX = 256

_log = logging.getLogger(__name__)

Found = wire.State | wire.Transaction


@dataclass(frozen=True, slots=True)
class Ask:
    """One order as the operator is asked about it, whatever its kind.

    ``path`` is where it is posted. ``collects``: money comes in. ``wanted``: it may still be
    posted. ``received_minor`` is what it has brought so far. ``memory`` is what an earlier look
    left.
    """

    path: str
    key: str
    money: Money
    account: GsmaAccount
    order: wire.Order
    callback_url: str | None
    memory: Mapping[str, str] = field(default_factory=dict, repr=False)
    collects: bool = False
    wanted: bool = True
    received_minor: int = 0


class Orders:
    """Carries orders out and says what became of them."""

    def __init__(self, api: GsmaApi, clock: Clock) -> None:
        self._api = api
        self._clock = clock

    async def settle(self, ask: Ask) -> Outcome:
        """Look; post it, again if need be, if it was never taken and is still wanted."""
        found = await self._find(ask)
        if found is not None:
            return await self._reported(ask, found)
        if _ACCEPTED in ask.memory or ask.received_minor > 0:
            return Unknown(detail="the operator took the order and does not find it")
        if ask.wanted:
            return await self.post(ask)
        if self._may_appear(ask.memory):
            return Unknown(detail="the order is not found yet")
        return Refused(reason=Reason.TIMED_OUT if ask.collects else Reason.NOT_STARTED)

    async def post(self, ask: Ask) -> Outcome:
        """Post the order; however often it is posted, it is carried out once at most."""
        try:
            found = await self._api.post(
                ask.account, ask.path, uuid_of(ask.key), ask.order, ask.callback_url
            )
        except Denied as denied:
            return await self._denied(ask, denied)
        except Uncertain as uncertain:
            memory = {**ask.memory, _POSTED: str(self._now())}
            return Unknown(detail=str(uncertain), memory=memory)
        return await self._reported(ask, found)

    async def reference_of(self, account: GsmaAccount, key: str) -> str | None:
        """The operator's id of the transaction that was posted under our key."""
        found = await self._api.response(account, uuid_of(key))
        if isinstance(found, wire.State):
            return found.object_reference
        return None if found is None else found.transaction_reference

    async def _find(self, ask: Ask) -> Found | None:
        """The order's state, or what it came to; None if the operator knows no such order."""
        if _STATE in ask.memory:
            state = await self._api.state(ask.account, ask.memory[_STATE])
            if state is not None:
                return state
        return await self._api.response(ask.account, uuid_of(ask.key))

    async def _denied(self, ask: Ask, denied: Denied) -> Outcome:
        """A no may be to a repetition: then the first one's fate is what counts."""
        memory = dict(ask.memory)
        if denied.is_repetition:
            memory.setdefault(_ACCEPTED, str(self._now()))
        try:
            found = await self._find(ask)
        except RailUnavailable:
            return Unknown(detail=str(denied), memory=memory)
        if found is not None:
            return await self._reported(ask, found)
        if denied.is_repetition or self._may_appear(memory):
            return Unknown(detail=str(denied), memory=memory)
        _log.warning("an operator refused an order: %s", denied)
        known = denied.problem.error_code in CODES
        reason = reason_of(denied.problem) if known else Reason.NOT_STARTED
        return Refused(reason=reason, code=code_of(denied.problem))

    # What is reported -----------------------------------------------------------------------------

    async def _reported(self, ask: Ask, found: Found) -> Outcome:
        """The outcome that a state amounts to, or the transaction behind it."""
        memory = dict(ask.memory)
        memory.setdefault(_ACCEPTED, memory.pop(_POSTED, str(self._now())))
        if isinstance(found, wire.Transaction):
            return self._transaction(ask, found, memory)
        if len(found.server_correlation_id) <= _ID_CHARACTERS_MAX:
            memory[_STATE] = found.server_correlation_id
        reference = found.object_reference
        if reference is not None and len(reference) <= _ID_CHARACTERS_MAX:
            memory[_REFERENCE] = reference
        says = progress(found.status, STATES)
        if says is Progress.UNDER_WAY:
            return self._waiting(memory, reference)
        if says is Progress.FAILED:
            return _failed(ask, found.error, memory, reference)
        if reference is None:
            return _odd("a completed order without a transaction", memory)
        try:
            transaction = await self._api.transaction(ask.account, reference)
        except RailUnavailable as error:
            return Unknown(detail=str(error), memory=memory)
        if transaction is None:
            return Unknown(detail="the transaction is not found yet", memory=memory)
        return self._transaction(ask, transaction, memory)

    def _transaction(
        self, ask: Ask, transaction: wire.Transaction, memory: dict[str, str]
    ) -> Outcome:
        reference = transaction.transaction_reference[:_ID_CHARACTERS_MAX]
        memory[_REFERENCE] = reference
        named = transaction.requesting_organisation_transaction_reference
        if named is not None and named != ask.key:
            return _odd("the transaction is another order's", memory)
        says = progress(transaction.transaction_status, TRANSACTIONS)
        if says is Progress.UNDER_WAY:
            return self._waiting(memory, reference)
        if says is Progress.REVERSED:
            return _reversed(ask, memory, reference)
        if says is Progress.FAILED:
            return _failed(ask, None, memory, reference)
        try:
            moved = exact_money(transaction.amount, transaction.currency)
        except Unreadable as error:
            return _odd(str(error), memory)
        if moved.minor == 0 or (moved != ask.money and not ask.collects):
            return _odd("nothing was paid, or another amount paid out", memory)
        return Done(
            received=moved,
            finality=Finality.SETTLED,
            memory=memory,
            provider_reference=reference,
        )

    def _waiting(self, memory: dict[str, str], reference: str | None) -> Outcome:
        age_seconds = self._now() - int(memory[_ACCEPTED])
        look = min(max(age_seconds / _AGE_SHARE, _LOOK_SECONDS_MIN), _LOOK_SECONDS_MAX)
        return Waiting(memory=memory, provider_reference=reference, look_again_seconds=look)

    def _may_appear(self, memory: Mapping[str, str]) -> bool:
        """Whether an earlier try may still turn out to have been taken."""
        return self._now() < int(memory.get(_POSTED, "0")) + VISIBILITY_SECONDS

    def _now(self) -> int:
        return int(self._clock.now().timestamp())


def _failed(
    ask: Ask, problem: wire.Problem | None, memory: dict[str, str], reference: str | None
) -> Outcome:
    code = code_of(problem)
    if ask.received_minor > 0:
        return TakenBack(code=code, memory=memory, provider_reference=reference)
    return Refused(
        reason=reason_of(problem), code=code, memory=memory, provider_reference=reference
    )


def _reversed(ask: Ask, memory: dict[str, str], reference: str) -> Outcome:
    """Money that had moved is where it was before."""
    if ask.order.type is not None:
        return _odd("what was given back came back", memory)
    if ask.received_minor > 0 or not ask.collects:
        return TakenBack(memory=memory, provider_reference=reference)
    return Refused(reason=Reason.PROVIDER_ERROR, memory=memory, provider_reference=reference)


def _odd(detail: str, memory: dict[str, str]) -> Unknown:
    _log.warning("odd answer of an operator: %s", detail)
    return Unknown(detail=detail, memory=memory)
