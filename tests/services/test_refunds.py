"""Refunds: what can be given back, how often, and of whose money."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
import pytest_asyncio

from gateways import OTHER_APPLICATION_ID
from guichet.domain.errors import (
    InsufficientFunds,
    Invalid,
    NotFound,
    NotRefundable,
    RequestKeyReused,
)
from guichet.domain.outcomes import TakenBack
from guichet.domain.refunds import Refund
from guichet.gateway import Gateway
from guichet.rails.registry import Registry
from guichet.services.closing import release_payment
from guichet.services.refunds import create_refund, list_refunds
from psp import REFUND_WINDOW, Psp, connect, pix_card
from services.bookkeeping import Paid, effects, paid, unpaid
from services.charging import move
from services.conftest import NewMerchant

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("sound_books")]


@pytest_asyncio.fixture(loop_scope="module")
async def merchant(new_merchant: NewMerchant) -> UUID:
    return await new_merchant()


@pytest_asyncio.fixture(loop_scope="module")
async def payment(shop: Gateway, psp: Psp, merchant: UUID) -> Paid:
    """100.50 that was paid, all of it the merchant's, who has nothing else."""
    return await paid(shop, psp, merchant)


async def refund(
    payment: Paid, minor: int | None = None, key: str | None = None, content: bytes = b"hash"
) -> Refund:
    request_hash = content if key else None
    return await create_refund(
        payment.gateway, payment.application_id, payment.id, minor, key, request_hash
    )


async def refused(payment: Paid, minor: int | None = None) -> str:
    """The rule by which the refund is refused."""
    with pytest.raises(NotRefundable) as no:
        await refund(payment, minor)
    return no.value.rule


# --- how much ------------------------------------------------------------------------------------


async def test_parts_come_to_the_whole(payment: Paid, psp: Psp) -> None:
    made = [await refund(payment, minor) for minor in (6_000, 4_000, 50)]

    assert [each.status for each in made] == ["completed"] * 3
    assert [money.minor for money in psp.given_back.values()] == [6_000, 4_000, 50]
    after = await payment.now()
    assert (after.status, after.refunded_minor, after.refunding_minor) == ("completed", 10_050, 0)
    assert await effects(payment) == {}


async def test_without_an_amount_all_that_is_left_is_given_back(payment: Paid) -> None:
    await refund(payment, 6_000)

    assert (await refund(payment)).amount_minor == 4_050


async def test_more_than_is_left_is_refused_and_nobody_is_asked(payment: Paid, psp: Psp) -> None:
    await refund(payment, 6_000)

    assert await refused(payment, 4_051) == "amount"
    assert len(psp.refund_orders) == 1
    assert (await payment.now()).refunding_minor == 0


async def test_nothing_is_left_of_what_was_refunded_whole(payment: Paid) -> None:
    await refund(payment)

    assert await refused(payment) == "amount"


@pytest.mark.parametrize("minor", [0, -1])
async def test_refund_is_of_some_amount(payment: Paid, minor: int) -> None:
    with pytest.raises(Invalid) as no:
        await refund(payment, minor)

    assert (no.value.field, no.value.rule) == ("amount", "positive")


async def test_thirty_at_once_of_forty_percent_are_two(payment: Paid, psp: Psp) -> None:
    answers = await asyncio.gather(
        *(refund(payment, 4_020) for _ in range(30)), return_exceptions=True
    )

    assert Counter(type(answer) for answer in answers) == {Refund: 2, NotRefundable: 28}
    assert len(psp.given_back) == 2
    assert (await payment.now()).refunded_minor == 8_040


async def test_what_the_rail_took_back_is_not_refunded_too(payment: Paid) -> None:
    await payment.report(TakenBack(returned=payment.made.money._replace(minor=4_000)))

    assert await refused(payment, 6_051) == "amount"
    assert (await refund(payment, 6_050)).status == "completed"


# --- of whose money ------------------------------------------------------------------------------


async def test_money_that_went_elsewhere_cannot_be_refunded(
    shop: Gateway, psp: Psp, merchant: UUID, payment: Paid
) -> None:
    other = await paid(shop, psp, merchant)
    await refund(other)
    await other.report(TakenBack())  # for which this payment's money is taken
    with pytest.raises(InsufficientFunds):
        await refund(payment, 1)

    assert len(psp.given_back) == 1
    assert (await payment.now()).refunding_minor == 0


async def test_fee_of_a_whole_refund_is_paid_from_other_money(
    shop: Gateway, psp: Psp, new_merchant: NewMerchant
) -> None:
    merchant = await new_merchant(fee=True)
    payment = await paid(shop, psp, merchant)
    with pytest.raises(InsufficientFunds):
        await refund(payment)
    other = await paid(shop, psp, merchant, 1_000)
    await refund(payment)

    assert await effects(payment, other) == {
        "rail_float": 1_000,
        "fee_income": 211 + 30,
        "merchant_available": 1_000 - 211 - 30,
    }


