from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from rails.notchpay.stage import Stage, staged


@pytest.fixture
async def stage(notchpay_url: str) -> AsyncIterator[Stage]:
    async with staged(notchpay_url) as set_up:
        yield set_up
