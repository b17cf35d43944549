from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

import mtn
from judge import Judge, judge_if_there
from rails.mobile.stage import NAMES, Stage, simulator, staged

CALLBACK_URL = "http://127.0.0.1:9/notices/mobile/sandbox/default/token"


@pytest.fixture(scope="session")
def operator_url() -> Iterator[str]:
    """The one simulator of this process; ``stage`` empties its book."""
    with simulator() as url:
        yield url


@pytest.fixture(scope="session")
def judges(operator_url: str) -> dict[str, Judge | None]:
    """By rail; without GSMA's file its connector's requests are judged by nobody but itself."""
    url = f"{operator_url}/gsma/cm.orange"
    return {
        "mtn": Judge(mtn.specification(), f"{operator_url}/mtn"),
        "gsma": judge_if_there("gsma-mm.yaml", url),
    }


@pytest.fixture(params=NAMES)
async def stage(
    request: pytest.FixtureRequest, operator_url: str, judges: dict[str, Judge | None]
) -> AsyncIterator[Stage]:
    name = str(request.param)
    async with staged(name, operator_url, judges[name], CALLBACK_URL) as set_up:
        yield set_up
