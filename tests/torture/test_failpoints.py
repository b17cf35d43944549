"""The processes die at every failpoint, once each: nothing is lost and nothing is doubled."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from conftest import DatabaseUrls
from gateways import SECRET_KEY
from guichet.failpoints import POINTS
from guichet.torture.campaign import run
from guichet.torture.faults.failpoints import FAILPOINTS
from guichet.torture.forking import Forking
from guichet.torture.programs import CommandFailed, command, environment
from guichet.torture.providers import free_port
from guichet.torture.stage import staged


@pytest.mark.kill
async def test_a_death_at_every_point_loses_and_doubles_nothing(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # noqa: T201
    assert len(POINTS) >= 20
    with Forking() as launcher:
        async with staged(tmp_path, seed, launcher) as stage:
            report, _ = await run(stage, [(FAILPOINTS, 1)])
            print(report.figures)  # noqa: T201
            assert report.breaches == []


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
