"""One clock for all processes: the database's."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta

from guichet.domain.clock import AnchoredClock
from guichet.domain.errors import Unavailable
from guichet.store.checks import database_time
from guichet.store.database import Database

_log = logging.getLogger(__name__)

_ASK_SECONDS = 10.0
#: What networks and busy machines make of an answer; a larger difference is worth a line.
_USUAL = timedelta(seconds=2)


class Timekeeper:
    """Anchors a clock to the database's, when it starts and every few seconds."""

    def __init__(self, database: Database, clock: AnchoredClock) -> None:
        self._database = database
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take the database's time, then keep to it until ``stop``; raises ``Unavailable``."""
        await self._look()
        self._task = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Leave the clock to itself."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _look(self) -> None:
        asked_at = self._clock.now()
        async with self._database.connection() as connection:
            moment: datetime = await database_time(connection)
        half = (self._clock.now() - asked_at) / 2
        behind = self._clock.anchor(moment + half)
        if abs(behind) > _USUAL:
            _log.warning("this process's time was %s off the database's", behind)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(_ASK_SECONDS)
            try:
                await self._look()
            except Unavailable:
                continue  # the clock goes on by itself meanwhile