async def test_pending_money_is_refunded_before_it_is_released(
    shop: Gateway, psp: Psp, new_merchant: NewMerchant
) -> None:
    payment = await paid(shop, psp, await new_merchant(delay_hours=24))
    await refund(payment, 6_000)
    assert await effects(payment) == {"rail_float": 4_050, "merchant_pending": 4_050}
    move(shop, timedelta(hours=25))
    await release_payment(shop, payment.id)

    assert await effects(payment) == {"rail_float": 4_050, "merchant_available": 4_050}


async def test_nothing_is_released_of_what_was_refunded_whole(
    shop: Gateway, psp: Psp, new_merchant: NewMerchant
) -> None:
    payment = await paid(shop, psp, await new_merchant(delay_hours=24))
    await refund(payment)
    move(shop, timedelta(hours=25))
    await release_payment(shop, payment.id)

    assert (await payment.now()).release_at is None
    assert await effects(payment) == {}


# --- of which payments ---------------------------------------------------------------------------


async def test_payment_that_is_not_paid_is_not_refunded(
    shop: Gateway, psp: Psp, merchant: UUID
) -> None:
    assert await refused(await unpaid(shop, psp, merchant)) == "status"


async def test_payment_that_waits_for_a_decision_is_not_refunded(
    shop: Gateway, psp: Psp, merchant: UUID
) -> None:
    short = await unpaid(shop, psp, merchant)
    await short.receive(1)

    assert await refused(short) == "status"


async def test_reversed_payment_is_not_refunded(payment: Paid) -> None:
    await payment.report(TakenBack())

    assert await refused(payment) == "status"


async def test_window_ends_with_its_last_day(payment: Paid, shop: Gateway) -> None:
    completed_at = (await payment.now()).completed_at
    assert completed_at is not None
    move(shop, completed_at + REFUND_WINDOW - timedelta(minutes=1) - shop.clock.now())
    assert (await refund(payment, 1)).status == "completed"
    move(shop, timedelta(minutes=2))

    assert await refused(payment, 1) == "window"


async def test_rail_that_gives_nothing_back_is_told(payment: Paid, shop: Gateway) -> None:
    connect(shop, Psp(card=pix_card(refund_window=None)))

    assert await refused(payment) == "rail"


async def test_rail_that_is_not_set_up_any_more_is_told(
    payment: Paid, shop: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shop, "rails", Registry({}))

    assert await refused(payment) == "rail"


@pytest.mark.parametrize("application_id", [OTHER_APPLICATION_ID, UUID(int=7)])
async def test_payment_of_another_application_is_not_found(
    payment: Paid, shop: Gateway, application_id: UUID
) -> None:
    with pytest.raises(NotFound):
        await create_refund(shop, application_id, payment.id)

    assert await list_refunds(shop, application_id, payment.id) == []


async def test_refunds_are_listed_oldest_first(payment: Paid, shop: Gateway) -> None:
    made = [await refund(payment, minor) for minor in (3, 1, 2)]

    listed = await list_refunds(shop, payment.application_id, payment.id)
    assert [each.id for each in listed] == [each.id for each in made]


# --- repeated requests ---------------------------------------------------------------------------


async def test_same_key_answers_the_same_refund(payment: Paid, key: str, psp: Psp) -> None:
    first = await refund(payment, 4_000, key)
    again = await refund(payment, 4_000, key)

    assert again.id == first.id
    assert [money.minor for money in psp.given_back.values()] == [4_000]


async def test_key_with_another_request_is_refused(payment: Paid, key: str, psp: Psp) -> None:
    await refund(payment, 4_000, key)
    with pytest.raises(RequestKeyReused):
        await refund(payment, 5_000, key, b"other")

    assert len(psp.given_back) == 1


async def test_key_of_another_payments_refund_is_refused(
    shop: Gateway, psp: Psp, merchant: UUID, payment: Paid, key: str
) -> None:
    other = await paid(shop, psp, merchant)
    await refund(payment, 4_000, key)
    with pytest.raises(RequestKeyReused):
        await refund(other, 4_000, key)

    assert len(psp.given_back) == 1


async def test_thirty_at_once_with_one_key_are_one_refund(
    payment: Paid, key: str, psp: Psp
) -> None:
    made = await asyncio.gather(*(refund(payment, 300, key) for _ in range(30)))

    assert len({each.id for each in made}) == 1
    assert (await payment.now()).refunded_minor == 300
    assert len(psp.given_back) == 1


async def test_one_key_for_ten_payments_at_once_is_one_refund(
    shop: Gateway, psp: Psp, merchant: UUID, key: str
) -> None:
    payments = [await paid(shop, psp, merchant) for _ in range(10)]
    answers = await asyncio.gather(
        *(refund(each, 300, key) for each in payments), return_exceptions=True
    )

    assert Counter(type(answer) for answer in answers) == {Refund: 1, RequestKeyReused: 9}
    assert len(psp.given_back) == 1
