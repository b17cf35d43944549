"""Payouts: set aside, sent by a person from our bank, and settled as the person says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

import pytest
import pytest_asyncio

from guichet.domain.errors import (
    DuplicateReference,
    InsufficientFunds,
    Invalid,
    NotCancellable,
    NotFound,
)
from guichet.domain.fees import FeeRule
from guichet.domain.money import Money
from guichet.domain.transfers import Transfer
from guichet.gateway import Gateway
from guichet.services.payouts import (
    list_payouts,
    payout_failed,
    payout_paid,
    payout_returned,
    request_payout,
)
from guichet.services.transfers import cancel_transfer
from psp import Psp, connect
from services.conftest import NewMerchant
from services.sending import PAID, Sender, sender, sending_psp

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("sound_books")]

FEE = FeeRule(uuid4(), percent_bps=100, fixed_minor=5)


@pytest.fixture
def psp(shop: Gateway) -> Psp:
    made = sending_psp()
    connect(shop, made)
    return made


@pytest_asyncio.fixture(loop_scope="module")
async def merchant(shop: Gateway, psp: Psp, new_merchant: NewMerchant) -> Sender:
    """A merchant with 100.50 available."""
    return await sender(shop, psp, await new_merchant())


async def requested(merchant: Sender, minor: int = 4_000) -> Transfer:
    money = Money(minor, "GBP")
    return await request_payout(merchant.gateway, merchant.application, money)


async def test_money_waits_aside_for_a_person_and_for_nobody_else(
    merchant: Sender, psp: Psp
) -> None:
    made = await requested(merchant)
    await merchant.check_due(timedelta(days=30))

    assert (await merchant.now_is(made)).status == "initiated"
    assert not psp.send_orders
    assert await merchant.account("payouts_in_flight") == 4_000
    assert await merchant.available() == PAID - 4_000


async def test_paid_payout_has_left_our_bank(merchant: Sender) -> None:
    made = await requested(merchant)
    paid = await payout_paid(merchant.gateway, made.id, " BANK-7 ")

    assert (paid.status, paid.provider_reference) == ("completed", "BANK-7")
    assert await merchant.effects(made) == {
        "rail_float": PAID,
        "bank": -4_000,
        "merchant_available": PAID - 4_000,
    }
    assert [name for name, *_ in await merchant.events(made)] == [
        "transfer.created",
        "transfer.completed",
    ]


async def test_fee_comes_on_top(shop: Gateway, psp: Psp, new_merchant: NewMerchant) -> None:
    merchant = await sender(shop, psp, await new_merchant(), transfer_fee_rule=FEE)
    made = await requested(merchant)
    await payout_paid(shop, made.id, f"{made.id}")

    assert await merchant.effects(made) == {
        "rail_float": PAID,
        "bank": -4_000,
        "fee_income": 45,
        "merchant_available": PAID - 4_045,
    }
    with pytest.raises(InsufficientFunds):
        await requested(merchant, PAID - 4_045)


async def test_failed_payout_gives_its_money_back(merchant: Sender) -> None:
    made = await requested(merchant)
    failed = await payout_failed(merchant.gateway, made.id, "account closed")

    assert (failed.status, failed.reason, failed.code) == ("failed", "rejected", "account closed")
    assert await merchant.available() == PAID


async def test_returned_payout_is_available_again(merchant: Sender) -> None:
    made = await requested(merchant)
    await payout_paid(merchant.gateway, made.id, f"{made.id}")
    returned = await payout_returned(merchant.gateway, made.id, "no such account")

    assert returned.status == "returned"
    assert await merchant.effects(made) == {"rail_float": PAID, "merchant_available": PAID}


async def test_paid_twice_over_is_paid_once(merchant: Sender) -> None:
    made = await requested(merchant)
    reference = f"{made.id}"
    results = await asyncio.gather(
        *(payout_paid(merchant.gateway, made.id, reference) for _ in range(4)),
        return_exceptions=True,
    )
    again = await payout_paid(merchant.gateway, made.id, reference)

    assert {type(result) for result in results} <= {Transfer, NotCancellable}
    assert again.status == "completed"
    assert await merchant.account("bank") is None  # it is ours, not the merchant's
    assert (await merchant.effects(made))["bank"] == -4_000


async def test_reference_of_the_bank_settles_one_payout_alone(merchant: Sender) -> None:
    first, second = await requested(merchant, 100), await requested(merchant, 200)
    reference = f"{first.id}"
    await payout_paid(merchant.gateway, first.id, reference)
    with pytest.raises(DuplicateReference):
        await payout_paid(merchant.gateway, second.id, reference)

    assert (await merchant.now_is(second)).status == "initiated"


Settle = Callable[[Gateway, Transfer], Awaitable[Transfer]]


@pytest.mark.parametrize(
    "settle",
    [
        lambda gateway, made: payout_paid(gateway, made.id, "other"),
        lambda gateway, made: payout_failed(gateway, made.id, "late"),
    ],
    ids=["paid", "failed"],
)
async def test_settled_payout_stays_as_it_is(merchant: Sender, settle: Settle) -> None:
    made = await requested(merchant)
    paid = await payout_paid(merchant.gateway, made.id, f"{made.id}")
    with pytest.raises(NotCancellable):
        await settle(merchant.gateway, made)

    assert await merchant.now_is(made) == paid


async def test_payout_that_was_not_paid_cannot_come_back(merchant: Sender) -> None:
    made = await requested(merchant)
    with pytest.raises(NotCancellable):
        await payout_returned(merchant.gateway, made.id, "?")


async def test_transfer_is_no_payout(merchant: Sender) -> None:
    made = await merchant.send()
    with pytest.raises(NotFound):
        await payout_failed(merchant.gateway, made.id, "?")


async def test_merchant_cannot_withdraw_it(merchant: Sender) -> None:
    made = await requested(merchant)
    with pytest.raises(NotCancellable):
        await cancel_transfer(merchant.gateway, merchant.application, made.id)


@pytest.mark.parametrize("minor", [0, -1])
async def test_nothing_cannot_be_paid_out(merchant: Sender, minor: int) -> None:
    with pytest.raises(Invalid):
        await requested(merchant, minor)


@pytest.mark.parametrize("text", ["", "  ", "x" * 256])
async def test_reference_must_be_one(merchant: Sender, text: str) -> None:
    made = await requested(merchant)
    with pytest.raises(Invalid):
        await payout_paid(merchant.gateway, made.id, text)


async def test_open_payouts_are_listed_oldest_first(merchant: Sender) -> None:
    first, second, third = [await requested(merchant, 100) for _ in range(3)]
    await payout_failed(merchant.gateway, second.id, "?")

    async def listed(*, only_open: bool) -> list[str]:
        found = await list_payouts(merchant.gateway, merchant.application.id, only_open=only_open)
        return [str(each.id) for each in found]

    assert await listed(only_open=True) == sorted([str(first.id), str(third.id)])
    assert len(await listed(only_open=False)) == 3
