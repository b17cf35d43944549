"""Money in suspense: a person gives it to its payment, or records that it was given back."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
import pytest_asyncio

from guichet.domain.errors import Invalid, NotFound, NotPayable
from guichet.domain.money import Money
from guichet.domain.outcomes import Done, TakenBack
from guichet.domain.payments import Payment
from guichet.gateway import Gateway
from guichet.services.suspense import assign_suspense, list_suspense, return_suspense
from psp import Psp
from services.bookkeeping import Paid, effects, events, unpaid
from services.conftest import NewMerchant

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("sound_books")]

AMOUNT = 10_050


@pytest_asyncio.fixture(loop_scope="module")
async def payment(shop: Gateway, psp: Psp, new_merchant: NewMerchant) -> Paid:
    """A payment of 100.50 that waits for its payer."""
    return await unpaid(shop, psp, await new_merchant())


async def in_suspense(payment: Paid) -> list[tuple[int, str, str | None]]:
    found = await list_suspense(payment.gateway, payment.application_id)
    assert all(each.attempt_id == payment.attempt_id for each in found)
    return [(each.minor, each.payment_status, each.payment_reason) for each in found]


async def test_short_money_completes_its_payment_once_there_is_enough(payment: Paid) -> None:
    await payment.receive(AMOUNT - 50)
    with pytest.raises(Invalid):
        await assign_suspense(payment.gateway, payment.attempt_id)
    await payment.receive(AMOUNT + 7)
    assert await in_suspense(payment) == [(AMOUNT + 7, "processing", "short")]
    placed = await assign_suspense(payment.gateway, payment.attempt_id)

    assert (placed.status, placed.reason) == ("completed", None)
    assert await in_suspense(payment) == [(7, "completed", None)]
    assert await effects(payment) == {
        "rail_float": AMOUNT + 7,
        "merchant_available": AMOUNT,
        "suspense": 7,
    }
    assert (await events(payment))[-1] == "payment.completed"


async def test_fee_and_delay_are_those_of_any_payment(
    shop: Gateway, psp: Psp, new_merchant: NewMerchant
) -> None:
    payment = await unpaid(shop, psp, await new_merchant(fee=True, delay_hours=1))
    await payment.receive(50)
    await payment.receive(AMOUNT)
    await assign_suspense(shop, payment.attempt_id)

    assert await effects(payment) == {
        "rail_float": AMOUNT,
        "merchant_pending": AMOUNT - 211,
        "fee_income": 211,
    }


async def test_placed_money_is_taken_back_from_the_merchant(payment: Paid) -> None:
    await payment.receive(50)
    await payment.receive(AMOUNT)
    await assign_suspense(payment.gateway, payment.attempt_id)
    await payment.report(TakenBack())

    assert (await payment.now()).status == "reversed"
    assert await effects(payment) == {}


async def test_many_who_assign_complete_once(payment: Paid) -> None:
    await payment.receive(50)
    await payment.receive(2 * AMOUNT)
    results = await asyncio.gather(
        *(assign_suspense(payment.gateway, payment.attempt_id) for _ in range(8)),
        return_exceptions=True,
    )

    assert sorted(type(each).__name__ for each in results) == ["NotPayable"] * 7 + ["Payment"]
    assert (await effects(payment))["merchant_available"] == AMOUNT


async def test_money_of_another_currency_is_not_assigned(payment: Paid) -> None:
    await payment.report(Done(received=Money(10 * AMOUNT, "EUR")))
    with pytest.raises(Invalid) as refused:
        await assign_suspense(payment.gateway, payment.attempt_id)

    assert refused.value.field == "currency"
    await return_suspense(payment.gateway, payment.attempt_id)


async def test_paid_payment_takes_no_more(payment: Paid) -> None:
    await payment.receive(3 * AMOUNT)
    with pytest.raises(NotPayable):
        await assign_suspense(payment.gateway, payment.attempt_id)


async def test_returned_money_leaves_nothing_and_the_payment_fails(payment: Paid) -> None:
    await payment.receive(50)
    assert await return_suspense(payment.gateway, payment.attempt_id) == Money(50, "GBP")

    assert (await payment.now()).status == "failed"
    assert await in_suspense(payment) == []
    assert await effects(payment) == {}


async def test_part_that_is_returned_leaves_the_rest(payment: Paid) -> None:
    await payment.receive(AMOUNT + 100)
    await return_suspense(payment.gateway, payment.attempt_id, 60)

    assert await in_suspense(payment) == [(40, "completed", None)]
    assert (await effects(payment))["merchant_available"] == AMOUNT


async def test_return_that_the_rail_tells_of_too_is_booked_once(payment: Paid) -> None:
    await payment.receive(AMOUNT + 100)
    await return_suspense(payment.gateway, payment.attempt_id)
    await payment.report(TakenBack(returned=Money(100, "GBP")))

    assert await effects(payment) == {"rail_float": AMOUNT, "merchant_available": AMOUNT}


@pytest.mark.parametrize("minor", [0, -1, 101])
async def test_no_more_is_returned_than_is_there(payment: Paid, minor: int) -> None:
    await payment.receive(AMOUNT + 100)
    with pytest.raises(Invalid):
        await return_suspense(payment.gateway, payment.attempt_id, minor)

    assert (await payment.now()).status == "completed"


async def test_placed_money_is_never_returned_by_hand(payment: Paid) -> None:
    await payment.receive(50)
    await payment.receive(AMOUNT)
    results = await asyncio.gather(
        assign_suspense(payment.gateway, payment.attempt_id),
        return_suspense(payment.gateway, payment.attempt_id),
        return_exceptions=True,
    )

    assert {type(each) for each in results} in (
        {Payment, Invalid},  # it was placed first
        {Money, Invalid},  # it was given back first: there is too little
    )


async def test_unknown_attempt_is_said_to_be_unknown(shop: Gateway) -> None:
    with pytest.raises(NotFound):
        await assign_suspense(shop, uuid4())
    with pytest.raises(NotFound):
        await return_suspense(shop, uuid4())
