"""Circuits: a provider that answers nobody is not asked by everybody.

Each call to a dead provider would hold its caller for the whole time-out, and load the provider as
it recovers. After some failures its circuit opens: calls are not sent for a moment, then one is
tried, and if it is answered the circuit closes. An open circuit says "try later": certainly nothing
left, so nothing has failed.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

_WINDOW_SECONDS = 30.0
_OPEN_SECONDS = 5.0
#: Below this share of failures a provider is unsteady, not dead.
_FAILING = 0.5
#: Providers are few: this only bounds what a mistake could hold.
_CIRCUITS_MAX = 1000


class Circuits:
    """A circuit for each key; it opens after ``failures_max`` failures in 30 s (0: never) if they
    are at least half of the calls. ``now`` is in seconds.
    """

    def __init__(self, failures_max: int = 0, now: Callable[[], float] = time.monotonic) -> None:
        self._failures_max = failures_max
        self._now = now
        self._circuits: dict[str, _Circuit] = {}

    def may_call(self, key: str) -> bool:
        """Whether to call now. Whoever does must tell how it went by ``called``."""
        circuit = self._circuits.get(key)
        if circuit is None or circuit.opened_until is None:
            return True
        now = self._now()
        if now < circuit.opened_until:
            return False
        circuit.opened_until = now + _OPEN_SECONDS  # the others wait for what becomes of this one
        return True

    def called(self, key: str, *, answered: bool) -> None:
        """A call has ended."""
        if not self._failures_max:
            return
        if answered and key not in self._circuits:
            return
        if len(self._circuits) >= _CIRCUITS_MAX and key not in self._circuits:
            del self._circuits[next(iter(self._circuits))]
        circuit = self._circuits.setdefault(key, _Circuit())
        now = self._now()
        if answered and circuit.opened_until is not None:
            del self._circuits[key]
            return
        circuit.note(now, answered)
        failures, calls = circuit.counts()
        if failures >= self._failures_max and failures >= _FAILING * calls:
            circuit.opened_until = now + _OPEN_SECONDS


class _Circuit:
    """The calls since the first failure, no older than the window."""

    def __init__(self) -> None:
        self.opened_until: float | None = None
        self._calls: deque[tuple[float, bool]] = deque()

    def note(self, now: float, answered: bool) -> None:
        self._calls.append((now, answered))
        while self._calls[0][0] < now - _WINDOW_SECONDS:
            self._calls.popleft()

    def counts(self) -> tuple[int, int]:
        """Failures, and calls."""
        return sum(not answered for _, answered in self._calls), len(self._calls)
