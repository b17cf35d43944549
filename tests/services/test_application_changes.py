"""What an operator changes of an application, and what is known of it everywhere at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from conftest import DatabaseUrls
from guichet.domain.access import Application
from guichet.domain.errors import Invalid, NotFound
from guichet.domain.money import Money
from guichet.gateway import Gateway
from guichet.services.application_changes import ApplicationChanges, change_application
from psp import connect
from services.conftest import NewMerchant
from services.sending import sender, sending_psp

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOW = datetime(2026, 11, 26, tzinfo=UTC)


@pytest_asyncio.fixture(loop_scope="module")
async def owner(shop_urls: DatabaseUrls) -> AsyncIterator[asyncpg.Connection[Any]]:
    connection = await asyncpg.connect(shop_urls.owner_url)
    yield connection
    await connection.close()


async def changed(
    shop: Gateway, owner: asyncpg.Connection[Any], application_id: UUID, **changes: Any
) -> Application:
    await change_application(owner, application_id, ApplicationChanges(**changes), NOW)
    await shop.access.refresh()
    found = shop.access.application(application_id)
    assert found is not None
    return found


async def test_what_is_not_named_stays(
    shop: Gateway, owner: asyncpg.Connection[Any], new_merchant: NewMerchant
) -> None:
    before = await changed(shop, owner, await new_merchant(fee=True))
    after = await changed(shop, owner, before.id, requests_per_minute=7, approves_transfers=True)

    assert (after.requests_per_minute, after.approves_transfers) == (7, True)
    assert after.fee_rule == before.fee_rule
    assert after.settlement_delay_hours == before.settlement_delay_hours


async def test_one_part_of_a_fee_is_changed_alone(
    shop: Gateway, owner: asyncpg.Connection[Any], new_merchant: NewMerchant
) -> None:
    after = await changed(shop, owner, await new_merchant(fee=True), fee_percent_bps=150)

    assert after.fee_rule is not None
    assert (after.fee_rule.percent_bps, after.fee_rule.fixed_minor) == (150, 10)
    assert after.transfer_fee_rule is None


async def test_fee_of_nothing_is_none(
    shop: Gateway, owner: asyncpg.Connection[Any], new_merchant: NewMerchant
) -> None:
    merchant = await new_merchant(fee=True)
    after = await changed(shop, owner, merchant, fee_percent_bps=0, fee_fixed_minor=0)

    assert after.fee_rule is None


async def test_transfer_fee_is_quoted_from_then_on(
    shop: Gateway, owner: asyncpg.Connection[Any], new_merchant: NewMerchant
) -> None:
    psp = sending_psp()
    connect(shop, psp)
    merchant = await sender(shop, psp, await new_merchant())
    before = await merchant.send(1_000)
    merchant.application = await changed(
        shop,
        owner,
        merchant.application.id,
        transfer_fee_percent_bps=100,
        transfer_fee_fixed_minor=5,
    )
    after = await merchant.send(1_000)

    assert (before.fee_minor, after.fee_minor, after.money) == (0, 15, Money(1_000, "GBP"))
    assert (await merchant.effects(before, after))["fee_income"] == 15


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"fee_percent_bps": 10_001}, "fee_percent_bps"),
        ({"fee_percent_bps": -1}, "fee_percent_bps"),
        ({"transfer_fee_fixed_minor": -1}, "transfer_fee_fixed_minor"),
        ({"transfer_fee_fixed_minor": 10**15}, "transfer_fee_fixed_minor"),
        ({"requests_per_minute": -1}, "requests_per_minute"),
        ({"settlement_delay_hours": -1}, "settlement_delay_hours"),
        ({"transfer_addresses": ["198.51.100.7/24"]}, "transfer_addresses"),
    ],
    ids=str,
)
async def test_what_cannot_be_is_refused_by_name(
    shop: Gateway,
    owner: asyncpg.Connection[Any],
    new_merchant: NewMerchant,
    changes: dict[str, Any],
    field: str,
) -> None:
    before = await changed(shop, owner, await new_merchant())
    with pytest.raises(Invalid) as refused:
        await changed(shop, owner, before.id, approves_transfers=True, **changes)

    assert refused.value.field == field
    assert await changed(shop, owner, before.id) == before


async def test_unknown_application_is_said_to_be_unknown(owner: asyncpg.Connection[Any]) -> None:
    with pytest.raises(NotFound):
        await change_application(owner, uuid4(), ApplicationChanges(), NOW)
