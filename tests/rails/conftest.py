from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from judge import Judge, judge_of
from rails.stage import Stage, staged


@pytest.fixture
def judge() -> Judge:
    return judge_of("yapily.json")


@pytest.fixture
async def stage(judge: Judge) -> AsyncIterator[Stage]:
    async with staged(judge) as set_up:
        yield set_up
