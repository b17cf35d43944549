from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from server.programs import Program, running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def program(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Program]:
    """``guichet run`` with its demo merchant: one for all clients that a process tries."""
    with running("run", data_dir=tmp_path_factory.mktemp("var")) as started:
        await started.until_healthy()
        yield started
