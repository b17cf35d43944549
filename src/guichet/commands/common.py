"""What commands have in common: settings, the time, a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from guichet import logs
from guichet.server import operations
from guichet.settings import Settings
from guichet.store.database import Connection

Answer = TypeVar("Answer")


def read_settings() -> Settings:
    """The settings of the environment, and the log as they say."""
    settings = Settings.from_environment()
    logs.configure(settings.log_level)
    return settings


def now() -> datetime:
    """The time at which a command does what it does."""
    return datetime.now(UTC)


def with_database(use: Callable[[Connection], Awaitable[Answer]]) -> Answer:
    """What ``use`` answers on a connection as the owner; raises ``CannotServe``."""
    return asyncio.run(operations.with_database(read_settings(), use))
