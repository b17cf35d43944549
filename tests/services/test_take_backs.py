"""Money that a rail takes back, at once and in parts, in the books and in the payment."""

from __future__ import annotations

import pytest

from guichet.domain.errors import NotPayable
from guichet.domain.money import Money
from guichet.domain.outcomes import TakenBack
from guichet.gateway import Gateway
from guichet.services.checkout import reserve_attempt
from guichet.services.refunds import create_refund
from psp import Psp
from services.bookkeeping import Paid, announced, effects, paid, unpaid
from services.conftest import NewMerchant

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("sound_books")]

FEE = 211  # of 100.50: 2 % and 0.10


async def take_back(payment: Paid, minor: int | None) -> None:
    """So much was taken back in all; None: everything."""
    returned = None if minor is None else Money(minor, payment.made.currency)
    await payment.report(TakenBack(returned=returned, code="MED_FRAUDE"))


async def test_everything_taken_back_reverses_the_payment_and_its_fee(
    shop: Gateway, psp: Psp, new_merchant: NewMerchant
) -> None:
    payment = await paid(shop, psp, await new_merchant(fee=True))
    await take_back(payment, None)

    after = await payment.now()
    assert (after.status, after.returned_minor) == ("reversed", 10_050)
    assert await effects(payment) == {}


async def test_a_part_taken_back_leaves_the_payment_completed(
    shop: Gateway, psp: Psp, new_merchant: NewMerchant
) -> None:
    payment = await paid(shop, psp, await new_merchant(fee=True))
    await take_back(payment, 4_000)

    after = await payment.now()
    assert (after.status, after.returned_minor, after.refundable_minor) == (
        "completed",
        4_000,
        6_050,
    )
    assert await effects(payment) == {
        "rail_float": 6_050,
        "fee_income": FEE,
        "merchant_available": 6_050 - FEE,
    }


async def test_a_part_is_announced_by_an_event_of_its_own(
    shop: Gateway, psp: Psp, new_merchant: NewMerchant
) -> None:
    payment = await paid(shop, psp, await new_merchant(), notify_url="http://localhost/hook")
    await take_back(payment, 4_000)
    await take_back(payment, None)

    assert await announced(payment) == [
        "payment.completed",
        "payment.partially_reversed",
        "payment.reversed",
    ]


async def test_the_same_report_again_takes_nothing(
    shop: Gateway, psp: Psp, new_merchant: NewMerchant
) -> None:
    payment = await paid(shop, psp, await new_merchant())
    for minor in (4_000, 4_000, 3_000):
        await take_back(payment, minor)

    assert await effects(payment) == {"rail_float": 6_050, "merchant_available": 6_050}


@pytest.mark.parametrize(
    "parts",
    [(4_000, 10_050), (10_000, 10_050), (1, 10_049, None), (10_050 - FEE, None), (FEE - 1, None)],
)
async def test_taken_back_in_parts_comes_to_the_same_as_at_once(
    shop: Gateway, psp: Psp, new_merchant: NewMerchant, parts: tuple[int | None, ...]
) -> None:
    payment = await paid(shop, psp, await new_merchant(fee=True))
    for minor in parts:
        await take_back(payment, minor)

    assert (await payment.now()).status == "reversed"
    assert await effects(payment) == {}


async def test_pending_money_is_taken_before_available_money(
    shop: Gateway, psp: Psp, new_merchant: NewMerchant
) -> None:
    payment = await paid(shop, psp, await new_merchant(fee=True, delay_hours=24))
    await take_back(payment, 4_000)
    assert await effects(payment) == {
        "rail_float": 6_050,
        "fee_income": FEE,
        "merchant_pending": 6_050 - FEE,
    }
    await take_back(payment, 10_050 - FEE)

    after = await payment.now()
    assert (after.unreleased_minor, after.release_at) == (0, None)
    assert await effects(payment) == {"rail_float": FEE, "fee_income": FEE}


async def test_merchant_owes_what_was_spent(
    shop: Gateway, psp: Psp, new_merchant: NewMerchant
) -> None:
    merchant = await new_merchant()
    first, second = await paid(shop, psp, merchant), await paid(shop, psp, merchant)
    await create_refund(shop, merchant, second.id)
    await take_back(second, None)  # of which the merchant has nothing left but the first's money
    await take_back(first, 4_000)

    assert await effects(first, second) == {
        "rail_float": 10_050 - 4_000 - 10_050,
        "merchant_receivable": 4_000,
    }


