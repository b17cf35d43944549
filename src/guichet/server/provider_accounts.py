"""Applications' accounts at providers: given, looked up, and spoken to, as commands need it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar
from uuid import UUID

from guichet.domain.access import Environment
from guichet.domain.errors import GuichetError, NotFound
from guichet.domain.orders import ProviderAccount
from guichet.outbound.client import GuardedClient
from guichet.rails.accounts import InvalidAccount
from guichet.rails.mobile_orders import Denied
from guichet.rails.port import RailUnavailable
from guichet.server.operations import open_vault, with_database
from guichet.services import administration
from guichet.services.notices import notice_url
from guichet.settings import Settings
from guichet.store.database import Connection

Answer = TypeVar("Answer")


class AccountTrouble(GuichetError):
    """The account cannot be used."""


class Connected(NamedTuple):
    """An account that is in use, and where its provider may send notices."""

    account: ProviderAccount
    environment: Environment
    webhook_url: str


def connect_to(
    settings: Settings,
    application_id: UUID,
    rail: str,
    fields: Mapping[str, str],
    parse: Callable[[Mapping[str, str], str], object],
) -> Connected:
    """Give an application the account that ``fields`` describe, in place of any former one.

    ``parse`` raises ``InvalidAccount``. Raises ``AccountTrouble`` naming every wrong field, and
    ``NotFound``.
    """
    vault = open_vault(settings)

    async def store(connection: Connection) -> tuple[Environment, UUID]:
        environment = await administration.application_environment(connection, application_id)
        try:
            parse(fields, environment)
        except InvalidAccount as error:
            raise AccountTrouble(str(error)) from error
        now = datetime.now(UTC)
        return environment, await administration.connect_account(
            connection, vault, application_id, rail, fields, now
        )

    environment, account_id = asyncio.run(with_database(settings, store))
    url = notice_url(settings.notices_base_url, vault, rail, environment, account_id)
    return Connected(ProviderAccount(account_id, fields), environment, url)


def connected_to(settings: Settings, application_id: UUID, rail: str) -> Connected:
    """The account that an application has at a rail's provider; raises ``NotFound``."""
    vault = open_vault(settings)

    async def read(connection: Connection) -> tuple[Environment, ProviderAccount]:
        environment = await administration.application_environment(connection, application_id)
        account = await administration.account_in_use(connection, vault, application_id, rail)
        if account is None:
            raise NotFound(f"{rail} account of application", str(application_id))
        return environment, account

    environment, account = asyncio.run(with_database(settings, read))
    url = notice_url(settings.notices_base_url, vault, rail, environment, account.id)
    return Connected(account, environment, url)


def asked(ask: Callable[[GuardedClient], Awaitable[Answer]], provider: str) -> Answer:
    """What ``ask`` answers over a client of its own; raises ``AccountTrouble``."""

    async def alone() -> Answer:
        async with GuardedClient() as client:
            return await ask(client)

    try:
        return asyncio.run(alone())
    except RailUnavailable as error:
        raise AccountTrouble(f"{provider} cannot be asked: {error}") from error
    except Denied as error:
        raise AccountTrouble(f"{provider} says no: {error}") from error
