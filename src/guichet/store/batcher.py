"""Group commit: items that arrive while a commit is in flight share the next one.

No timer: the first item starts a batch at once when a writer is free, so a lone request waits for
nobody; under load a batch is whatever gathered during the last commit.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeAlias, TypeVar

from guichet.domain.errors import (
    Conflicted,
    DatabaseUnavailable,
    GuichetError,
    Overloaded,
    Unavailable,
)
from guichet.logs import REQUEST_ID

Item = TypeVar("Item")
Answer = TypeVar("Answer")

#: An item, its answer, and when it came (the loop's clock).
_Queued: TypeAlias = tuple[Item, asyncio.Future[Answer], float]

_BATCH_MAX = 256


class Batcher(Generic[Item, Answer]):
    """Runs ``work`` on lists of submitted items, at most ``writers`` lists at a time.

    ``work`` answers for each item, in order: a value, or an exception that concerns this item
    alone. When it raises, everything of the batch was rolled back and the items are run one by
    one, so that one bad item never fails its neighbours; a database that cannot be had is
    everybody's error, of those in the queue too: they would wait as long for the same answer.
    ``key`` tells items apart that must not share a batch (the second waits for the next one).
    """

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Awaitable[Sequence[Answer | Exception]]],
        *,
        writers: int,
        limit: int,
        key: Callable[[Item], object] | None = None,
    ) -> None:
        self._work = work
        self._writers = writers
        self._limit = limit
        self._key = key
        self._queue: deque[_Queued[Item, Answer]] = deque()
        self._running = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def submit(self, item: Item) -> Answer:
        """The answer for ``item``, once its batch is committed.

        Raises what ``work`` answered or raised for it, and ``Overloaded`` when the queue is full.
        A caller that goes away does not take its item out of the batch.
        """
        if len(self._queue) >= self._limit:
            raise Overloaded
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._queue.append((item, future, loop.time()))
        if self._running < self._writers:
            self._running += 1
            task = asyncio.create_task(self._write())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    @property
    def depth(self) -> int:
        """How many items wait for a batch to be formed."""
        return len(self._queue)

    @property
    def longest_wait_seconds(self) -> float:
        """How long the first in the queue has been waiting."""
        return asyncio.get_running_loop().time() - self._queue[0][2] if self._queue else 0.0

    async def drain(self) -> None:
        """Wait until everything submitted is answered."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def _write(self) -> None:
        REQUEST_ID.set("")  # the batch is of many requests, whoever started this task
        while self._queue:
            batch = self._next_batch()
            items = [item for item, _, _ in batch]
            try:
                answers = await self._work(items)
            except (Unavailable, asyncio.CancelledError) as error:
                if isinstance(error, Conflicted) and len(items) > 1:
                    answers = await self._one_by_one(items)
                else:
                    batch += self._everybody(error)
                    answers = [_as_error(error)] * len(batch)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the items' answer
                answers = [error] if len(items) == 1 else await self._one_by_one(items)
            for (_, future, _), answer in zip(batch, answers, strict=True):
                _settle(future, answer)
        # With no await since the queue was seen empty: an item submitted now starts a new writer.
        self._running -= 1

    def _everybody(self, error: BaseException) -> list[_Queued[Item, Answer]]:
        """Those whose error it is as well, out of the queue."""
        if isinstance(error, Conflicted) or not isinstance(error, Unavailable):
            return []
        waiting = list(self._queue)
        self._queue.clear()
        return waiting

    def _next_batch(self) -> list[_Queued[Item, Answer]]:
        queue, key = self._queue, self._key
        if key is None:
            return [queue.popleft() for _ in range(min(len(queue), _BATCH_MAX))]
        batch: list[_Queued[Item, Answer]] = []
        later: list[_Queued[Item, Answer]] = []
        seen: set[object] = set()
        while queue and len(batch) < _BATCH_MAX:
            entry = queue.popleft()
            identity = key(entry[0])
            if identity in seen:
                later.append(entry)
            else:
                if identity is not None:
                    seen.add(identity)
                batch.append(entry)
        queue.extendleft(reversed(later))
        return batch

    async def _one_by_one(self, items: Sequence[Item]) -> list[Answer | Exception]:
        answers: list[Answer | Exception] = []
        for item in items:
            try:
                answers.extend(await self._work([item]))
            except Exception as error:  # noqa: BLE001 - the item's own answer
                answers.append(error)
        return answers


def _as_error(error: BaseException) -> Exception:
    return error if isinstance(error, GuichetError) else DatabaseUnavailable()


def _settle(future: asyncio.Future[Answer], answer: Answer | Exception) -> None:
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
        future.exception()  # a caller that went away must not make the loop complain
    else:
        future.set_result(answer)
