"""What commands have in common: settings, the time, a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

from guichet import logs
from guichet.domain.access import Application
from guichet.domain.errors import Invalid, NotFound
from guichet.domain.money import InvalidAmount, Money, is_currency, parse_money
from guichet.gateway import Gateway
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


def application_of(gateway: Gateway, application_id: UUID) -> Application:
    """An application that is not archived; raises ``NotFound``."""
    found = gateway.access.application(application_id)
    if found is None:
        raise NotFound("application", str(application_id))
    return found


def money_of(amount: str, currency: str) -> Money:
    """The money that an operator typed; raises ``Invalid``."""
    if not is_currency(currency):
        raise Invalid("currency", "unknown")
    try:
        return parse_money(amount, currency)
    except InvalidAmount as error:
        raise Invalid("amount", error.rule) from error


def with_database(use: Callable[[Connection], Awaitable[Answer]]) -> Answer:
    """What ``use`` answers on a connection as the owner; raises ``CannotServe``."""
    return asyncio.run(operations.with_database(read_settings(), use))