async def test_what_was_never_placed_goes_first(
    shop: Gateway, psp: Psp, new_merchant: NewMerchant
) -> None:
    payment = await unpaid(shop, psp, await new_merchant(fee=True))
    await payment.receive(10_100)
    await take_back(payment, 50)
    assert (await payment.now()).returned_minor == 0
    await take_back(payment, 150)

    after = await payment.now()
    assert (after.status, after.returned_minor) == ("completed", 100)
    assert await effects(payment) == {
        "rail_float": 9_950,
        "fee_income": FEE,
        "merchant_available": 9_950 - FEE,
    }


async def test_more_money_in_a_later_report_lies_in_suspense(
    shop: Gateway, psp: Psp, new_merchant: NewMerchant
) -> None:
    payment = await paid(shop, psp, await new_merchant())
    for minor in (10_051, 20_100, 20_100, 15_000):
        await payment.receive(minor)

    assert (await payment.now()).status == "completed"
    assert await effects(payment) == {
        "rail_float": 20_100,
        "merchant_available": 10_050,
        "suspense": 10_050,
    }


async def test_more_money_after_a_part_was_taken_back_lies_in_suspense_and_goes_first(
    shop: Gateway, psp: Psp, new_merchant: NewMerchant
) -> None:
    payment = await paid(shop, psp, await new_merchant())
    await take_back(payment, 4_000)
    await payment.receive(15_050)
    assert (await effects(payment))["suspense"] == 5_000
    await take_back(payment, 10_000)

    assert (await payment.now()).returned_minor == 5_000
    assert await effects(payment) == {"rail_float": 5_050, "merchant_available": 5_050}


async def test_more_money_after_everything_was_taken_back_lies_in_suspense_until_it_goes_too(
    shop: Gateway, psp: Psp, new_merchant: NewMerchant
) -> None:
    payment = await paid(shop, psp, await new_merchant(fee=True))
    await take_back(payment, None)
    await payment.receive(20_100)
    assert await effects(payment) == {"rail_float": 10_050, "suspense": 10_050}
    await take_back(payment, 15_000)
    assert (await effects(payment))["suspense"] == 5_100
    await take_back(payment, None)

    assert (await payment.now()).status == "reversed"
    assert await effects(payment) == {}


async def test_money_in_another_currency_than_came_is_not_what_came(
    shop: Gateway, psp: Psp, new_merchant: NewMerchant
) -> None:
    payment = await paid(shop, psp, await new_merchant())
    await payment.report(TakenBack(returned=Money(4_000, "EUR")))

    assert (await payment.now()).returned_minor == 0


async def test_payment_that_waited_for_a_decision_fails_once_its_money_is_gone(
    shop: Gateway, psp: Psp, new_merchant: NewMerchant
) -> None:
    payment = await unpaid(shop, psp, await new_merchant())
    await payment.receive(9_000)
    await take_back(payment, 8_999)
    assert (await payment.now()).reason == "short"
    await take_back(payment, 9_000)

    after = await payment.now()
    assert (after.status, after.reason) == ("failed", "rejected")
    with pytest.raises(NotPayable):
        await reserve_attempt(shop, payment.id)
    assert await effects(payment) == {}


async def test_rest_is_taken_back_after_a_refund(
    shop: Gateway, psp: Psp, new_merchant: NewMerchant
) -> None:
    payment = await paid(shop, psp, await new_merchant())
    await create_refund(shop, payment.application_id, payment.id, 6_000)
    await take_back(payment, 4_050)

    after = await payment.now()
    assert (after.status, after.refunded_minor, after.returned_minor, after.refundable_minor) == (
        "completed",
        6_000,
        4_050,
        0,
    )
    assert await effects(payment) == {}


async def test_everything_taken_back_after_a_refund_is_owed_by_the_merchant(
    shop: Gateway, psp: Psp, new_merchant: NewMerchant
) -> None:
    payment = await paid(shop, psp, await new_merchant())
    await create_refund(shop, payment.application_id, payment.id, 6_000)
    await take_back(payment, None)

    assert (await payment.now()).status == "reversed"
    assert await effects(payment) == {"rail_float": -6_000, "merchant_receivable": 6_000}
