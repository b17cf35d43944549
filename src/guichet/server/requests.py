"""What is known of a request before any application sees it, and what the process has to do."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from guichet.server.refusals import Refusal

_BEAT_SECONDS = 0.02
#: So many refusals a beat cost next to nothing.
_REFUSED_PER_BEAT = 16
#: What a client may wait unread and still have its next answer within a second.
_PAUSE_SECONDS = 0.7


class Refused(Protocol):
    """A connection whose client was refused and is not read for a moment."""

    def resume(self) -> None:
        """Read it again."""


class Load:
    """What one loop has to do.

    ``under_way`` are the requests that have come whole and are not answered. Clients that are
    refused are not read for a moment: refusing must not take the time that it is to save.
    """

    def __init__(self) -> None:
        self.under_way = 0
        #: Each with the loop's time at which it is read again.
        self._refused: deque[tuple[float, Refused]] = deque()
        self._in_beat = 0
        self._handle: asyncio.TimerHandle | None = None

    def is_paused(self, connection: Refused) -> bool:
        """Count a refusal; whether ``connection`` has to wait until it is resumed."""
        loop = asyncio.get_running_loop()
        if self._handle is None:
            self._handle = loop.call_later(_BEAT_SECONDS, self._beat)
        self._in_beat += 1
        if self._in_beat <= _REFUSED_PER_BEAT:
            return False
        self._refused.append((loop.time() + _PAUSE_SECONDS, connection))
        return True

    def stop(self) -> None:
        """Resume nobody any more."""
        if self._handle is not None:
            self._handle.cancel()

    def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        self._in_beat = 0
        while self._refused and self._refused[0][0] <= loop.time():
            self._refused.popleft()[1].resume()
        self._handle = None
        if self._refused:
            self._handle = loop.call_later(_BEAT_SECONDS, self._beat)


class Asked(NamedTuple):
    """A request's head, and the process it has come to.

    ``now`` is of the loop's clock.
    """

    method: bytes
    target: bytes
    headers: Sequence[tuple[bytes, bytes]]
    load: Load
    now: float


#: Asked for each request before its application; None lets it pass.
Gate = Callable[[Asked], Refusal | None]
