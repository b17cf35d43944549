"""Simulated time: real time, and whatever the control API added to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """The time of one simulator; it can be moved forward, and reset."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)

    def reset(self) -> None:
        self._ahead = timedelta(0)
