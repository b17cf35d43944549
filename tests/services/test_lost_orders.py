"""Money of orders that a restored backup does not know: suspense, until a person has decided."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
import pytest_asyncio

from guichet.domain.errors import Invalid, NotFound
from guichet.domain.money import Money
from guichet.domain.outcomes import TakenBack
from guichet.gateway import Gateway
from guichet.services.lost_orders import claim_receipt, return_receipt
from guichet.services.suspense import list_suspense
from psp import connect
from services.bookkeeping import Paid, effects, events, unpaid
from services.conftest import NewMerchant
from services.losing import ListingPsp, Lost

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("sound_books")]

AMOUNT = 10_050


@pytest_asyncio.fixture(loop_scope="module")
async def lost(shop: Gateway) -> Lost:
    psp = ListingPsp()
    connect(shop, psp)
    return Lost(shop, psp)


@pytest_asyncio.fixture(loop_scope="module")
async def payment(lost: Lost, new_merchant: NewMerchant) -> Paid:
    """A payment of 100.50, made anew for the lost one."""
    return await unpaid(lost.shop, lost.psp, await new_merchant())


async def test_what_came_lies_in_suspense_however_often_it_is_told(lost: Lost) -> None:
    for _ in range(3):
        await lost.told(AMOUNT)

    assert await lost.left_minor() == AMOUNT


async def test_what_came_later_and_what_went_back_is_booked_once(lost: Lost) -> None:
    await lost.told(400)
    await lost.told(AMOUNT, went=50)
    await lost.told(AMOUNT, went=50)

    assert await lost.left_minor() == AMOUNT - 50


async def test_a_shorter_list_takes_nothing_out(lost: Lost) -> None:
    await lost.told(AMOUNT)
    await lost.told(0)

    assert await lost.left_minor() == AMOUNT


async def test_nothing_is_kept_of_an_order_that_nobody_paid(lost: Lost) -> None:
    await lost.told(0)

    assert await lost.left_minor() == 0


async def test_claimed_money_completes_its_payment(lost: Lost, payment: Paid) -> None:
    await lost.told(AMOUNT + 7)
    claimed = await claim_receipt(lost.shop, await lost.receipt_id(), payment.id)

    assert claimed.status == "completed"
    assert (await events(payment))[-1] == "payment.completed"
    assert await lost.left_minor() == 0
    assert await effects(payment) == {"suspense": -AMOUNT, "merchant_available": AMOUNT}
    [rest] = await list_suspense(lost.shop, payment.application_id)
    assert (rest.attempt_id, rest.minor) == (lost.order_id, 7)


async def test_too_little_waits_in_suspense_as_an_attempt_of_the_payment(
    lost: Lost, payment: Paid
) -> None:
    await lost.told(AMOUNT - 1)
    claimed = await claim_receipt(lost.shop, await lost.receipt_id(), payment.id)

    assert claimed.status != "completed"
    [waits] = await list_suspense(lost.shop, payment.application_id)
    assert (waits.attempt_id, waits.minor) == (lost.order_id, AMOUNT - 1)


async def test_a_payment_that_was_paid_otherwise_keeps_its_own_money(
    lost: Lost, payment: Paid
) -> None:
    await payment.receive(AMOUNT)
    await lost.told(AMOUNT)
    await claim_receipt(lost.shop, await lost.receipt_id(), payment.id)

    assert (await effects(payment))["merchant_available"] == AMOUNT
    [waits] = await list_suspense(lost.shop, payment.application_id)
    assert (waits.attempt_id, waits.minor) == (lost.order_id, AMOUNT)


async def test_claimed_money_may_be_taken_back_by_its_rail(lost: Lost, payment: Paid) -> None:
    await lost.told(AMOUNT)
    await claim_receipt(lost.shop, await lost.receipt_id(), payment.id)
    payment.attempt_id = lost.order_id
    await payment.report(TakenBack())

    assert (await payment.now()).status == "reversed"


async def test_money_is_claimed_once(lost: Lost, payment: Paid) -> None:
    await lost.told(AMOUNT)
    receipt_id = await lost.receipt_id()
    claims = (claim_receipt(lost.shop, receipt_id, payment.id) for _ in range(10))
    answers = await asyncio.gather(*claims, return_exceptions=True)

    assert sum(not isinstance(each, NotFound) for each in answers) == 1
    await lost.told(AMOUNT)
    assert await lost.left_minor() == 0


async def test_money_is_not_claimed_for_nothing(lost: Lost) -> None:
    await lost.told(AMOUNT)
    with pytest.raises(NotFound):
        await claim_receipt(lost.shop, await lost.receipt_id(), uuid4())

    assert await lost.left_minor() == AMOUNT


async def test_what_was_given_back_by_hand_is_not_booked_again_when_it_is_told(lost: Lost) -> None:
    await lost.told(AMOUNT)
    assert await return_receipt(lost.shop, await lost.receipt_id(), 50) == Money(50, "GBP")
    await lost.told(AMOUNT, went=50)
    assert await lost.left_minor() == AMOUNT - 50
    await return_receipt(lost.shop, await lost.receipt_id())

    assert await lost.left_minor() == 0


@pytest.mark.parametrize("minor", [0, -1, AMOUNT + 1])
async def test_no_more_is_given_back_than_there_is(lost: Lost, minor: int) -> None:
    await lost.told(AMOUNT)
    with pytest.raises(Invalid):
        await return_receipt(lost.shop, await lost.receipt_id(), minor)


async def test_another_currency_is_not_believed(lost: Lost) -> None:
    await lost.told(AMOUNT)
    with pytest.raises(Invalid):
        await lost.told(AMOUNT, currency="EUR")
