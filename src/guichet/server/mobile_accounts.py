"""Applications' accounts at mobile operators and at the aggregator, as commands connect them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple
from uuid import UUID

from guichet.bootstrap import GSMA, MTN, NOTCHPAY, gsma_rail, mtn_rail, notchpay_rail
from guichet.domain.access import Environment
from guichet.outbound.client import GuardedClient
from guichet.rails.gsma.account import parse_account as parse_gsma_account
from guichet.rails.mtn.account import parse_account as parse_mtn_account
from guichet.rails.notchpay.account import parse_account as parse_notchpay_account
from guichet.rails.notchpay.rail import NotchpayRail
from guichet.rails.port import CheckableRail
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
from guichet.vault import Vault

Build = Callable[[Settings, GuardedClient, Vault, str], CheckableRail]


class _Provider(NamedTuple):
    """What is asked of a rail's accounts, and its connector."""

    parse: Callable[[Mapping[str, str], str], object]
    build: Build


def _build_notchpay(
    settings: Settings, client: GuardedClient, _vault: Vault, environment: str
) -> NotchpayRail:
    return notchpay_rail(settings, client, environment)


_PROVIDERS: Mapping[str, _Provider] = {
    MTN: _Provider(parse_mtn_account, mtn_rail),
    GSMA: _Provider(parse_gsma_account, gsma_rail),
    NOTCHPAY: _Provider(parse_notchpay_account, _build_notchpay),
}


def connect(
    settings: Settings, rail: str, application_id: UUID, fields: Mapping[str, str]
) -> Connected:
    """Give an application the account that ``fields`` describe, in place of any former one.

    Raises ``AccountTrouble`` naming every wrong field, and ``NotFound``.
    """
    return connect_to(settings, application_id, rail, fields, _PROVIDERS[rail].parse)


def register_webhook(settings: Settings, connected: Connected) -> None:
    """Have Notch Pay send its notices here; raises ``AccountTrouble``."""
    account, environment, url = connected

    async def ask(client: GuardedClient) -> None:
        await notchpay_rail(settings, client, environment).register_webhook(account, url)

    asked(ask, "Notch Pay")


def look(settings: Settings, rail: str, application_id: UUID | None) -> list[str]:
    """Ask a provider something harmless with an application's account (None: the sandbox's own).

    What is wrong with the account, if it answers. Raises ``AccountTrouble`` if it does not, and
    ``NotFound``.
    """
    vault = open_vault(settings)
    if application_id is None:
        url = notice_url(settings.notices_base_url, vault, rail, Environment.SANDBOX, None)
        account, environment = None, Environment.SANDBOX
    else:
        account, environment, url = connected_to(settings, application_id, rail)

    async def ask(client: GuardedClient) -> list[str]:
        try:
            connector = _PROVIDERS[rail].build(settings, client, vault, environment)
        except ValueError as error:
            raise AccountTrouble(str(error)) from error
        return await connector.check(account, url)

    return asked(ask, rail)
