"""What an operator's commands need: the database as the role that owns it, and a second look."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import asyncpg

from guichet.embedded import Endpoints, running_endpoints
from guichet.gateway import Gateway
from guichet.server.errors import CannotServe
from guichet.server.parts import (
    embedded_database,
    opened_gateway,
    secret_keys,
)
from guichet.settings import Settings
from guichet.store.database import Connection
from guichet.store.migrate import migrate, serving_role
from guichet.store.scope import acting_for
from guichet.vault import Vault

Answer = TypeVar("Answer")


def open_vault(settings: Settings) -> Vault:
    """The vault of the settings' keys; raises ``CannotServe``."""
    try:
        return Vault([key.strip() for key in secret_keys(settings).split(",") if key.strip()])
    except ValueError as error:
        raise CannotServe(f"GUICHET_SECRET_KEYS: {error}") from error


async def with_database(
    settings: Settings, use: Callable[[Connection], Awaitable[Answer]]
) -> Answer:
    """What ``use`` answers on a connection of the owner, who alone sees everything.

    The embedded database is started for the moment if it does not run. Raises ``CannotServe``.
    """
    _need_owner(settings)
    async with database_urls(settings) as (_, owner_url):
        try:
            connection = await asyncpg.connect(owner_url, timeout=10)
        except (OSError, asyncpg.PostgresError) as error:
            raise CannotServe(f"the database cannot be used: {error}") from error
        try:
            return await use(connection)
        finally:
            await connection.close()


def _need_owner(settings: Settings) -> None:
    if settings.database_url and not settings.owner_database_url:
        raise CannotServe(
            "GUICHET_OWNER_DATABASE_URL is not set: the same database as the role that owns it"
        )


async def with_gateway(settings: Settings, use: Callable[[Gateway], Awaitable[Answer]]) -> Answer:
    """What ``use`` answers on a gateway of its own, as the serving role; raises ``CannotServe``.

    An operator acts for every application.
    """
    async with (
        database_urls(settings) as (serving_url, _),
        opened_gateway(settings, serving_url) as made,
    ):
        with acting_for(*made.access.application_ids()):
            return await use(made)


async def apply_migrations(settings: Settings) -> list[str]:
    """Bring the tables to this version; the names of what was applied. Raises ``CannotServe``."""
    _need_owner(settings)
    async with database_urls(settings) as (serving_url, owner_url):
        role = serving_role(serving_url)
        if not role:
            raise CannotServe("GUICHET_DATABASE_URL must name the serving role: it gets its rights")
        return await migrate(owner_url, role, lambda: open_vault(settings))


@asynccontextmanager
async def database_urls(settings: Settings) -> AsyncIterator[tuple[str, str]]:
    """(serving, owner) addresses of the database."""
    if settings.database_url:
        yield settings.database_url, settings.owner_database_url or settings.database_url
        return
    launcher = embedded_database(settings)
    running = running_endpoints(launcher.folder)
    if running is not None:
        yield running.serving_dsn, running.owner_dsn
        return
    endpoints: Endpoints = await launcher.start()
    try:
        role = serving_role(endpoints.serving_dsn)
        await migrate(endpoints.owner_dsn, role, lambda: open_vault(settings))
        yield endpoints.serving_dsn, endpoints.owner_dsn
    finally:
        await launcher.stop()
