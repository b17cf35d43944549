"""What waits inside a process, measured now and then: batches, and connections to the database."""

from __future__ import annotations

import asyncio
from typing import Protocol

from guichet import metrics
from guichet.gateway import Gateway

_MEASURE_SECONDS = 5.0


class _Queue(Protocol):
    @property
    def depth(self) -> int: ...
    @property
    def longest_wait_seconds(self) -> float: ...


async def keep_measuring(gateway: Gateway) -> None:
    """Tell how much waits in this process, and how long the first of it has waited; for ever."""
    waiting: dict[str, _Queue] = {
        "creations": gateway.desk.creator,
        "reads": gateway.desk.reader,
        "outcomes": gateway.recorder.batcher,
        "connections": gateway.database,
    }
    while True:
        for name, queue in waiting.items():
            metrics.WAITING.labels(name).set(queue.depth)
            metrics.WAITING_AGE.labels(name).set(queue.longest_wait_seconds)
        await asyncio.sleep(_MEASURE_SECONDS)
