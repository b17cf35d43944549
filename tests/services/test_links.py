"""Payment links: the states that strangers meet, their room, and forms that are sent twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from conftest import DatabaseUrls
from gateways import OTHER_APPLICATION_ID, caller_of
from guichet.domain.clock import MovableClock
from guichet.domain.errors import Invalid, LinkNotPayable, NotFound
from guichet.domain.links import Link
from guichet.domain.money import Money
from guichet.domain.outcomes import Done, Reason, Refused
from guichet.gateway import Gateway
from guichet.services.checkout import open_checkout, reserve_attempt
from guichet.services.closing import expire_payment
from guichet.services.customers import read_customer
from guichet.services.link_payments import open_link, pay_link
from guichet.services.links import (
    close_link,
    create_link,
    delete_link,
    publish_link,
    read_link,
    unpublish_link,
    update_link,
)
from guichet.services.payments import read_payment
from guichet.services.settlement import record_outcome
from guichet.store.audit import findings
from services.selling import NONCE, form, new_link, payments_of, published, settle

_Ending = Callable[[Gateway, Link], Awaitable[object]]


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def gateway(shop: Gateway) -> Gateway:
    return shop


async def set_limit(gateway: Gateway, link: Link, limit: int | None) -> None:
    await update_link(
        gateway, caller_of(gateway), link.id, lambda it: it._replace(payments_limit=limit)
    )


# --- states --------------------------------------------------------------------------------------


async def disable(gateway: Gateway, link: Link) -> None:
    await update_link(gateway, caller_of(gateway), link.id, lambda it: it._replace(enabled=False))


async def expire(gateway: Gateway, link: Link) -> None:
    now = gateway.clock.now()
    await update_link(gateway, caller_of(gateway), link.id, lambda it: it._replace(expires_at=now))


async def use_up(gateway: Gateway, link: Link) -> None:
    await set_limit(gateway, link, 1)
    await pay_link(gateway, link.slug, form(nonce="another_nonce_of_it"))


ENDINGS: list[tuple[_Ending, str]] = [
    (lambda gateway, link: unpublish_link(gateway, caller_of(gateway), link.id), "draft"),
    (lambda gateway, link: close_link(gateway, caller_of(gateway), link.id), "closed"),
    (disable, "disabled"),
    (expire, "expired"),
    (use_up, "used_up"),
]


@pytest.mark.parametrize(("end", "state"), ENDINGS)
async def test_link_that_is_not_open_says_so_and_takes_no_payment(
    gateway: Gateway, end: _Ending, state: str
) -> None:
    link = await published(gateway)
    await end(gateway, link)
    assert (await open_link(gateway, link.slug)).state == state
    with pytest.raises(LinkNotPayable) as refused:
        await pay_link(gateway, link.slug, form())
    assert refused.value.state == state


@pytest.mark.parametrize("slug", ["5EczjXZRsZ", "", "x" * 5000])
async def test_unknown_slug_is_not_found(gateway: Gateway, slug: str) -> None:
    for call in (open_link(gateway, slug), pay_link(gateway, slug, form())):
        with pytest.raises(NotFound):
            await call


async def test_deleted_link_is_not_found_by_anybody(gateway: Gateway) -> None:
    link = await published(gateway)
    await delete_link(gateway, caller_of(gateway), link.slug)
    calls = (
        open_link(gateway, link.slug),
        pay_link(gateway, link.slug, form()),
        read_link(gateway, caller_of(gateway), link.id),
        delete_link(gateway, caller_of(gateway), link.id),
    )
    for call in calls:
        with pytest.raises(NotFound):
            await call


async def test_link_of_an_archived_application_is_not_found(
    gateway: Gateway, shop_urls: DatabaseUrls
) -> None:
    caller = caller_of(gateway, OTHER_APPLICATION_ID)
    link = await create_link(gateway, caller, new_link())
    await publish_link(gateway, caller, link.id)
    archive = "UPDATE applications SET archived_at = $2 WHERE id = $1"
    owner = await asyncpg.connect(shop_urls.owner_url)
    await owner.execute(archive, caller.application.id, gateway.clock.now())
    await gateway.access.refresh()
    try:
        with pytest.raises(NotFound):
            await open_link(gateway, link.slug)
    finally:
        await owner.execute(archive, caller.application.id, None)
        await owner.close()
        await gateway.access.refresh()


async def test_link_shows_the_rails_that_can_be_used_now(gateway: Gateway) -> None:
    link = await published(gateway, rails=("mobile_money", "open_banking"))
    assert (await open_link(gateway, link.slug)).rails == ("open_banking",)


# --- the payment ---------------------------------------------------------------------------------


async def test_payment_is_the_links_in_everything_but_the_payer(gateway: Gateway) -> None:
    link = await published(gateway, notify_url="https://shop.example/hook")
    view = await pay_link(gateway, link.slug, form(amount=Money(1, "GBP")))
    payment = await read_payment(gateway, caller_of(gateway), view.payment.id)
    assert payment == view
    assert (view.payment.money, view.payment.link_id) == (Money(35041, "GBP"), link.id)
    assert (view.payment.reference, view.payment.notify_url) == (
        "NEOPAY-IPHONE",
        "https://shop.example/hook",
    )
    assert view.payment.payee_id == caller_of(gateway).application.payee.id


async def test_payer_chooses_the_amount_only_where_the_link_lets_them(gateway: Gateway) -> None:
    link = await published(gateway, amount_minor=None)
    view = await pay_link(gateway, link.slug, form(amount=Money(500, "GBP")))
    assert view.payment.money == Money(500, "GBP")


async def test_payer_changes_nothing_of_a_customer_but_what_they_were_asked(
    gateway: Gateway,
) -> None:
    link = await published(gateway, customer_data="name")
    sent = {"name": " Jane ", "phone": "+44 1", "company_number": "C1"}
    await pay_link(gateway, link.slug, form(email="jane@example.com", **sent))
    customer = await read_customer(gateway, caller_of(gateway), "jane@example.com")
    assert (customer.name, customer.phone, customer.company_number) == ("Jane", None, None)


FULL = {
    "name": "Jane Payer",
    "phone": "+44 20 7946 0000",
    "street": "Baker Street",
    "zip_code": "NW1 6XE",
    "city": "London",
    "country": "GB",
}


@pytest.mark.parametrize(
    ("columns", "changes", "field", "rule"),
    [
        ({"amount_minor": None}, {}, "amount", "required"),
        ({"amount_minor": None}, {"amount": Money(1, "EUR")}, "amount", "unknown"),
        ({"amount_minor": None}, {"amount": Money(0, "GBP")}, "amount", "min"),
        ({"amount_minor": None}, {"amount": Money(-1, "GBP")}, "amount", "min"),
        ({"amount_minor": None}, {"amount": Money(10**10, "GBP")}, "amount", "max"),
        ({}, {"rail": "pix"}, "rail", "unknown"),
        ({"rails": ("pix",)}, {}, "rail", "unknown"),
        ({}, {"institution_key": None}, "institution", "required"),
        ({}, {"institution_key": "21"}, "institution", "unknown"),
        ({}, {"email": ""}, "customer.email", "required"),
        ({}, {"email": "nobody"}, "customer.email", "unknown"),
        ({}, {"email": "a@b.example\x00"}, "customer.email", "characters"),
        ({"customer_data": "name"}, {}, "customer.name", "required"),
        ({"customer_data": "name"}, {"name": " "}, "customer.name", "required"),
        ({"customer_data": "name"}, {"name": "x" * 256}, "customer.name", "max"),
        ({"customer_data": "name"}, {"name": "J\x00"}, "customer.name", "characters"),
        ({"customer_data": "name_phone"}, {"name": "Jane"}, "customer.phone", "required"),
        *(
            ({"customer_data": "full_customer"}, FULL | {name: ""}, f"customer.{name}", "required")
            for name in FULL
        ),
        ({}, {"nonce": ""}, "nonce", "unknown"),
        ({}, {"nonce": "x" * 15 + "\n"}, "nonce", "unknown"),
        ({}, {"nonce": "x" * 65}, "nonce", "unknown"),
    ],
)
async def test_what_a_payer_sends_wrong_is_told_and_makes_nothing(
    gateway: Gateway, columns: dict[str, Any], changes: dict[str, Any], field: str, rule: str
) -> None:
    link = await published(gateway, **columns)
    sent = {"email": "wrong@example.com"} | changes
    with pytest.raises(Invalid) as refused:
        await pay_link(gateway, link.slug, form(**sent))
    assert (refused.value.field, refused.value.rule) == (field, rule)
    assert await payments_of(gateway, link) == 0
    with pytest.raises(NotFound):
        await read_customer(gateway, caller_of(gateway), "wrong@example.com")


async def test_address_is_enough_without_state_and_house_number(gateway: Gateway) -> None:
    link = await published(gateway, customer_data="full_customer")
    view = await pay_link(gateway, link.slug, form(**FULL))
    assert view.customer.city == "London"


# --- room ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 3])
async def test_no_more_payments_begin_than_there_is_room_for(gateway: Gateway, limit: int) -> None:
    link = await published(gateway, payments_limit=limit)
    tries = (pay_link(gateway, link.slug, form(nonce=f"{NONCE}{n}")) for n in range(20))
    answers = await asyncio.gather(*tries, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, LinkNotPayable)]
    assert [error.state for error in refused] == ["used_up"] * (20 - limit)
    assert await payments_of(gateway, link) == limit


async def test_room_that_nobody_used_comes_back_after_half_an_hour(
    gateway: Gateway,
) -> None:
    clock = gateway.clock
    assert isinstance(clock, MovableClock)
    link = await published(gateway, payments_limit=1)
    view = await pay_link(gateway, link.slug, form())
    clock.move(timedelta(minutes=29))
    await expire_payment(gateway, view.payment.id)
    assert (await open_link(gateway, link.slug)).state == "used_up"
    clock.move(timedelta(minutes=2))
    await expire_payment(gateway, view.payment.id)
    assert (await open_link(gateway, link.slug)).state == "open"


@pytest.mark.parametrize(
    ("outcome", "state"),
    [(Done(received=Money(35041, "GBP")), "used_up"), (Refused(reason=Reason.DECLINED), "open")],
)
async def test_payment_keeps_its_room_unless_it_fails(
    gateway: Gateway, outcome: Any, state: str
) -> None:
    link = await published(gateway, payments_limit=1)
    view = await pay_link(gateway, link.slug, form())
    await settle(gateway, view.payment.id, outcome)
    assert (await open_link(gateway, link.slug)).state == state


async def test_payment_of_a_link_without_limit_lives_as_the_application_says(
    gateway: Gateway,
) -> None:
    link = await published(gateway)
    payment = (await pay_link(gateway, link.slug, form())).payment
    assert payment.expires_at - payment.created_at == timedelta(days=1)


async def test_limit_set_while_somebody_pays_holds(gateway: Gateway) -> None:
    link = await published(gateway)
    await pay_link(gateway, link.slug, form(nonce=f"{NONCE}_first"))
    tries = [pay_link(gateway, link.slug, form(nonce=f"{NONCE}{n}")) for n in range(10)]
    await asyncio.gather(set_limit(gateway, link, 1), *tries, return_exceptions=True)
    before = await payments_of(gateway, link)
    with pytest.raises(LinkNotPayable):
        await pay_link(gateway, link.slug, form())
    assert await payments_of(gateway, link) == before


# --- payments under way when a link ends ---------------------------------------------------------


@pytest.mark.parametrize(("end", "state"), ENDINGS[:4])
async def test_payment_that_was_not_begun_ends_with_its_link(
    gateway: Gateway, end: _Ending, state: str
) -> None:
    link = await published(gateway)
    payment = (await pay_link(gateway, link.slug, form())).payment
    await end(gateway, link)
    with pytest.raises(LinkNotPayable) as refused:
        await reserve_attempt(gateway, payment.id)
    token = gateway.vault.token("checkout", payment.id.bytes)
    view = await open_checkout(gateway, payment.id, token)
    assert (refused.value.state, view.link_state, view.is_startable) == (state, state, False)


@pytest.mark.parametrize(
    "end", [*(end for end, _ in ENDINGS[:4]), lambda g, link: delete_link(g, caller_of(g), link.id)]
)
async def test_payment_that_was_begun_outlives_its_link(gateway: Gateway, end: _Ending) -> None:
    link = await published(gateway)
    payment = (await pay_link(gateway, link.slug, form())).payment
    started = await reserve_attempt(gateway, payment.id)
    assert started is not None
    await end(gateway, link)
    await record_outcome(gateway, started[1].id, Done(received=Money(35041, "GBP")))
    paid = await read_payment(gateway, caller_of(gateway), payment.id)
    assert paid.payment.status == "completed"
    async with gateway.database.connection() as connection:
        assert await findings(connection) == []


async def test_last_payment_with_room_can_be_begun(gateway: Gateway) -> None:
    link = await published(gateway, payments_limit=1)
    payment = (await pay_link(gateway, link.slug, form())).payment
    assert await reserve_attempt(gateway, payment.id) is not None


# --- merchants -----------------------------------------------------------------------------------


async def test_other_application_reaches_no_link(gateway: Gateway) -> None:
    link = await create_link(gateway, caller_of(gateway), new_link())
    other = caller_of(gateway, OTHER_APPLICATION_ID)
    for key in (link.id, link.slug):
        for call in (read_link, close_link, delete_link, unpublish_link):
            with pytest.raises(NotFound):
                await call(gateway, other, key)
    assert await read_link(gateway, caller_of(gateway), link.id) == link


async def test_refused_change_leaves_the_link(gateway: Gateway) -> None:
    link = await create_link(gateway, caller_of(gateway), new_link())

    def change(_: Link) -> Link:
        raise Invalid("product", "unknown")

    with pytest.raises(Invalid):
        await update_link(gateway, caller_of(gateway), link.id, change)
    assert await read_link(gateway, caller_of(gateway), link.id) == link


async def test_changes_at_once_are_all_made(gateway: Gateway) -> None:
    link = await create_link(gateway, caller_of(gateway), new_link(payments_limit=1))

    def more(it: Link) -> Link:
        return it._replace(payments_limit=(it.payments_limit or 0) + 1)

    caller = caller_of(gateway)
    await asyncio.gather(*(update_link(gateway, caller, link.id, more) for _ in range(20)))
    after = await read_link(gateway, caller, link.id)
    assert (after.payments_limit, after.version) == (21, 21)
