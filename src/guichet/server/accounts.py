"""Applications' accounts at PSPs, as an operator's commands connect them and look at them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar
from uuid import UUID

from guichet.bootstrap import PIX, pix_rail, pix_sandbox_account
from guichet.domain.access import Environment
from guichet.domain.errors import GuichetError, NotFound
from guichet.domain.orders import ProviderAccount
from guichet.outbound.client import GuardedClient
from guichet.rails.accounts import InvalidAccount
from guichet.rails.pix.account import PixAccount, parse_account
from guichet.rails.pix.api import Denied
from guichet.rails.pix.rail import Check, PixRail
from guichet.rails.port import RailUnavailable
from guichet.server.certificates import CERTIFICATE_MARGIN
from guichet.server.operations import open_vault, with_database
from guichet.services import administration
from guichet.services.notices import notice_url
from guichet.settings import Settings
from guichet.store.database import Connection
from guichet.vault import Vault

Answer = TypeVar("Answer")


class AccountTrouble(GuichetError):
    """The account cannot be used."""


class Connected(NamedTuple):
    """An account that is in use now, and where its PSP may send notices."""

    account: ProviderAccount
    environment: Environment
    webhook_url: str


def connect(settings: Settings, application_id: UUID, fields: Mapping[str, str]) -> Connected:
    """Give an application the account that ``fields`` describe, in place of any former one.

    Raises ``AccountTrouble`` naming every wrong field, and ``NotFound``.
    """
    vault = open_vault(settings)

    async def store(connection: Connection) -> tuple[Environment, UUID]:
        environment = await administration.application_environment(connection, application_id)
        try:
            parse_account(fields, environment)
        except InvalidAccount as error:
            raise AccountTrouble(str(error)) from error
        now = datetime.now(UTC)
        return environment, await administration.connect_account(
            connection, vault, application_id, PIX, fields, now
        )

    environment, account_id = asyncio.run(with_database(settings, store))
    url = notice_url(settings.notices_base_url, vault, PIX, environment, account_id)
    return Connected(ProviderAccount(account_id, fields), environment, url)


def register_webhook(settings: Settings, connected: Connected) -> None:
    """Tell the PSP where to send notices; raises ``AccountTrouble``."""
    account, environment, url = connected
    _ask(settings, environment, lambda rail: rail.register_webhook(account, url))


def look(settings: Settings, application_id: UUID | None) -> list[str]:
    """Ask an application's PSP (None: the sandbox's own) for a token and a read; what is wrong.

    Raises ``AccountTrouble`` if it does not answer, and ``NotFound``.
    """
    vault = open_vault(settings)
    if application_id is None:
        default = _sandbox_account(settings)
        environment, account, subject = Environment.SANDBOX, None, default.webhook_subject
    else:
        default = None
        environment, account = _account_of(settings, application_id, vault)
        subject = account.settings.get("webhook_subject", "")
    found = _ask(settings, environment, lambda rail: rail.check(account), default)
    account_id = account.id if account else None
    url = notice_url(settings.notices_base_url, vault, PIX, environment, account_id)
    return list(_doubts(found, subject, url))


def _sandbox_account(settings: Settings) -> PixAccount:
    try:
        account = pix_sandbox_account(settings)
    except ValueError as error:
        raise AccountTrouble(str(error)) from error
    if account is None:
        raise AccountTrouble("GUICHET_PIX_SANDBOX_URL is not set: name an application")
    return account


def _account_of(
    settings: Settings, application_id: UUID, vault: Vault
) -> tuple[Environment, ProviderAccount]:
    async def read(connection: Connection) -> tuple[Environment, ProviderAccount]:
        environment = await administration.application_environment(connection, application_id)
        account = await administration.account_in_use(connection, vault, application_id, PIX)
        if account is None:
            raise NotFound("PIX account of application", str(application_id))
        return environment, account

    return asyncio.run(with_database(settings, read))


def _doubts(found: Check, webhook_subject: str, url: str) -> Iterator[str]:
    expires_at = found.certificate_expires_at
    if expires_at is not None and expires_at < datetime.now(UTC) + CERTIFICATE_MARGIN:
        yield f"our certificate there expires on {expires_at:%Y-%m-%d}"
    if not webhook_subject:
        yield "no webhook subject is set: no notice is believed, payments are found by asking"
    elif found.webhook_url != url:
        where = "elsewhere than" if found.webhook_url else "nowhere, and not"
        yield f"the PSP sends notices {where} to {url}"


def _ask(
    settings: Settings,
    environment: Environment,
    ask: Callable[[PixRail], Awaitable[Answer]],
    default: PixAccount | None = None,
) -> Answer:
    async def asked() -> Answer:
        async with GuardedClient() as client:
            return await ask(pix_rail(settings, client, environment, default))

    try:
        return asyncio.run(asked())
    except RailUnavailable as error:
        raise AccountTrouble(f"the PSP cannot be asked: {error}") from error
    except Denied as error:
        raise AccountTrouble(f"the PSP says no: {error}") from error
