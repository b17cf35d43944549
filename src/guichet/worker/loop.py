"""The worker: every queue in a lane of its own, woken by the database, stopped in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from guichet import metrics
from guichet.domain.errors import Unavailable
from guichet.gateway import Gateway
from guichet.services.books import watch_books
from guichet.services.institutions import refresh_institutions
from guichet.services.reconciliation import plan_reconciliations
from guichet.services.retention import wipe_old
from guichet.store import queue
from guichet.store.backlogs import backlogs
from guichet.store.reconciliations import ReconciledAccount
from guichet.worker.lanes import Lane, Outage, Work
from guichet.worker.tasks import ALL_WORK

_log = logging.getLogger(__name__)

_MEASURE_SECONDS = 5.0
_PLAN_SECONDS = 5.0
_WATCH_SECONDS = 60.0
_WIPE_SECONDS = 600.0
_WIPE_PAUSE_SECONDS = 1.0
_DAY_SECONDS = 86_400.0
_RETRY_SECONDS = (1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 1800.0)
_FINISH_SECONDS = 10.0


class Worker:
    """Does the gateway's due work. Any number of workers may run: leases keep them apart."""

    def __init__(
        self,
        gateway: Gateway,
        work: Sequence[Work[Any]] = ALL_WORK,
        finish_seconds: float = _FINISH_SECONDS,
    ) -> None:
        self._gateway = gateway
        self._finish_seconds = finish_seconds
        self._outage = Outage()
        self._lanes = [Lane(gateway, each, self._outage) for each in work]
        self._stopping = asyncio.Event()
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        """Work until ``stop`` or cancellation; waits for a database that is away."""
        lanes = [asyncio.create_task(lane.run(self._finish_seconds)) for lane in self._lanes]
        helpers = [
            asyncio.create_task(job)
            for job in (
                self._stopping.wait(),
                self._listen(),
                self._measure(),
                self._keep_institutions(),
                self._keep_reconciliations(),
                self._watch_books(),
                self._wipe_old(),
            )
        ]
        try:
            # Only the stop ends in order; a lane or helper that ends before is a defect.
            await asyncio.wait([*helpers, *lanes], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for lane in self._lanes:
                lane.stop()
            for helper in helpers:
                helper.cancel()
            results = await asyncio.gather(*helpers, *lanes, return_exceptions=True)
            self._stopped.set()
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def stop(self) -> None:
        """Claim nothing more, finish what is in hand, leave the rest to the leases."""
        self._stopping.set()
        await self._stopped.wait()

    def wake(self) -> None:
        """Look for work of every kind now."""
        for lane in self._lanes:
            lane.wake()

    def _notified(self, name: str) -> None:
        for lane in self._lanes:
            if name in ("", lane.work.queue):
                lane.wake()

    async def _listen(self) -> None:
        while True:
            try:
                listening = self._gateway.database.listening(queue.CHANNEL, self._notified)
                async with listening as lost:
                    self.wake()  # for whatever was announced while nobody listened
                    await lost.wait()
            except Unavailable as error:
                self._outage.begun(error)
                await asyncio.sleep(self._outage.gap_seconds)

    async def _measure(self) -> None:
        while True:
            now = self._gateway.clock.now()
            try:
                for backlog in await backlogs(self._gateway.database, now):
                    metrics.QUEUE_DEPTH.labels(backlog.queue).set(backlog.depth)
                    oldest = backlog.oldest_due_at
                    age_seconds = (now - oldest).total_seconds() if oldest else 0.0
                    metrics.QUEUE_AGE.labels(backlog.queue).set(age_seconds)
            except Unavailable as error:
                self._outage.begun(error)
            await asyncio.sleep(_MEASURE_SECONDS)

    async def _keep_institutions(self) -> None:
        failures = 0
        while True:
            try:
                await refresh_institutions(self._gateway)
            except Exception as error:  # noqa: BLE001 - whatever it was, tomorrow is another day
                wait_seconds = _RETRY_SECONDS[min(failures, len(_RETRY_SECONDS) - 1)]
                if not failures:
                    _log.warning("institutions could not be read, trying again: %s", error)
                failures += 1
            else:
                failures = 0
                wait_seconds = _DAY_SECONDS
            await asyncio.sleep(wait_seconds)

    async def _watch_books(self) -> None:
        while True:
            try:
                await watch_books(self._gateway)
            except Unavailable as error:
                self._outage.begun(error)
            except Exception:  # noqa: BLE001 - a look that fails must not stop the work
                _log.exception("the books could not be looked at")
            await asyncio.sleep(_WATCH_SECONDS)

    async def _wipe_old(self) -> None:
        while True:
            wiped = 0
            try:
                wiped = await wipe_old(self._gateway)
            except Unavailable as error:
                self._outage.begun(error)
            await asyncio.sleep(_WIPE_PAUSE_SECONDS if wiped else _WIPE_SECONDS)

    async def _keep_reconciliations(self) -> None:
        """Accounts that were connected meanwhile have their lists read, too."""
        planned: set[ReconciledAccount] = set()
        while True:
            try:
                planned = await plan_reconciliations(self._gateway, planned)
            except Unavailable as error:
                self._outage.begun(error)
            await asyncio.sleep(_PLAN_SECONDS)
