"""One throwaway PostgreSQL per test run, and a fresh copy of the migrated database per test."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import pytest

from gateways import running_gateway, seed
from guichet.embedded import EmbeddedPostgres, Endpoints
from guichet.gateway import Gateway
from guichet.store.migrate import migrate
from standing import stand_where_operators_do

stand_where_operators_do()

_ENDPOINTS = pytest.StashKey[Endpoints]()
#: The log is kept to a gigabyte; a dozen databases of ten megabytes stand at a time.
_ROOM_BYTES = 3 * 2**30
_CLUSTER = pytest.StashKey[tuple[EmbeddedPostgres, Path]]()


class DatabaseUrls(NamedTuple):
    """Addresses of one test's own database."""

    serving_url: str
    owner_url: str
    superuser_url: str


def _endpoints(config: pytest.Config) -> Endpoints:
    """The run's cluster: started when first asked for, by the controller when there are workers."""
    if _ENDPOINTS not in config.stash:
        if hasattr(config, "workerinput"):
            config.stash[_ENDPOINTS] = Endpoints(*config.workerinput["endpoints"])
        else:
            folder = Path(tempfile.mkdtemp(prefix="guichet-tests-", dir=_memory()))
            cluster = EmbeddedPostgres(folder, {"shared_buffers": "256MB"})
            config.stash[_CLUSTER] = (cluster, folder)
            config.stash[_ENDPOINTS] = asyncio.run(_start(cluster))
    return config.stash[_ENDPOINTS]


def _memory() -> str | None:
    """A file system in memory where there is one with room.

    Every test makes and drops a thousand files. ext4 passes by each inode freed in the last five
    seconds, one by one, before it gives out another: a database took 0.1 to 0.4 s of a core, and
    takes 0.02 s here.
    """
    folder = "/dev/shm"
    if os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > _ROOM_BYTES:
        return folder
    return None


async def _start(cluster: EmbeddedPostgres) -> Endpoints:
    endpoints = await cluster.start()
    await migrate(endpoints.owner_dsn, "guichet")
    return endpoints


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes minutes goes first: begun late, all else would wait for it."""
    items.sort(key=lambda item: item.get_closest_marker("kill") is None)


def pytest_collection_finish() -> None:
    """The seven thousand tests stay: the collector of garbage need not look at them again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["endpoints"] = list(_endpoints(node.config))


def pytest_unconfigure(config: pytest.Config) -> None:
    if _CLUSTER in config.stash:
        cluster, folder = config.stash[_CLUSTER]
        asyncio.run(cluster.stop())
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def cluster_endpoints(request: pytest.FixtureRequest) -> Endpoints:
    """The cluster's addresses; its database ``guichet`` is the template: leave it alone."""
    return _endpoints(request.config)


@asynccontextmanager
async def fresh_database(
    endpoints: Endpoints, template: str = "guichet"
) -> AsyncIterator[DatabaseUrls]:
    """A database of one's own while the block runs: migrated and empty, or as the ``template``,
    which nobody may be connected to.
    """
    name = f"test_{uuid.uuid4().hex}"
    superuser = await asyncpg.connect(endpoints.superuser_dsn)
    try:
        await superuser.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER guichet_owner")
        yield DatabaseUrls(
            endpoints.serving_dsn.replace("/guichet?", f"/{name}?"),
            endpoints.owner_dsn.replace("/guichet?", f"/{name}?"),
            endpoints.superuser_dsn.replace("/postgres?", f"/{name}?"),
        )
        await superuser.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await superuser.close()


@pytest.fixture
async def database_urls(cluster_endpoints: Endpoints) -> AsyncIterator[DatabaseUrls]:
    """A database of the test's own, migrated and empty."""
    async with fresh_database(cluster_endpoints) as urls:
        yield urls


@pytest.fixture
async def gateway(database_urls: DatabaseUrls) -> AsyncIterator[Gateway]:
    """A gateway on a database of the test's own with the two applications of ``gateways``."""
    await seed(database_urls.owner_url)
    async with running_gateway(database_urls.serving_url) as running:
        yield running
