"""Forms of payment links that are sent twice: the same payment, or one that takes its place."""

from __future__ import annotations

import asyncio

import pytest

from gateways import caller_of
from guichet.domain.money import Money
from guichet.domain.outcomes import Done, Reason, Refused
from guichet.gateway import Gateway
from guichet.services.checkout import reserve_attempt
from guichet.services.link_payments import pay_link
from guichet.services.links import close_link
from guichet.services.payments import read_payment
from services.selling import NONCE, form, payments_of, published, settle

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def gateway(shop: Gateway) -> Gateway:
    return shop


@pytest.mark.parametrize("limit", [None, 1])
async def test_form_sent_again_answers_its_payment(gateway: Gateway, limit: int | None) -> None:
    link = await published(gateway, payments_limit=limit)
    first = await pay_link(gateway, link.slug, form())
    assert await pay_link(gateway, link.slug, form()) == first
    await close_link(gateway, caller_of(gateway), link.id)
    assert await pay_link(gateway, link.slug, form()) == first
    assert await payments_of(gateway, link) == 1


@pytest.mark.parametrize("limit", [None, 1])
async def test_form_sent_thirty_times_at_once_makes_one_payment(
    gateway: Gateway, limit: int | None
) -> None:
    link = await published(gateway, payments_limit=limit)
    views = await asyncio.gather(*(pay_link(gateway, link.slug, form()) for _ in range(30)))
    assert len({view.payment.id for view in views}) == 1
    assert await payments_of(gateway, link) == 1


async def test_form_sent_again_with_another_bank_replaces_what_was_not_begun(
    gateway: Gateway,
) -> None:
    link = await published(gateway, payments_limit=1)
    first = await pay_link(gateway, link.slug, form())
    second = await pay_link(gateway, link.slug, form(institution_key="7"))
    former = await read_payment(gateway, caller_of(gateway), first.payment.id)
    assert (former.payment.status, former.payment.reason) == ("cancelled", Reason.WITHDRAWN)
    assert (second.payment.status, second.payment.institution_id) == ("pending", 7)
    assert await pay_link(gateway, link.slug, form(institution_key="7")) == second


async def test_form_sent_again_with_another_bank_leaves_what_was_begun(gateway: Gateway) -> None:
    link = await published(gateway, payments_limit=1)
    first = await pay_link(gateway, link.slug, form())
    await reserve_attempt(gateway, first.payment.id)
    again = await pay_link(gateway, link.slug, form(institution_key="7"))
    assert again.payment.id == first.payment.id


async def test_form_sent_again_after_it_was_paid_shows_the_payment(gateway: Gateway) -> None:
    link = await published(gateway)
    first = await pay_link(gateway, link.slug, form())
    await settle(gateway, first.payment.id, Done(received=Money(35041, "GBP")))
    again = await pay_link(gateway, link.slug, form(institution_key="7"))
    assert (again.payment.id, again.payment.status) == (first.payment.id, "completed")


async def test_form_sent_again_after_it_failed_begins_anew(gateway: Gateway) -> None:
    link = await published(gateway, payments_limit=1)
    first = await pay_link(gateway, link.slug, form())
    await settle(gateway, first.payment.id, Refused(reason=Reason.DECLINED))
    again = await pay_link(gateway, link.slug, form())
    assert again.payment.id != first.payment.id


async def test_same_nonce_on_another_link_is_another_form(gateway: Gateway) -> None:
    one, other = await published(gateway), await published(gateway)
    first = await pay_link(gateway, one.slug, form())
    assert (await pay_link(gateway, other.slug, form())).payment.id != first.payment.id


async def test_no_merchants_key_reaches_the_payments_of_forms(gateway: Gateway) -> None:
    link = await published(gateway)
    view = await pay_link(gateway, link.slug, form())
    async with gateway.database.connection() as connection:
        key = await connection.fetchval(
            "SELECT request_key FROM payments WHERE id = $1", view.payment.id
        )
    assert NONCE in key
    assert not key.isprintable()
