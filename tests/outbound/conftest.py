from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from guichet.outbound.client import GuardedClient
from outbound.listeners import Listener, answer, listening, untrusting


@pytest.fixture
async def client() -> AsyncIterator[GuardedClient]:
    async with GuardedClient(untrusting()) as guarded:
        yield guarded


@pytest.fixture
async def canary() -> AsyncIterator[Listener]:
    """Nothing may ever connect to it."""
    async with listening(answer()) as listener:
        yield listener
