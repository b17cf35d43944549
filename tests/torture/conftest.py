from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from conftest import DatabaseUrls
from gateways import seed
from guichet.torture.providers import PixSimulator, Simulator, simulating, simulating_pix
from torture.serving import Served, serving


@pytest.fixture
async def seeded(database_urls: DatabaseUrls) -> DatabaseUrls:
    """A database with the applications of ``gateways``."""
    await seed(database_urls.owner_url)
    return database_urls


@pytest.fixture
async def served(seeded: DatabaseUrls) -> AsyncIterator[Served]:
    """A server without a provider."""
    async with serving(seeded.serving_url) as made:
        yield made


@pytest.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[Simulator]:
    """The provider in a process of its own, its book empty."""
    async with simulating(tmp_path / "simulator.log") as made:
        yield made


@pytest.fixture
async def psp(tmp_path: Path) -> AsyncIterator[PixSimulator]:
    """A PSP in a process of its own, its book empty."""
    async with simulating_pix(tmp_path / "psp") as made:
        yield made
