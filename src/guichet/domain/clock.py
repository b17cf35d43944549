"""The clock: every business time comes from here, so that tests and sandboxes can travel."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time, with its zone (UTC)."""

    def now(self) -> datetime: ...


def machine_time() -> datetime:
    """What the machine's clock says, which somebody may set at any moment."""
    return datetime.now(UTC)


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return machine_time()


class AnchoredClock:
    """A trusted clock as last seen, carried on by seconds that only grow.

    When the machine's clock jumps, this one does not: nothing expires early and no signature is
    dated wrong. ``anchor`` is called from time to time with what the trusted clock says.
    """

    def __init__(self) -> None:
        self._at, self._since = machine_time(), time.monotonic()

    def anchor(self, moment: datetime) -> timedelta:
        """Go by ``moment`` from now on; returns by how much this clock was behind."""
        behind = moment - self.now()
        self._at, self._since = moment, time.monotonic()
        return behind

    def now(self) -> datetime:
        return self._at + timedelta(seconds=time.monotonic() - self._since)


class MovableClock:
    """The machine's clock shifted by an offset that ``move`` grows: time travel for sandboxes."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def move(self, by: timedelta) -> None:
        self.offset += by
