"""Money of orders that a restored backup does not know: suspense, until a person has decided."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from guichet.domain.errors import Invalid, NotFound
from guichet.domain.ids import new_id
from guichet.domain.money import Money
from guichet.domain.orders import ProviderAccount
from guichet.domain.outcomes import Held, Notice, TakenBack
from guichet.gateway import Gateway
from guichet.services.lost_orders import book_lost, claim_receipt, list_unclaimed, return_receipt
from guichet.services.suspense import list_suspense
from guichet.store.reconciliations import ReconciledAccount
from psp import Psp, connect
from services.bookkeeping import Paid, effects, events, unpaid
from services.conftest import NewMerchant

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("sound_books")]

AMOUNT = 10_050
ACCOUNT = ReconciledAccount("pix", "sandbox", None)


@dataclass
class ListingPsp(Psp):
    """A PSP that can be asked about any order: ``holds`` is what came and what went back of it."""

    holds: dict[str, Held] = field(default_factory=dict)

    async def movements(
        self, _account: ProviderAccount | None, _since: datetime, _until: datetime
    ) -> Sequence[Notice]:
        return [Notice(attempt_key=key) for key in self.holds]

    async def held(self, _account: ProviderAccount | None, key: str, _since: datetime) -> Held:
        return self.holds[key]


class Lost:
    """An order that its PSP knows and we do not."""

    def __init__(self, shop: Gateway, psp: ListingPsp) -> None:
        self.shop, self.psp = shop, psp
        self.order_id = new_id(shop.clock.now())

    async def told(self, came: int, went: int = 0, currency: str = "GBP") -> None:
        """The PSP's list is read once more, by two workers at once."""
        self.psp.holds[self.order_id.hex] = Held(Money(came, currency), went)
        reads = (book_lost(self.shop, self.psp, ACCOUNT, [self.order_id]) for _ in range(2))
        await asyncio.gather(*reads)

    async def receipt_id(self) -> UUID:
        ids = {each.order_id: each.id for each in await list_unclaimed(self.shop)}
        return ids[self.order_id]

    async def left_minor(self) -> int:
        found = await list_unclaimed(self.shop)
        return sum(each.left_minor for each in found if each.order_id == self.order_id)


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
