"""One order at MTN: posted under our key, once at most, and read by it.

MTN takes an ``X-Reference-Id`` once and answers with 409 for ever after: so an order whose fate is
in doubt may be posted again as long as it is still wanted, and is carried out once at most. What
became of it is read by the same id. An id that is not found although MTN took it (202) is in
doubt, never failed.

Memory: ``accepted``, the Unix time when MTN took the order; ``posted``, the time of the last try
whose fate we did not learn.
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
from guichet.rails.mobile_money import Uncertain, Unreadable, digits_of, exact_money, uuid_of
from guichet.rails.mtn import wire
from guichet.rails.mtn.account import Product
from guichet.rails.mtn.api import Denied, MtnApi, Resource
from guichet.rails.mtn.sessions import Door, Session
from guichet.rails.mtn.statuses import REASONS, Progress, known_code, progress, reason_of
from guichet.rails.port import RailUnavailable

#: A payer has five minutes; an order that is nowhere to be found after thrice that is none.
VISIBILITY_SECONDS = 900

_PRODUCTS: Mapping[Resource, Product] = {
    "requesttopay": "collection",
    "transfer": "disbursement",
    "refund": "disbursement",
}
#: A waiting order is looked at after a fifth of its age, within these bounds.
_LOOK_SECONDS_MIN, _LOOK_SECONDS_MAX = 3.0, 600.0
_AGE_SHARE = 5
_ACCEPTED, _POSTED = "accepted", "posted"
_REFERENCE_CHARACTERS_MAX = 64

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ask:
    """One order as MTN is asked about it, whatever its kind.

    ``party`` are the digits of whose wallet it is about, None where MTN alone knows. ``wanted``:
    it may still be posted. ``received_minor`` is what it has brought so far. ``memory`` is what an
    earlier look left.
    """

    resource: Resource
    key: str
    money: Money
    session: Session
    order: wire.Order
    callback_url: str | None
    party: str | None = None
    memory: Mapping[str, str] = field(default_factory=dict, repr=False)
    wanted: bool = True
    received_minor: int = 0

    @property
    def reference_id(self) -> str:
        """Our key as MTN wants it."""
        return uuid_of(self.key)

    @property
    def door(self) -> Door:
        """The way in; raises ``RailUnavailable`` if the account has none for this."""
        return self.session.door(_PRODUCTS[self.resource])

    @property
    def collects(self) -> bool:
        return self.resource == "requesttopay"


class Orders:
    """Carries orders out and says what became of them."""

    def __init__(self, api: MtnApi, clock: Clock) -> None:
        self._api = api
        self._clock = clock

    async def settle(self, ask: Ask) -> Outcome:
        """Look; post it, again if need be, if MTN never took it and it is still wanted."""
        result = await self._api.result(ask.door, ask.resource, ask.reference_id)
        if result is not None:
            return self._reported(ask, result)
        if _ACCEPTED in ask.memory or ask.received_minor > 0:
            return Unknown(detail="MTN took the order and does not find it")
        if ask.wanted:
            return await self.post(ask)
        if self._may_appear(ask.memory):
            return Unknown(detail="the order is not found yet")
        return Refused(reason=Reason.TIMED_OUT if ask.collects else Reason.NOT_STARTED)

    async def post(self, ask: Ask) -> Outcome:
        """Post the order; however often it is posted, it is carried out once at most."""
        try:
            await self._api.post(
                ask.door, ask.resource, ask.reference_id, ask.order, ask.callback_url
            )
        except Denied as denied:
            return await self._denied(ask, denied)
        except Uncertain as uncertain:
            memory = {**ask.memory, _POSTED: str(self._now())}
            return Unknown(detail=str(uncertain), memory=memory)
        return self._waiting({**ask.memory, _ACCEPTED: str(self._now())})

    async def _denied(self, ask: Ask, denied: Denied) -> Outcome:
        """A no may be to a repetition: then the first one's fate is what counts."""
        memory = dict(ask.memory)
        if denied.is_repetition:
            memory.setdefault(_ACCEPTED, str(self._now()))
        try:
            result = await self._api.result(ask.door, ask.resource, ask.reference_id)
        except RailUnavailable:
            return Unknown(detail=str(denied), memory=memory)
        if result is not None:
            return self._reported(ask, result)
        if denied.is_repetition or self._may_appear(memory):
            return Unknown(detail=str(denied), memory=memory)
        _log.warning("MTN refused an order: %s", denied)
        reason = reason_of(denied.code) if denied.code in REASONS else Reason.NOT_STARTED
        return Refused(reason=reason, code=denied.code)

    # What is reported -----------------------------------------------------------------------------

    def _reported(self, ask: Ask, result: wire.Result) -> Outcome:
        """The outcome that an order's result amounts to."""
        memory = dict(ask.memory)
        memory.setdefault(_ACCEPTED, memory.pop(_POSTED, str(self._now())))
        party = result.payer if ask.collects else result.payee
        is_ours = result.external_id == ask.key and (
            ask.party is None or party is None or digits_of(party.party_id) == ask.party
        )
        if not is_ours:
            return _odd("the order is another one", memory)
        says = progress(result.status)
        if says is Progress.UNDER_WAY:
            return self._waiting(memory)
        number = result.financial_transaction_id
        reference = None if number is None else str(number)[:_REFERENCE_CHARACTERS_MAX]
        if says is Progress.FAILED:
            code = wire.reason_code(result)
            if ask.received_minor > 0:
                return TakenBack(code=known_code(code), memory=memory, provider_reference=reference)
            return Refused(
                reason=reason_of(code),
                code=known_code(code),
                memory=memory,
                provider_reference=reference,
            )
        try:
            moved = exact_money(result.amount, result.currency)
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

    def _waiting(self, memory: dict[str, str]) -> Outcome:
        age_seconds = self._now() - int(memory[_ACCEPTED])
        look = min(max(age_seconds / _AGE_SHARE, _LOOK_SECONDS_MIN), _LOOK_SECONDS_MAX)
        return Waiting(memory=memory, look_again_seconds=look)

    def _may_appear(self, memory: Mapping[str, str]) -> bool:
        """Whether an earlier try may still turn out to have been taken."""
        return self._now() < int(memory.get(_POSTED, "0")) + VISIBILITY_SECONDS

    def _now(self) -> int:
        return int(self._clock.now().timestamp())


def _odd(detail: str, memory: dict[str, str]) -> Unknown:
    _log.warning("odd answer of MTN: %s", detail)
    return Unknown(detail=detail, memory=memory)
