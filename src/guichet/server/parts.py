"""What the processes have in common: their secret keys, their checks, their signals."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from guichet import failpoints
from guichet.domain.errors import Unavailable
from guichet.embedded import EmbeddedPostgres
from guichet.gateway import Gateway
from guichet.server.errors import CannotServe
from guichet.server.measures import keep_measuring
from guichet.settings import Settings
from guichet.store.checks import problems
from guichet.store.database import Database
from guichet.vault import generate_key

#: Python looks for garbage after 700 new objects: half a request's worth under load. At 20,000 it
#: still took a seventh of the time of a process with thousands of connections.
_GARBAGE_OBJECTS = 100_000


def embedded_database(settings: Settings) -> EmbeddedPostgres:
    """The launcher of the settings' own database."""
    return EmbeddedPostgres(settings.data_dir / "postgres")


def secret_keys(settings: Settings) -> str:
    """The secret keys: set, or with the embedded database made once and kept in the data folder.

    Raises ``CannotServe`` when they are needed and not set.
    """
    if settings.secret_keys:
        return settings.secret_keys
    if settings.database_url:
        raise CannotServe(
            "GUICHET_SECRET_KEYS is not set: `guichet key generate` makes one; keep it apart from "
            "the database's backups"
        )
    path = settings.data_dir / "secret.key"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(generate_key())
        file.flush()
        os.fsync(descriptor)
    return path.read_text().strip()


async def refuse_unsafe(database_url: str) -> None:
    """Raise ``CannotServe`` with every reason not to trust this database with money."""
    found = await database_problems(database_url)
    if found:
        raise CannotServe("\n".join(found))


async def database_problems(database_url: str) -> list[str]:
    """Why the server must not start on this database; empty: it may."""
    database = Database(database_url, 1)
    try:
        async with database.bare_connection() as connection:
            return await problems(connection)
    except (Unavailable, asyncpg.PostgresError, ValueError) as error:
        return [f"the database cannot be used: {error.__cause__ or error}"]
    finally:
        await database.close()


@asynccontextmanager
async def opened_gateway(settings: Settings, database_url: str) -> AsyncIterator[Gateway]:
    """A gateway on a database that was found safe; raises ``CannotServe``."""
    # Commands that need no gateway start in half the time without it.
    from guichet.bootstrap import build_gateway, close_gateway

    if bool(settings.yapily_live_id) != bool(settings.yapily_live_secret):
        raise CannotServe("GUICHET_YAPILY_LIVE_ID and GUICHET_YAPILY_LIVE_SECRET go together")
    await refuse_unsafe(database_url)
    armed = [name for name in settings.failpoints.split(",") if name]
    try:
        failpoints.arm(armed)
        gateway = await build_gateway(settings, database_url, secret_keys(settings))
    except (Unavailable, ValueError) as error:
        raise CannotServe(f"cannot start: {error}") from error
    _collect_garbage_less_often()
    measuring = asyncio.create_task(keep_measuring(gateway))
    try:
        if armed and (settings.yapily_live_id or gateway.access.has_live()):
            raise CannotServe("GUICHET_FAILPOINTS is set, and something is live here")
        yield gateway
    finally:
        measuring.cancel()
        await asyncio.wait([measuring])
        await close_gateway(gateway)


def _collect_garbage_less_often() -> None:
    """What is there now stays; requests make many objects and hardly a cycle: a twentieth of all
    CPU time went into looking for some.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GARBAGE_OBJECTS)


def stop_signal() -> asyncio.Event:
    """An event that SIGINT and SIGTERM set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


async def until_stopped(stop: asyncio.Event, *parts: asyncio.Task[None]) -> None:
    """Wait for the signal; a part that ends before is a defect, and its error is raised."""
    waiting = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([waiting, *parts], return_when=asyncio.FIRST_COMPLETED)
        for part in parts:
            if part.done():
                part.result()
                raise RuntimeError("a part of the server ended by itself")
    finally:
        waiting.cancel()
