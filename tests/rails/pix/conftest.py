from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from judge import Judge, judge_of
from rails.pix.stage import Psp, Stage, simulated_psp, staged


@pytest.fixture(scope="session")
def psp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Psp]:
    """The one simulated PSP of this process; ``stage`` empties its book."""
    with simulated_psp(tmp_path_factory.mktemp("psp") / "certificates") as running:
        yield running


@pytest.fixture(scope="session")
def judge(psp: Psp) -> Judge:
    return judge_of("bacen-pix.yaml", psp.api)


@pytest.fixture
async def stage(psp: Psp, judge: Judge) -> AsyncIterator[Stage]:
    async with staged(psp, judge) as set_up:
        yield set_up
