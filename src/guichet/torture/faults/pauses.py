"""F6: a worker is stopped for longer than its lease and comes back when another has its work."""

from __future__ import annotations

import asyncio

from guichet.torture.campaign import Fault, Figures
from guichet.torture.programs import ENTRY, Program, running
from guichet.torture.stage import LEASE_SECONDS, Stage

_BEYOND_SECONDS = 1.0


async def _inject(stage: Stage, times: int) -> Figures:
    chance = stage.chance("F6")
    other = Program(
        [ENTRY, "work"], stage.folder / "other-worker.log", stage.settings, stage.launcher
    )
    await stage.is_ready()
    async with running(other):
        for turn in range(times):
            paused = stage.worker if turn % 2 == 0 else other
            await asyncio.sleep(chance.uniform(0.2, 0.8))
            paused.pause()
            try:
                await asyncio.sleep(LEASE_SECONDS + _BEYOND_SECONDS)
            finally:
                paused.resume()
    return {"pauses": times, "seconds_each": LEASE_SECONDS + _BEYOND_SECONDS}


PAUSES = Fault("F6", "a worker that comes back after its lease finishes nothing twice", _inject)
