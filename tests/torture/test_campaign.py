"""One campaign of the harness on real processes: kills, a death at every failpoint, lost commits
and answers, cut sessions, no session free at the database.

Nothing acknowledged is lost, nothing is done twice, and once the faults are over everything
settles. `guichet torture` runs the same with more of each (docs/reliability.md).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import asyncpg
import pytest

from conftest import DatabaseUrls
from gateways import SECRET_KEY
from guichet.failpoints import POINTS
from guichet.torture.books import Books
from guichet.torture.campaign import run
from guichet.torture.compare import compare
from guichet.torture.faults.restore import RESTORED
from guichet.torture.forking import Forking
from guichet.torture.journal import Fate, Try, Write
from guichet.torture.plans import chosen
from guichet.torture.programs import CommandFailed, command, environment
from guichet.torture.providers import free_port
from guichet.torture.stage import ORDINARY, Kind, staged

FAULTS = ("F1-F3", "F5", "F7", "F8", "F9", "F12")
OTHERS = ("F6", "F11", "F12b", "F13", "F15", "F16", "F19")


@pytest.mark.kill
@pytest.mark.timeout(400)
async def test_faults_lose_and_double_nothing(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # noqa: T201
    faults = [(each.fault, each.times("A")) for each in chosen("A", FAULTS)]
    with Forking() as launcher:
        async with staged(tmp_path, seed, launcher) as stage:
            report, books = await run(stage, faults, print)
            print(report.figures["load"])  # noqa: T201
            assert not report.breaches, "\n".join(report.breaches)
            assert [len(killer.kills) for killer in stage.killers] == [10] * 3
    offered = report.figures["load"]["writes_offered_per_second"]
    assert isinstance(offered, float)
    assert offered >= 20
    for bug, planted in _planted(books):
        assert compare(planted) != [], bug


@pytest.mark.kill
@pytest.mark.timeout(400)
@pytest.mark.parametrize("kind", [ORDINARY, RESTORED], ids=lambda kind: kind.name)
async def test_providers_and_restores_lose_and_double_nothing(tmp_path: Path, kind: Kind) -> None:
    """The rest of set A, but for what has a bar in seconds or wants a machine's leave."""
    faults = [(each.fault, each.times("A")) for each in chosen("A", OTHERS) if each.on is kind]
    with Forking() as launcher:
        async with staged(tmp_path, 26, launcher, kind) as stage:
            report, _ = await run(stage, faults, print)
    assert not report.breaches, "\n".join(report.breaches)


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


async def test_a_database_that_may_lose_commits_is_refused(
    seeded: DatabaseUrls,
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
    with pytest.raises(CommandFailed, match="synchronous_commit is off"):
        await command(settings, "serve")


def test_there_are_points_enough() -> None:
    assert len(POINTS) >= 20


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"GUICHET_FAILPOINTS": "nowhere"}, "no such failpoint: nowhere"),
        (
            {
                "GUICHET_FAILPOINTS": "call.before",
                "GUICHET_YAPILY_LIVE_ID": "id",
                "GUICHET_YAPILY_LIVE_SECRET": "secret",
            },
            "something is live here",
        ),
    ],
)
async def test_a_server_refuses_unknown_points_and_any_where_something_is_live(
    seeded: DatabaseUrls, settings: dict[str, str], sentence: str
) -> None:
    chosen = environment(
        GUICHET_PORT=str(free_port()),
        GUICHET_DATABASE_URL=seeded.serving_url,
        GUICHET_SECRET_KEYS=SECRET_KEY,
        **settings,
    )
    with pytest.raises(CommandFailed, match=sentence):
        await command(chosen, "serve")
