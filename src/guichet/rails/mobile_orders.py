"""One order at an operator or an aggregator: posted under our key and found again by it.

Whoever carries it out takes a key once and refuses a repetition: so an order whose fate is in
doubt may be posted again as long as it is still wanted, and is carried out once at most. An order
that is not found although it was taken is in doubt, never failed.

Memory: ``accepted``, the Unix time when the order was taken; ``posted``, the time of the last try
whose fate we did not learn; ``done``, that its money was reported to have moved.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Generic, TypeVar

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
from guichet.rails.mobile_money import Uncertain, Unreadable, exact_money
from guichet.rails.port import RailUnavailable

#: A payer has some minutes; an order that is nowhere to be found after this time is none.
VISIBILITY_SECONDS = 900

#: A waiting order is looked at after a fifth of its age, within these bounds.
_LOOK_SECONDS_MIN, _LOOK_SECONDS_MAX = 3.0, 600.0
_AGE_SHARE = 5
_REFERENCE_CHARACTERS_MAX = 256

ACCEPTED, POSTED, DONE = "accepted", "posted", "done"

_log = logging.getLogger(__name__)


class Progress(Enum):
    """How an order stands. ``UNTOUCHED``: it is there, and its payer was not asked yet."""

    UNTOUCHED = auto()
    UNDER_WAY = auto()
    COMPLETED = auto()
    FAILED = auto()
    REVERSED = auto()


class Denied(Exception):
    """A definite no to an order. ``is_repetition``: one under this key was taken before.

    ``reason`` None: it says nothing about the payer, who may try again.
    """

    def __init__(
        self, sentence: str, code: str | None, reason: Reason | None, *, is_repetition: bool
    ) -> None:
        super().__init__(sentence)
        self.code = code
        self.reason = reason
        self.is_repetition = is_repetition


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An order as its carrier shows it.

    ``oddity``: why it cannot be believed. ``reference`` is the carrier's own id, ``amount`` the
    text of what moved. ``memory`` is what to keep of it beside the order's own.
    """

    progress: Progress
    oddity: str | None = None
    reference: str | None = None
    amount: str | None = None
    currency: str | None = None
    reason: Reason = Reason.PROVIDER_ERROR
    code: str | None = None
    memory: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One order as its carrier is asked about it, whatever its kind.

    ``collects``: money comes in. ``wanted``: it may still be posted. ``received_minor`` is what it
    has brought so far. ``memory`` is what an earlier look left; ``begun_at`` is when it may first
    have been posted, should that have left no memory.
    """

    key: str
    money: Money
    memory: Mapping[str, str] = field(default_factory=dict, repr=False)
    collects: bool = False
    wanted: bool = True
    received_minor: int = 0
    begun_at: datetime | None = None

    @property
    def has_moved(self) -> bool:
        """Whether its money was reported to have moved."""
        return self.received_minor > 0 or DONE in self.memory


A = TypeVar("A", bound=Ask)


class Orders(ABC, Generic[A]):
    """Carries orders out and says what became of them. ``carrier`` is named in sentences."""

    carrier: str

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    @abstractmethod
    async def find(self, ask: A) -> Found | None:
        """The order as it stands, None if no such is known; raises ``RailUnavailable``."""

    @abstractmethod
    async def place(self, ask: A) -> Found | None:
        """Post the order; how it stands, or None: it was taken.

        Raises ``Denied``, ``Uncertain``, and ``RailUnavailable`` if certainly nothing was done.
        """

    async def settle(self, ask: A) -> Outcome:
        """Look; post it, again if need be, if it was never taken and is still wanted."""
        found = await self.find(ask)
        if found is not None:
            return await self.decide(ask, found)
        if ACCEPTED in ask.memory or ask.has_moved:
            return Unknown(detail=f"{self.carrier} took the order and does not find it")
        if ask.wanted:
            return await self.post(ask)
        if self._may_appear(ask.memory) or self._is_fresh(ask):
            return Unknown(detail="the order is not found yet")
        return Refused(reason=Reason.TIMED_OUT if ask.collects else Reason.NOT_STARTED)

    async def post(self, ask: A) -> Outcome:
        """Post the order; however often it is posted, it is carried out once at most."""
        try:
            found = await self.place(ask)
        except Denied as denied:
            return await self._denied(ask, denied)
        except Uncertain as uncertain:
            memory = {**ask.memory, POSTED: str(self.now())}
            return Unknown(detail=str(uncertain), memory=memory)
        if found is None:
            return self._waiting({**ask.memory, ACCEPTED: str(self.now())}, None)
        return self.reported(ask, found)

    async def decide(self, ask: A, found: Found) -> Outcome:
        """What is to be done about an order that was found: by default it is reported."""
        return self.reported(ask, found)

    async def _denied(self, ask: A, denied: Denied) -> Outcome:
        """A no may be to a repetition: then the first one's fate is what counts."""
        memory = dict(ask.memory)
        if denied.is_repetition:
            memory.setdefault(ACCEPTED, str(self.now()))
        try:
            found = await self.find(ask)
        except RailUnavailable:
            return Unknown(detail=str(denied), memory=memory)
        if found is not None:
            return self.reported(ask, found)
        if denied.is_repetition or self._may_appear(memory):
            return Unknown(detail=str(denied), memory=memory)
        return self.refused(denied)

    def refused(self, denied: Denied) -> Refused:
        """What a definite no amounts to: without a reason of its own, the payer may try again."""
        _log.warning("%s refused an order: %s", self.carrier, denied)
        return Refused(reason=denied.reason or Reason.NOT_STARTED, code=denied.code)

    def reported(self, ask: A, found: Found) -> Outcome:
        """The outcome that an order's state amounts to."""
        memory = self.remembered(ask, found)
        reference = (found.reference or "")[:_REFERENCE_CHARACTERS_MAX] or None
        if found.oddity is not None:
            return self._odd(found.oddity, memory)
        match found.progress:
            case Progress.UNTOUCHED | Progress.UNDER_WAY:
                return self._waiting(memory, reference)
            case Progress.FAILED | Progress.REVERSED if ask.has_moved:
                return TakenBack(code=found.code, memory=memory, provider_reference=reference)
            case Progress.FAILED | Progress.REVERSED:
                return Refused(
                    reason=found.reason,
                    code=found.code,
                    memory=memory,
                    provider_reference=reference,
                )
        try:
            moved = exact_money(found.amount, found.currency)
        except Unreadable as error:
            return self._odd(str(error), memory)
        if moved.minor == 0 or (moved != ask.money and not ask.collects):
            return self._odd("nothing was paid, or another amount paid out", memory)
        return Done(
            received=moved,
            finality=Finality.SETTLED,
            memory=memory if ask.collects else memory | {DONE: "1"},
            provider_reference=reference,
        )

    def remembered(self, ask: A, found: Found) -> dict[str, str]:
        """The memory of an order that was found: it was taken, whenever that was."""
        memory = dict(ask.memory)
        memory.setdefault(ACCEPTED, memory.pop(POSTED, str(self.now())))
        return memory | dict(found.memory)

    def now(self) -> int:
        """The Unix time."""
        return int(self._clock.now().timestamp())

    def _waiting(self, memory: dict[str, str], reference: str | None) -> Outcome:
        age_seconds = self.now() - int(memory[ACCEPTED])
        look = min(max(age_seconds / _AGE_SHARE, _LOOK_SECONDS_MIN), _LOOK_SECONDS_MAX)
        return Waiting(memory=memory, provider_reference=reference, look_again_seconds=look)

    def _may_appear(self, memory: Mapping[str, str]) -> bool:
        """Whether an earlier try may still turn out to have been taken."""
        return self.now() < int(memory.get(POSTED, "0")) + VISIBILITY_SECONDS

    def _is_fresh(self, ask: A) -> bool:
        """Whether a try of which nothing was recorded, as by a crash, may still turn up."""
        begun_at = ask.begun_at
        return begun_at is not None and self.now() < begun_at.timestamp() + VISIBILITY_SECONDS

    def _odd(self, detail: str, memory: dict[str, str]) -> Unknown:
        _log.warning("odd answer of %s: %s", self.carrier, detail)
        return Unknown(detail=detail, memory=memory)
