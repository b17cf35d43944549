from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from rails.notchpay.stage import Stage, simulator, staged


@pytest.fixture(scope="session")
def notchpay_url() -> Iterator[str]:
    """The one simulator of these tests; ``stage`` empties its book."""
    with simulator() as url:
        yield url


@pytest.fixture
async def stage(notchpay_url: str) -> AsyncIterator[Stage]:
    async with staged(notchpay_url) as set_up:
        yield set_up
