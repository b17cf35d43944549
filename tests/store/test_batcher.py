"""Group commit: who shares a batch, and who fails with whom."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from guichet.domain.errors import Conflicted, DatabaseUnavailable, Overloaded
from guichet.store.batcher import Batcher


class Work:
    """Doubles numbers; the batches it saw; ``gate`` holds the first one back."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun = asyncio.Event()
        self.gate = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self, items: Sequence[int]) -> list[int | Exception]:
        self.batches.append(list(items))
        self.begun.set()
        await self.gate.wait()
        if self.error and (len(items) > 1 or 13 in items):
            raise self.error
        return [item * 2 for item in items]


def batcher(work: Work, writers: int = 1, limit: int = 100) -> Batcher[int, int]:
    return Batcher(work, writers=writers, limit=limit)


async def test_lone_item_starts_at_once() -> None:
    work = Work()
    work.gate.set()

    assert await batcher(work).submit(1) == 2


async def test_items_that_arrive_together_share_a_batch() -> None:
    work = Work()
    desk = batcher(work)
    tasks = [asyncio.create_task(desk.submit(n)) for n in range(10)]
    await asyncio.sleep(0)
    work.gate.set()
    await asyncio.gather(*tasks)

    assert work.batches == [list(range(10))]


async def test_one_bad_item_fails_alone() -> None:
    work = Work()
    work.error = ValueError("bad")
    work.gate.set()
    desk = batcher(work)
    answers = await asyncio.gather(*(desk.submit(n) for n in (12, 13, 14)), return_exceptions=True)

    assert answers == [24, work.error, 28]


async def test_deadlocked_batch_is_run_one_by_one() -> None:
    work = Work()
    work.error = Conflicted()
    work.gate.set()
    desk = batcher(work)

    assert list(await asyncio.gather(desk.submit(1), desk.submit(2))) == [2, 4]


async def test_lost_database_is_everybodys_error() -> None:
    work = Work()
    work.error = DatabaseUnavailable()
    work.gate.set()
    desk = batcher(work)
    answers = await asyncio.gather(desk.submit(1), desk.submit(2), return_exceptions=True)

    assert all(isinstance(answer, DatabaseUnavailable) for answer in answers)
    assert len(work.batches) == 1


async def test_full_queue_refuses() -> None:
    work = Work()
    desk = batcher(work, limit=2)
    first = asyncio.create_task(desk.submit(0))
    await work.begun.wait()
    waiting = [asyncio.create_task(desk.submit(n)) for n in (1, 2)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await desk.submit(3)
    work.gate.set()

    assert await asyncio.gather(first, *waiting) == [0, 2, 4]


async def test_caller_that_goes_away_does_not_cancel_its_batch() -> None:
    work = Work()
    desk = batcher(work)
    gone = asyncio.create_task(desk.submit(1))
    stays = asyncio.create_task(desk.submit(2))
    await work.begun.wait()
    gone.cancel()
    work.gate.set()

    assert await stays == 4
    assert work.batches == [[1, 2]]


async def test_item_submitted_as_a_writer_ends_is_not_forgotten() -> None:
    work = Work()
    work.gate.set()
    desk = batcher(work)
    for number in range(200):

        async def follow(n: int = number) -> int:
            await desk.submit(n)
            return await desk.submit(n)

        async with asyncio.timeout(5):
            assert list(await asyncio.gather(follow(), follow())) == [number * 2] * 2


async def test_items_of_one_identity_do_not_share_a_batch() -> None:
    work = Work()
    work.gate.set()
    desk: Batcher[int, int] = Batcher(work, writers=1, limit=100, key=lambda item: item % 2)
    await asyncio.gather(*(desk.submit(n) for n in range(6)))

    assert all(len({n % 2 for n in batch}) == len(batch) for batch in work.batches)


async def test_who_waits_for_a_lost_database_is_told_with_those_before() -> None:
    work = Work()
    made = batcher(work)
    first = asyncio.create_task(made.submit(13))
    await work.begun.wait()
    waiting = [asyncio.create_task(made.submit(number)) for number in (1, 2)]
    await asyncio.sleep(0)

    work.error = DatabaseUnavailable()
    work.gate.set()
    answers = await asyncio.gather(first, *waiting, return_exceptions=True)

    assert all(isinstance(answer, DatabaseUnavailable) for answer in answers)
    assert work.batches == [[13]]
