"""Which connector serves a channel: an operator's own where there is an account, else Notch Pay."""

from __future__ import annotations

from dataclasses import replace

import asyncpg
import pytest

from conftest import DatabaseUrls
from gateways import APPLICATION_ID
from guichet.domain.access import Application, Environment
from guichet.domain.channels import CHANNELS
from guichet.gateway import Gateway
from guichet.services.administration import connect_account
from guichet.services.channels import rail_of_channel

SETTINGS = {
    "mtn": {
        "base_url": "https://mtn.example",
        "target_environment": "mtncameroon",
        "collection_subscription_key": "k",
        "collection_api_user": "u",
        "collection_api_key": "k",
    },
    "gsma": {
        "base_url": "https://operator.example/mm",
        "client_id": "c",
        "client_secret": "s",
        "currency": "XAF",
    },
    "notchpay": {"public_key": "pk.x", "private_key": "sk.x"},
}


@pytest.fixture
def application(gateway: Gateway) -> Application:
    """A sandbox application whose money is francs."""
    found = gateway.access.application(APPLICATION_ID)
    assert found is not None
    return replace(found, currency="XAF")


async def connect(gateway: Gateway, urls: DatabaseUrls, *rails: str) -> None:
    """Give the application accounts of its own."""
    owner = await asyncpg.connect(urls.owner_url)
    try:
        for rail in rails:
            now = gateway.clock.now()
            await connect_account(owner, gateway.vault, APPLICATION_ID, rail, SETTINGS[rail], now)
    finally:
        await owner.close()
    await gateway.access.refresh()


def names(
    gateway: Gateway, application: Application, *channels: str, sends: bool = False
) -> list[str | None]:
    rails = [
        rail_of_channel(gateway, application, CHANNELS[each], sends=sends) for each in channels
    ]
    return [rail.card.name if rail else None for rail in rails]


async def test_a_sandbox_has_mtn_and_notch_pay(gateway: Gateway, application: Application) -> None:
    channels = ("cm.mtn", "cm.orange", "ci.mtn", "ci.moov")

    assert names(gateway, application, *channels) == ["mtn", "notchpay", "notchpay", "notchpay"]


async def test_an_operator_that_was_named_for_the_sandbox_serves_it(
    gateway: Gateway, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = replace(gateway.settings, gsma_sandbox_url="https://operator.example/mm")
    monkeypatch.setattr(gateway, "settings", named)

    assert names(gateway, application, "cm.orange", "ci.orange") == ["gsma", "notchpay"]


async def test_an_account_at_an_operator_comes_first(
    gateway: Gateway, application: Application, database_urls: DatabaseUrls
) -> None:
    await connect(gateway, database_urls, "gsma")

    assert names(gateway, application, "cm.orange", "sn.orange") == ["gsma", "notchpay"]


async def test_live_channels_are_those_of_the_accounts(
    gateway: Gateway, application: Application, database_urls: DatabaseUrls
) -> None:
    live = replace(application, environment=Environment.LIVE)
    channels = ("cm.mtn", "cm.orange")
    assert names(gateway, live, *channels) == [None, None]
    await connect(gateway, database_urls, "mtn")
    assert names(gateway, live, *channels) == ["mtn", None]
    await connect(gateway, database_urls, "notchpay")
    assert names(gateway, live, *channels) == ["mtn", "notchpay"]
    # MTN's account collects alone: what is sent goes through the other one.
    assert names(gateway, live, *channels, sends=True) == ["notchpay", "notchpay"]
