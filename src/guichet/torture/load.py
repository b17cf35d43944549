"""Merchants and payers who go on whatever happens, and write down what they were told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, cycle, repeat
from typing import Protocol

import httpx2

from guichet.torture.calls import Answer
from guichet.torture.journal import Fate, Journal, Told, classify, now

#: Between the tries of one write; the last repeats.
_GAPS_SECONDS = (0.2, 0.4, 0.8, 1.5)
_IN_FLIGHT_MAX = 40


class Gone(Exception):
    """What a customer was about to pay is not there any more."""


class Traffic(Protocol):
    """One kind of customers, with the merchants that they pay."""

    async def walk(self, number: int) -> None:
        """Everything that customer ``number`` does."""

    async def close(self) -> None:
        """Let go of the connections."""


class Writer:
    """Sends writes until they are answered, and keeps the journal of it."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    async def write(
        self,
        kind: str,
        key: str,
        send: Callable[[], Awaitable[Answer]],
        *,
        times: int = 1,
        told: Callable[[bytes], Told | None] = lambda _: None,
        is_done: Callable[[Answer], bool] = lambda _: False,
        **details: str,
    ) -> Answer:
        """Send until ``times`` answers are definite; returns the last one.

        ``told`` is what an answer says. ``is_done`` tells of a refusal, after a try whose answer
        was lost, that it means: that try was carried out.
        """
        number = self.journal.intend(kind, key, **details)
        doubtful = False
        for gap_seconds in gaps():
            sent_at = now()
            try:
                answer = await send()
            except httpx2.TransportError:
                self.journal.conclude(number, sent_at, Fate.AMBIGUOUS, None)
                doubtful = True
            else:
                fate = classify(answer.status, answer.retry_after, answer.body)
                if fate is Fate.DEFINITIVE and doubtful and is_done(answer):
                    fate = Fate.OK
                doubtful = doubtful or fate is Fate.AMBIGUOUS
                if answer.status == 404:
                    self.journal.conclude(number, sent_at, fate, answer.status)
                    raise Gone
                said = told(answer.body) if answer.status < 300 else None
                self.journal.conclude(number, sent_at, fate, answer.status, said)
                times -= fate is not Fate.AMBIGUOUS
                if times == 0:
                    return answer
            await asyncio.sleep(gap_seconds)
        raise AssertionError


def gaps() -> Iterator[float]:
    """Waits between tries, without an end."""
    return chain(_GAPS_SECONDS, repeat(_GAPS_SECONDS[-1]))


@dataclass
class Load:
    """Starts a customer every ``gap_seconds``, of each kind in turn."""

    journal: Journal
    traffic: list[Traffic]
    gap_seconds: float
    customers: int = 0
    #: Customers who were turned away because too many were under way already.
    skipped: int = 0
    #: Customers whose payment was not there when they came back to it.
    gone: int = 0
    _failed: list[BaseException] = field(default_factory=list)

    async def run(self, stop: asyncio.Event) -> None:
        """Start customers until ``stop``, then let each of them finish."""
        journeys: set[asyncio.Task[None]] = set()
        failed = self._failed

        def finished(task: asyncio.Task[None]) -> None:
            journeys.discard(task)
            if task.cancelled() or (error := task.exception()) is None:
                return
            if isinstance(error, Gone):
                self.gone += 1
            else:
                failed.append(error)

        kinds = cycle(self.traffic)
        try:
            while not stop.is_set() and not failed:
                if len(journeys) < _IN_FLIGHT_MAX:
                    self.customers += 1
                    task = asyncio.create_task(next(kinds).walk(self.customers))
                    journeys.add(task)
                    task.add_done_callback(finished)
                else:
                    self.skipped += 1
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.gap_seconds):
                        await stop.wait()
            while journeys and not failed:
                await asyncio.wait(journeys, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for task in journeys:
                task.cancel()
            await asyncio.gather(*journeys, return_exceptions=True)
            for each in self.traffic:
                await each.close()
        if failed:
            raise failed[0]
