"""What is due later in simulated time: returns that settle, payers who pay by themselves."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from datetime import datetime, timedelta

from guichet.simulators.common.clock import Clock

#: A timer may fire a little before the clock of the day says that it is time.
_GRACE_SECONDS = 0.02


class Agenda:
    """Actions by the moment they are due.

    They happen when real time gets there, if an event loop runs, and when simulated time is moved
    past them.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._actions: list[tuple[datetime, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Does ``action`` in so many seconds; at once for none."""
        if seconds <= 0:
            action()
            return
        due = self._clock.now() + timedelta(seconds=seconds)
        heapq.heappush(self._actions, (due, next(self._numbers), action))
        self._wind()

    def run_due(self) -> None:
        """Does everything whose time has come, in order."""
        while self._actions and self._actions[0][0] <= self._clock.now():
            _, _, action = heapq.heappop(self._actions)
            action()
        self._wind()

    def clear(self) -> None:
        self._actions.clear()
        self._wind()

    def _wind(self) -> None:
        # One timer, for the action that is next.
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if self._actions:
            seconds = (self._actions[0][0] - self._clock.now()).total_seconds()
            self._timer = loop.call_later(max(seconds, 0) + _GRACE_SECONDS, self.run_due)
