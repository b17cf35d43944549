"""``guichet run``: everything in one process, with a database of its own as its child."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

import asyncpg

from guichet import demo
from guichet.embedded import EmbeddedPostgres
from guichet.server.front import Front, Sockets
from guichet.server.health import Health
from guichet.server.operations import open_vault
from guichet.server.parts import (
    embedded_database,
    opened_gateway,
    secret_keys,
    stop_signal,
    until_stopped,
)
from guichet.server.simulation import Simulation
from guichet.server.site import Site
from guichet.settings import Settings
from guichet.store.migrate import migrate, serving_role
from guichet.vault import Vault
from guichet.worker.loop import Worker

_log = logging.getLogger(__name__)


async def run(settings: Settings, announce: Callable[[bool], None]) -> None:
    """Start everything in order, call ``announce`` (with the demo merchant or without), and stop
    everything in the opposite order, the database last.

    Raises ``CannotServe``, ``embedded.CannotStart`` and ``ChangedMigration``.
    """
    stop = stop_signal()
    sockets = Sockets.bound(settings)
    simulation = Simulation(settings)
    settings = simulation.settings
    site = Site(simulation.mounts, Health(settings.metrics_token))
    front = Front(site, sockets, settings)
    async with AsyncExitStack() as stack:
        parts = front.start()
        stack.push_async_callback(front.stop)
        parts += simulation.start(site)
        stack.push_async_callback(simulation.stop)
        if settings.database_url:
            database_url = settings.database_url
            if settings.owner_database_url:
                role = serving_role(database_url)
                await migrate(settings.owner_database_url, role, lambda: open_vault(settings))
        else:
            database_url, keeper = await stack.enter_async_context(_database(settings))
            parts.append(keeper)
        gateway = await stack.enter_async_context(opened_gateway(settings, database_url))
        site.open(gateway)
        await simulation.connect(gateway)
        worker = Worker(gateway)
        parts.append(asyncio.create_task(worker.run()))
        stack.push_async_callback(worker.stop)
        stack.push_async_callback(front.stop)
        stack.callback(site.close)
        announce(not settings.database_url and settings.is_private)
        await until_stopped(stop, *parts)


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[tuple[str, asyncio.Task[None]]]:
    """The embedded database, migrated and seeded, and the task that starts it again."""
    database = embedded_database(settings)
    endpoints = await database.start()
    keeper = None
    try:
        role = serving_role(endpoints.serving_dsn)
        await migrate(endpoints.owner_dsn, role, lambda: open_vault(settings))
        await _seed(settings, endpoints.owner_dsn)
        keeper = asyncio.create_task(_keep(database))
        yield endpoints.serving_dsn, keeper
    finally:
        if keeper is not None:
            keeper.cancel()
            await asyncio.wait([keeper])
        await database.stop()


async def _keep(database: EmbeddedPostgres) -> None:
    while True:
        await database.wait()
        _log.error("the database was ended by somebody; starting it again")
        await database.start()


async def _seed(settings: Settings, owner_dsn: str) -> None:
    now = datetime.now(UTC)
    connection = await asyncpg.connect(owner_dsn)
    try:
        if settings.is_private:
            await demo.seed(connection, Vault([secret_keys(settings).partition(",")[0]]), now)
        else:
            await demo.withdraw(connection, now)
    finally:
        await connection.close()
