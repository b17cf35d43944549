from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from guichet.embedded import EmbeddedPostgres, Endpoints

#: A quarter of the machine's memory is much for a test.
SMALL = {"shared_buffers": "32MB"}

Query = Callable[[str, str], Awaitable[Any]]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A private folder with a short path."""
    made = Path(tempfile.mkdtemp(prefix="guichet-launcher-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
async def postgres(folder: Path) -> AsyncIterator[EmbeddedPostgres]:
    launcher = EmbeddedPostgres(folder, SMALL)
    yield launcher
    await launcher.stop()


async def query(dsn: str, sql: str) -> Any:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def remember(endpoints: Endpoints) -> None:
    """Commit a row that the next start must find."""
    await query(endpoints.owner_dsn, "CREATE TABLE kept AS SELECT 42 AS answer")


async def recall(endpoints: Endpoints) -> Any:
    return await query(endpoints.owner_dsn, "SELECT answer FROM kept")
