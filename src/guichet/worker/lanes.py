"""A lane works off one queue: claim what is due, hold a few pieces at once, never stop for one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from guichet import metrics
from guichet.domain.errors import Unavailable
from guichet.gateway import Gateway
from guichet.store.queue import Queue

Item = TypeVar("Item")

_log = logging.getLogger(__name__)

_POLL_SECONDS = 1.0
#: Wake-ups that come together share one claim.
_PAUSE_SECONDS = 0.02
_GAP_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class Work(Generic[Item]):
    """One kind of work: how it is claimed, how a piece is done, how many at once (``places``).

    ``claim`` returns at most as many pieces as it is asked for. ``handle`` returns a word for what
    came of a piece, and gives the lease back itself.
    """

    queue: Queue
    places: int
    claim: Callable[[Gateway, int], Awaitable[Sequence[Item]]]
    handle: Callable[[Gateway, Item], Awaitable[str]]


class Outage:
    """Whether the database can be reached, told once when it changes, and how long to wait."""

    def __init__(self) -> None:
        self._failures = 0

    def begun(self, error: Exception) -> None:
        """Something could not reach the database."""
        if not self._failures:
            _log.warning("the worker waits for the database: %s", error)
        self._failures += 1

    def over(self) -> None:
        """Something reached it."""
        if self._failures:
            _log.warning("the worker has the database again")
        self._failures = 0

    @property
    def gap_seconds(self) -> float:
        """How long to wait before the next try."""
        return _GAP_SECONDS[min(self._failures, len(_GAP_SECONDS)) - 1]


class Lane(Generic[Item]):
    """Does one kind of work until it is told to stop."""

    def __init__(self, gateway: Gateway, work: Work[Item], outage: Outage) -> None:
        self.work = work
        self._gateway = gateway
        self._outage = outage
        self._in_hand: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._stopping = asyncio.Event()

    def wake(self) -> None:
        """Look for work now."""
        self._woken.set()

    def stop(self) -> None:
        """Claim nothing more."""
        self._stopping.set()
        self.wake()

    async def run(self, finish_seconds: float) -> None:
        """Work until ``stop``; then finish what is in hand, for so long, and leave the rest.

        What is left is taken over by another worker when its lease has run out.
        """
        try:
            while not self._stopping.is_set():
                self._woken.clear()
                gap_seconds = await self._claim()
                await _happens(self._stopping, gap_seconds or _PAUSE_SECONDS)
                if not gap_seconds:
                    await _happens(self._woken, _POLL_SECONDS)
            if self._in_hand:
                await asyncio.wait(self._in_hand, timeout=finish_seconds)
        finally:
            for task in self._in_hand:
                task.cancel()
            await asyncio.gather(*self._in_hand, return_exceptions=True)

    async def _claim(self) -> float:
        """Fill the free places; returns how long to wait if that failed, else 0."""
        free = self.work.places - len(self._in_hand)
        if free <= 0:
            return 0.0
        try:
            items = await self.work.claim(self._gateway, free)
        except Unavailable as error:
            self._outage.begun(error)
            return self._outage.gap_seconds
        except Exception:  # noqa: BLE001 - one defect must not stop the lane
            _log.exception("no %s could be claimed", self.work.queue)
            return _GAP_SECONDS[-1]
        self._outage.over()
        for item in items:
            task = asyncio.create_task(self._do(item))
            self._in_hand.add(task)
            task.add_done_callback(self._done)
        return 0.0

    def _done(self, task: asyncio.Task[None]) -> None:
        self._in_hand.discard(task)
        self.wake()

    async def _do(self, item: Item) -> None:
        try:
            outcome = await self.work.handle(self._gateway, item)
        except Unavailable as error:
            outcome = "left"  # to the lease
            self._outage.begun(error)
        except Exception:  # noqa: BLE001 - nor the other pieces
            _log.exception("a piece of %s failed and is left to its lease", self.work.queue)
            outcome = "defect"
        metrics.WORK.labels(self.work.queue, outcome).inc()


async def _happens(event: asyncio.Event, seconds: float) -> None:
    """Wait for ``event``, but no longer than ``seconds``."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
