"""Applications' accounts at PSPs, as an operator's commands connect them and look at them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

from guichet.bootstrap import PIX, pix_rail, pix_sandbox_account
from guichet.domain.access import Environment
from guichet.rails.pix.account import PixAccount, parse_account
from guichet.rails.pix.api import Denied
from guichet.rails.pix.rail import Check, PixRail
from guichet.server.certificates import CERTIFICATE_MARGIN
from guichet.server.operations import open_vault
from guichet.server.provider_accounts import (
    AccountTrouble,
    Connected,
    asked,
    connect_to,
    connected_to,
)
from guichet.services.notices import notice_url
from guichet.settings import Settings

Answer = TypeVar("Answer")


def connect(settings: Settings, application_id: UUID, fields: Mapping[str, str]) -> Connected:
    """Give an application the account that ``fields`` describe, in place of any former one.

    Raises ``AccountTrouble`` naming every wrong field, and ``NotFound``.
    """
    return connect_to(settings, application_id, PIX, fields, parse_account)


def register_webhook(settings: Settings, connected: Connected) -> None:
    """Tell the PSP where to send notices; raises ``AccountTrouble``."""
    account, environment, url = connected
    _ask(settings, environment, lambda rail: rail.register_webhook(account, url))


def look(settings: Settings, application_id: UUID | None) -> list[str]:
    """Ask an application's PSP (None: the sandbox's own) for a token and a read; what is wrong.

    Raises ``AccountTrouble`` if it does not answer, and ``NotFound``.
    """
    if application_id is None:
        default = _sandbox_account(settings)
        url = notice_url(
            settings.notices_base_url, open_vault(settings), PIX, Environment.SANDBOX, None
        )
        found = _ask(settings, Environment.SANDBOX, lambda rail: rail.check(None), default)
        return list(_doubts(found, default.webhook_subject, url))
    account, environment, url = connected_to(settings, application_id, PIX)
    found = _ask(settings, environment, lambda rail: rail.check(account))
    return list(_doubts(found, account.settings.get("webhook_subject", ""), url))


def _sandbox_account(settings: Settings) -> PixAccount:
    try:
        account = pix_sandbox_account(settings)
    except ValueError as error:
        raise AccountTrouble(str(error)) from error
    if account is None:
        raise AccountTrouble("GUICHET_PIX_SANDBOX_URL is not set: name an application")
    return account


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
    try:
        return asked(
            lambda client: ask(pix_rail(settings, client, environment, default)), "the PSP"
        )
    except Denied as error:
        raise AccountTrouble(f"the PSP says no: {error}") from error
