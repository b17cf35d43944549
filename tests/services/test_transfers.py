"""Money that an application sends: set aside first, and gone or back only when the rail knows."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from guichet.domain.errors import (
    DuplicateReference,
    InsufficientFunds,
    Invalid,
    NotFound,
    NotRefundable,
)
from guichet.domain.fees import FeeRule
from guichet.domain.money import Money
from guichet.domain.outcomes import Done, Reason, Refused, TakenBack, Waiting
from guichet.gateway import Gateway
from guichet.rails.port import RailUnavailable
from guichet.services.refunds import create_refund
from guichet.services.transfers import create_transfer, read_transfer, record_transfer
from guichet.worker.tasks import check_transfer
from psp import Psp, connect, pix_card
from services.charging import SILENCE, until
from services.conftest import NewMerchant
from services.sending import DESTINATION, PAID, Sender, sender, sending_psp, wanted

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("sound_books")]

REFUSED = Refused(reason=Reason.REJECTED, code="PAYEE_NOT_FOUND")
ASIDE = {"rail_float": PAID, "merchant_available": PAID - 4_000, "transfers_in_flight": 4_000}
GONE = {"rail_float": PAID - 4_000, "merchant_available": PAID - 4_000}
UNTOUCHED = {"rail_float": PAID, "merchant_available": PAID}


@pytest.fixture
def psp(shop: Gateway) -> Psp:
    made = sending_psp()
    connect(shop, made)
    return made


@pytest_asyncio.fixture(loop_scope="module")
async def merchant(shop: Gateway, psp: Psp, new_merchant: NewMerchant) -> Sender:
    """A merchant with 100.50 available."""
    return await sender(shop, psp, await new_merchant())


# --- sent ----------------------------------------------------------------------------------------


async def test_money_is_aside_on_disk_before_the_rail_is_asked(merchant: Sender, psp: Psp) -> None:
    psp.gate.clear()
    asking = asyncio.create_task(merchant.send())

    async def asked() -> bool:
        return bool(psp.send_orders)

    await until(asked)
    key = psp.send_orders[0].key
    found = await read_transfer(merchant.gateway, merchant.application, UUID(key))
    booked = await merchant.effects(found)
    psp.gate.set()
    await asking
    assert found.status == "initiated"
    assert booked == ASIDE


async def test_money_that_arrived_is_gone(merchant: Sender, psp: Psp) -> None:
    made = await merchant.send(description="Salaire", reference="arrived")

    assert made.status == "completed"
    assert made.completed_at is not None
    assert await merchant.effects(made) == GONE
    (order,) = psp.send_orders
    assert (order.money, order.destination) == (Money(4_000, "GBP"), DESTINATION)
    assert (order.description, order.reference) == ("Salaire", "arrived")


async def test_fee_is_on_top_and_ours(shop: Gateway, psp: Psp, new_merchant: NewMerchant) -> None:
    rule = FeeRule(uuid4(), percent_bps=100, fixed_minor=5)
    merchant = await sender(shop, psp, await new_merchant(), transfer_fee_rule=rule)
    made = await merchant.send()

    assert (made.fee_minor, psp.send_orders[0].money.minor) == (45, 4_000)
    assert await merchant.effects(made) == {
        "rail_float": PAID - 4_000,
        "fee_income": 45,
        "merchant_available": PAID - 4_045,
    }


async def test_fee_of_a_refused_transfer_is_given_back(
    shop: Gateway, psp: Psp, new_merchant: NewMerchant
) -> None:
    rule = FeeRule(uuid4(), percent_bps=100, fixed_minor=5)
    merchant = await sender(shop, psp, await new_merchant(), transfer_fee_rule=rule)
    psp.sends = [REFUSED]

    assert await merchant.effects(await merchant.send()) == UNTOUCHED


async def test_refused_money_is_the_merchants_again(merchant: Sender, psp: Psp) -> None:
    psp.sends = [REFUSED]
    made = await merchant.send()

    assert (made.status, made.reason, made.code) == ("failed", "rejected", "PAYEE_NOT_FOUND")
    assert await merchant.effects(made) == UNTOUCHED
    again = await merchant.send(PAID)
    assert again.status == "completed"


async def test_rail_that_took_the_order_is_asked_once_more_at_once(
    merchant: Sender, psp: Psp
) -> None:
    psp.sends = [Waiting(provider_reference="one", memory={"accepted": "1"})]
    made = await merchant.send()

    assert made.status == "completed"
    assert psp.send_orders[1].memory == {"accepted": "1"}
    assert psp.send_orders[1].provider_reference == "one"
    assert len({order.key for order in psp.send_orders}) == 1


@pytest.mark.parametrize("answer", [SILENCE, RailUnavailable(), RuntimeError("a defect")])
async def test_money_stays_aside_while_nobody_knows_and_the_worker_asks_again(
    merchant: Sender, psp: Psp, answer: Any
) -> None:
    psp.sends = [answer, answer]
    made = await merchant.send()
    await merchant.check_due()
    assert ((await merchant.now_is(made)).status, made.status) == ("initiated", "initiated")
    assert await merchant.effects(made) == ASIDE
    await merchant.check_due()

    assert (await merchant.now_is(made)).status == "completed"
    assert {order.key for order in psp.send_orders} == {made.key}
    assert await merchant.effects(made) == GONE


async def test_transfer_under_way_at_the_rail_is_sent_until_it_is_there(
    merchant: Sender, psp: Psp
) -> None:
    waiting = Waiting(provider_reference="under-way", look_again_seconds=3_600)
    psp.sends = [waiting, waiting, SILENCE]
    made = await merchant.send()
    assert made.status == "sent"
    await merchant.check_due()
    assert len(psp.send_orders) == 2  # the rail's own advice: not yet
    await merchant.check_due(timedelta(hours=1))
    assert (await merchant.now_is(made)).status == "sent"
    assert await merchant.effects(made) == ASIDE
    await merchant.check_due()

    found = await merchant.now_is(made)
    assert (found.status, found.provider_reference) == ("completed", "under-way")


async def test_transfer_that_the_rail_gives_up_later_is_given_back(
    merchant: Sender, psp: Psp
) -> None:
    psp.sends = [Waiting(), SILENCE, REFUSED]
    made = await merchant.send()
    await merchant.check_due()

    assert (await merchant.now_is(made)).status == "failed"
    assert await merchant.effects(made) == UNTOUCHED


async def test_closed_transfer_is_not_asked_for_again(merchant: Sender, psp: Psp) -> None:
    await merchant.send()
    await merchant.check_due(timedelta(days=1))

    assert len(psp.send_orders) == 1


async def test_late_word_about_a_closed_transfer_changes_nothing(
    merchant: Sender, psp: Psp
) -> None:
    psp.sends = [SILENCE, Done(received=Money(4_000, "GBP")), REFUSED]
    made = await merchant.send()
    for _ in range(2):  # the second by a worker that believes to hold the lease
        await check_transfer(merchant.gateway, made)

    assert (await merchant.now_is(made)).status == "completed"
    assert await merchant.effects(made) == GONE


async def test_money_that_comes_back_is_the_merchants_again_once(
    merchant: Sender, psp: Psp
) -> None:
    made = await merchant.send()
    for _ in range(2):
        await record_transfer(merchant.gateway, made.id, TakenBack(code="CLOSED_ACCOUNT"))

    found = await merchant.now_is(made)
    assert (found.status, found.code) == ("returned", "CLOSED_ACCOUNT")
    assert await merchant.effects(made) == UNTOUCHED
    assert psp.sent


async def test_transfer_of_a_process_that_died_while_it_asked_is_asked_for_again(
    merchant: Sender, psp: Psp
) -> None:
    psp.gate.clear()
    dying = asyncio.create_task(merchant.send())

    async def asked() -> bool:
        return bool(psp.send_orders)

    await until(asked)
    dying.cancel()
    with suppress(asyncio.CancelledError):
        await dying
    psp.gate.set()
    async with merchant.gateway.database.connection() as connection:
        await connection.execute(
            "UPDATE transfers SET claimed_until = now() WHERE application_id = $1",
            merchant.application.id,
        )
    await merchant.check_due()

    assert len({order.key for order in psp.send_orders}) == 1
    assert await merchant.account("transfers_in_flight") == 0
    assert await merchant.available() == PAID - 4_000


# --- refused before anything happens -------------------------------------------------------------


async def test_more_than_is_available_is_refused_and_nothing_is_left_of_it(
    merchant: Sender, psp: Psp
) -> None:
    with pytest.raises(InsufficientFunds):
        await merchant.send(PAID + 1, reference="too-much")

    assert not psp.send_orders
    with pytest.raises(NotFound):
        await read_transfer(merchant.gateway, merchant.application, "too-much")


async def test_fee_counts_as_what_must_be_available(
    shop: Gateway, psp: Psp, new_merchant: NewMerchant
) -> None:
    rule = FeeRule(uuid4(), percent_bps=0, fixed_minor=1)
    merchant = await sender(shop, psp, await new_merchant(), transfer_fee_rule=rule)

    with pytest.raises(InsufficientFunds):
        await merchant.send(PAID)
    assert (await merchant.send(PAID - 1)).status == "completed"


async def test_pending_money_cannot_be_sent(
    shop: Gateway, psp: Psp, new_merchant: NewMerchant
) -> None:
    merchant = await sender(shop, psp, await new_merchant(delay_hours=24))

    with pytest.raises(InsufficientFunds):
        await merchant.send(1)


async def test_reference_names_one_transfer_for_ever(merchant: Sender, psp: Psp) -> None:
    psp.sends = [REFUSED]
    first = await merchant.send(reference="once")
    with pytest.raises(DuplicateReference) as caught:
        await merchant.send(reference="once")

    assert caught.value.key == str(first.id)
    assert len(psp.send_orders) == 1
    assert await merchant.available() == PAID


async def test_reference_of_another_application_is_free(
    merchant: Sender, shop: Gateway, psp: Psp, new_merchant: NewMerchant
) -> None:
    other = await sender(shop, psp, await new_merchant())
    await merchant.send(reference="shared")

    assert (await other.send(reference="shared")).status == "completed"


@pytest.mark.parametrize(
    "psp_of_test",
    [Psp(card=pix_card()), sending_psp(collects_alone=True)],
    ids=["a rail that cannot send", "an account that cannot"],
)
async def test_what_can_never_be_sent_is_refused_before_money_is_aside(
    merchant: Sender, shop: Gateway, psp_of_test: Psp
) -> None:
    connect(shop, psp_of_test)
    with pytest.raises(Invalid) as caught:
        await merchant.send()

    assert caught.value.field == "channel"
    assert await merchant.available() == PAID


async def test_currency_that_the_rail_does_not_know_is_refused(merchant: Sender) -> None:
    with pytest.raises(Invalid):
        await create_transfer(
            merchant.gateway,
            merchant.application,
            wanted()._replace(money=Money(100, "XAF")),
        )


async def test_transfer_of_another_application_is_not_found(
    merchant: Sender, shop: Gateway, psp: Psp, new_merchant: NewMerchant
) -> None:
    other = await sender(shop, psp, await new_merchant())
    made = await merchant.send()

    with pytest.raises(NotFound):
        await other.now_is(made)


# --- beside refunds ------------------------------------------------------------------------------


async def test_money_on_its_way_back_to_a_payer_cannot_be_sent(merchant: Sender, psp: Psp) -> None:
    psp.refunds = [SILENCE]
    await create_refund(
        merchant.gateway, merchant.application.id, merchant.payment.id, PAID - 3_999
    )

    with pytest.raises(InsufficientFunds):
        await merchant.send(4_000)
    assert (await merchant.send(3_999)).status == "completed"


async def test_money_on_its_way_to_a_beneficiary_cannot_be_refunded(
    merchant: Sender, psp: Psp
) -> None:
    psp.sends = [SILENCE]
    await merchant.send(4_000)

    with pytest.raises(InsufficientFunds):
        await create_refund(merchant.gateway, merchant.application.id, merchant.payment.id)


async def test_refund_from_an_account_that_cannot_pay_out_is_refused_before_money_is_aside(
    merchant: Sender, shop: Gateway
) -> None:
    connect(shop, sending_psp(collects_alone=True))
    with pytest.raises(NotRefundable) as caught:
        await create_refund(merchant.gateway, merchant.application.id, merchant.payment.id)

    assert caught.value.rule == "rail"
    assert await merchant.available() == PAID


# --- what the world is told ----------------------------------------------------------------------


async def test_every_step_of_a_transfer_is_told(merchant: Sender, psp: Psp) -> None:
    psp.sends = [Waiting(), SILENCE]
    made = await merchant.send()
    await merchant.check_due()
    await record_transfer(merchant.gateway, made.id, TakenBack())

    assert await merchant.events(made) == [
        ("transfer.created", 1, None),
        ("transfer.sent", 2, "initiated"),
        ("transfer.completed", 3, "sent"),
        ("transfer.returned", 4, "completed"),
    ]


async def test_payout_waits_in_an_account_of_its_own_and_leaves_from_the_bank(
    merchant: Sender, psp: Psp
) -> None:
    psp.sends = [SILENCE]
    made = await merchant.send(purpose="payout")
    assert await merchant.account("payouts_in_flight") == 4_000
    await merchant.check_due()

    assert await merchant.effects(made) == {
        "rail_float": PAID,
        "bank": -4_000,
        "merchant_available": PAID - 4_000,
    }
