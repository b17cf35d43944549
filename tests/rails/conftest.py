from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from judge import Judge, judge_of
from rails.notchpay import stage as notchpay
from rails.stage import Stage, simulator, staged


@pytest.fixture(scope="session")
def judge() -> Judge:
    return judge_of("yapily.json")


@pytest.fixture(scope="session")
def yapily_url() -> Iterator[str]:
    """The one simulator of this process; ``stage`` empties its book."""
    with simulator() as base_url:
        yield base_url


@pytest.fixture
async def stage(yapily_url: str, judge: Judge) -> AsyncIterator[Stage]:
    async with staged(yapily_url, judge) as set_up:
        yield set_up


@pytest.fixture(scope="session")
def notchpay_url() -> Iterator[str]:
    """The one simulator of these tests; ``stage`` empties its book."""
    with notchpay.simulator() as url:
        yield url
