"""Ten kills each of server, worker and database under load: nothing acknowledged is lost, nothing
is done twice, and once the faults are over everything settles.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import asyncpg
import pytest

from conftest import DatabaseUrls
from gateways import SECRET_KEY
from torture.books import Books, compare
from torture.campaign import FAULTS_SECONDS, Stage, read_books, settle, staged
from torture.faults import torture
from torture.journal import Fate, Try, Write
from torture.processes import Program, environment
from torture.simulator import free_port

KILLS = 10


@pytest.mark.kill
@pytest.mark.timeout(240)
async def test_kills_of_every_part_lose_and_double_nothing(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # noqa: T201
    async with staged(tmp_path, seed) as stage:
        faults_seconds = await _torture(stage)
        quiet_seconds = await settle(stage)
        books = await read_books(stage)
        for line in _figures(stage, books, faults_seconds, quiet_seconds):
            print(line)  # noqa: T201
        assert [len(killer.kills) for killer in stage.killers] == [KILLS] * 3
        assert stage.probe.findings == []
        assert stage.probe.samples >= faults_seconds
        assert stage.load.journal.tries >= 20 * faults_seconds
        assert compare(books) == []
        for bug, planted in _planted(books):
            assert compare(planted) != [], bug


async def _torture(stage: Stage) -> float:
    """Load and kills together, then the rest of the load without; how long the faults took."""
    stop = asyncio.Event()
    started = time.monotonic()
    async with asyncio.TaskGroup() as group:
        probe = group.create_task(stage.probe.run())
        load = group.create_task(stage.load.run(stop))
        async with asyncio.timeout(FAULTS_SECONDS):
            await torture(stage.killers, KILLS, stage.seed)
        faults_seconds = time.monotonic() - started
        stop.set()
        await load
        probe.cancel()
    return faults_seconds


def _planted(books: Books) -> Iterator[tuple[str, Books]]:
    """The real books with a lie in them: the comparison must be able to fail."""
    claimed = deepcopy(books)
    answer = Try(0.0, Fate.OK, 200, "99639000-0000-4000-8000-00000000ffff", "bytes")
    claimed.journal.append(Write(0, "create", "never", "application", "1.00", "GBP", [answer]))
    yield "acknowledged, and not there", claimed
    doubled = deepcopy(books)
    order = next(each for each in doubled.provider if each["movements"])
    order["movements"] *= 2
    yield "moved twice in one order", doubled
    again = deepcopy(books)
    again.provider.append(next(each for each in again.provider if each["movements"]))
    yield "moved by two orders", again
    untold = deepcopy(books)
    silent = books.receipts[0].event_id
    untold.receipts = [each for each in books.receipts if each.event_id != silent]
    yield "a notification that never came", untold


def _figures(
    stage: Stage, books: Books, faults_seconds: float, quiet_seconds: float
) -> Iterator[str]:
    tries = [each for write in books.journal for each in write.tries]
    answered = sorted(each.sent_at for each in tries if each.fate is Fate.OK)
    for killer in stage.killers:
        waits = sorted(
            next((at for at in answered if at > kill), kill) - kill for kill in killer.kills
        )
        yield (
            f"{killer.name}: {len(killer.kills)} kills; to the first write then acknowledged:"
            f" median {waits[len(waits) // 2]:.2f} s, worst {waits[-1]:.2f} s"
        )
    fates = {fate.value: sum(each.fate is fate for each in tries) for fate in Fate}
    yield (
        f"faults for {faults_seconds:.1f} s, {len(tries) / faults_seconds:.0f} writes/s offered,"
        f" {fates}, {stage.load.payers} payers, {stage.load.skipped} turned away"
    )
    states: dict[str, int] = {}
    for row in books.ours.payments:
        states[row["status"]] = states.get(row["status"], 0) + 1
    yield f"quiet after {quiet_seconds:.1f} s; payments {states}; orders {len(books.provider)}"
    events = {receipt.event_id for receipt in books.receipts}
    yield f"{len(events)} events told in {len(books.receipts)} tries; probe {stage.probe.samples}"


async def test_a_database_that_may_lose_commits_is_refused(
    seeded: DatabaseUrls, tmp_path: Path
) -> None:
    superuser = await asyncpg.connect(seeded.superuser_url)
    name = await superuser.fetchval("SELECT current_database()")
    await superuser.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    await superuser.close()
    settings = environment(
        GUICHET_PORT=str(free_port()),
        GUICHET_DATABASE_URL=seeded.serving_url,
        GUICHET_SECRET_KEYS=SECRET_KEY,
    )
    log = tmp_path / "log"
    program = Program(["guichet", "serve"], log, settings)
    assert await program.run() == 1
    assert "synchronous_commit is off" in log.read_text()
