"""The money with which sandbox applications of Notch Pay's dialect begin."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest

from conftest import DatabaseUrls
from gateways import MERCHANT_ID, SECRET_KEY
from guichet import demo
from guichet.domain.access import Environment
from guichet.domain.errors import Invalid
from guichet.services.administration import NewApplication, create_application
from guichet.services.opening import open_balance
from guichet.store.audit import findings
from guichet.store.database import Connection
from guichet.vault import Vault

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOW = datetime(2026, 1, 1, tzinfo=UTC)
VAULT = Vault([SECRET_KEY])
NEW = NewApplication(
    merchant_id=MERCHANT_ID,
    name="Boutique",
    dialect="notchpay",
    environment=Environment.SANDBOX,
    currency="XAF",
    payee_name="Boutique",
    payee_country="CM",
    bank_name="Banque",
    account="CM2110002000300277976315008",
    bic="DEMOCMCX",
)


async def available(connection: Connection, application_id: UUID) -> int | None:
    minor: int | None = await connection.fetchval(
        "SELECT balance_minor FROM ledger_accounts WHERE application_id = $1"
        " AND code = 'merchant_available'",
        application_id,
    )
    return minor


@pytest.mark.parametrize(
    ("changes", "minor"),
    [
        ({}, 1_000_000),
        ({"currency": "EUR"}, 100_000_000),
        ({"environment": Environment.LIVE}, None),
        ({"dialect": "neopay", "currency": "EUR"}, None),
    ],
    ids=["francs", "cents", "live", "the other dialect"],
)
async def test_application_begins_with(
    shop_urls: DatabaseUrls, changes: dict[str, object], minor: int | None
) -> None:
    owner = await asyncpg.connect(shop_urls.owner_url)
    made = await create_application(owner, VAULT, replace(NEW, **changes), NOW)  # type: ignore[arg-type]

    assert await available(owner, made.application_id) == minor
    assert await findings(owner) == []
    await owner.close()


async def test_live_applications_are_given_nothing(shop_urls: DatabaseUrls) -> None:
    owner = await asyncpg.connect(shop_urls.owner_url)
    with pytest.raises(Invalid):
        await open_balance(owner, MERCHANT_ID, Environment.LIVE, "XAF", NOW)
    await owner.close()


async def test_demo_merchant_is_given_it_once_however_often_it_is_seeded(
    shop_urls: DatabaseUrls,
) -> None:
    owners = [await asyncpg.connect(shop_urls.owner_url) for _ in range(3)]
    for _ in range(2):
        await asyncio.gather(*(demo.seed(owner, VAULT, NOW) for owner in owners))

    assert await available(owners[0], demo.NOTCH_APPLICATION_ID) == 1_000_000
    assert await findings(owners[0]) == []
    for owner in owners:
        await owner.close()
