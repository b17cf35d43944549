"""Lists of payments: what is remembered between two of them never shows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from conftest import DatabaseUrls
from gateways import APPLICATION_ID, OTHER_APPLICATION_ID, caller_of, running_gateway, seed
from guichet.domain.clock import MovableClock
from guichet.domain.paging import Listing, Page
from guichet.gateway import Gateway
from guichet.services import payment_pages
from guichet.services.customers import update_customer
from guichet.services.payments import PaymentFilters, PaymentView, create_payment, list_payments
from orders import order


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
async def gateway(database_urls: DatabaseUrls, clock: MovableClock) -> AsyncIterator[Gateway]:
    await seed(database_urls.owner_url)
    async with running_gateway(database_urls.serving_url, clock=clock) as running:
        yield running


async def create(
    gateway: Gateway, count: int, application_id: UUID = APPLICATION_ID
) -> list[PaymentView]:
    caller = caller_of(gateway, application_id)
    return [await create_payment(gateway, caller, order()) for _ in range(count)]


async def newest(
    gateway: Gateway, application_id: UUID = APPLICATION_ID, number: int = 1
) -> Listing[PaymentView]:
    caller = caller_of(gateway, application_id)
    return await list_payments(gateway, caller, PaymentFilters(), Page(number, 3))


async def test_a_payer_who_changed_is_shown_as_they_are_now(gateway: Gateway) -> None:
    (made,) = await create(gateway, 1)
    await newest(gateway)
    await update_customer(gateway, caller_of(gateway), made.customer.id, {"name": "Jane Doe"})

    (shown,) = (await newest(gateway)).items

    assert shown.customer.name == "Jane Doe"


async def test_a_payment_moved_by_another_process_is_shown_as_it_is_now(
    gateway: Gateway, database_urls: DatabaseUrls
) -> None:
    await create(gateway, 1)
    await newest(gateway)
    connection = await asyncpg.connect(database_urls.owner_url)
    await connection.execute("UPDATE payments SET status = 'expired', version = version + 1")
    await connection.close()

    (shown,) = (await newest(gateway)).items

    assert shown.payment.status == "expired"


async def test_the_total_stays_exact_while_the_border_of_what_was_counted_moves(
    gateway: Gateway, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payment_pages, "_NEWER_MAX", 0)
    monkeypatch.setattr(payment_pages, "_MOVE_SECONDS", 0.0)
    totals = []
    for _ in range(4):
        await create(gateway, 2)
        totals.append((await newest(gateway)).total)
        clock.move(timedelta(minutes=2))

    assert totals == [2, 4, 6, 8]


async def test_a_total_spoilt_by_a_wrong_clock_heals(
    gateway: Gateway, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payment_pages, "_RECOUNT_SECONDS", 0.0)
    clock.move(timedelta(hours=1))
    await newest(gateway)
    clock.move(timedelta(hours=-1))
    await create(gateway, 1)

    assert (await newest(gateway)).total == 1


async def test_lists_asked_for_at_once_hold_their_own_payments(gateway: Gateway) -> None:
    ours = await create(gateway, 2)
    theirs = await create(gateway, 4, OTHER_APPLICATION_ID)

    first, second, third = await asyncio.gather(
        newest(gateway),
        newest(gateway, OTHER_APPLICATION_ID),
        newest(gateway, OTHER_APPLICATION_ID, number=2),
    )

    assert first == Listing(ours[::-1], 2)
    assert second == Listing(theirs[:0:-1], 4)
    assert third == Listing(theirs[:1], 4)


async def test_a_page_behind_the_last_is_empty_and_knows_the_total(gateway: Gateway) -> None:
    await create(gateway, 2)

    assert await newest(gateway, number=9) == Listing([], 2)


async def test_more_payments_than_are_remembered_are_listed_all_the_same(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payment_pages, "_VIEWS_MAX", 1)
    made = await create(gateway, 3)

    assert (await newest(gateway)).items == made[::-1]
    assert (await newest(gateway)).items == made[::-1]
