from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from relay import Relay, relayed
from server.programs import Program, running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Program]:
    """``guichet run`` with its demo merchant: one for all clients that a process tries."""
    with running("run", data_dir=tmp_path_factory.mktemp("var")) as started:
        await started.until_healthy()
        yield started


@pytest.fixture(scope="session")
def relay(server: Program) -> Iterator[Relay]:
    """Between the clients and the server; the clients know nothing of it."""
    with relayed(server.url) as made:
        yield made


@pytest.fixture(scope="session")
def program(server: Program, relay: Relay) -> Program:
    """The server as the clients see it."""
    return Program(server.process, relay.url, server.folder)


@pytest.fixture(autouse=True)
def _every_answer_is_documented(relay: Relay) -> Iterator[None]:
    yield
    complaints, relay.complaints = relay.complaints, []
    assert complaints == []
