"""What becomes of a refund that is under way: the money stays aside until the rail knows."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from guichet.domain.money import Money
from guichet.domain.outcomes import Done, Reason, Refused, TakenBack, Waiting
from guichet.domain.refunds import Refund
from guichet.gateway import Gateway
from guichet.rails.port import RailUnavailable
from guichet.services.closing import release_payment
from guichet.services.refunds import create_refund, list_refunds
from guichet.store.queue import claim_refunds
from guichet.worker.tasks import check_refund
from psp import Psp
from services.bookkeeping import Paid, announced, effects, events, paid
from services.charging import SILENCE, move, until
from services.conftest import NewMerchant

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("sound_books")]

REFUSED = Refused(reason=Reason.REJECTED, code="AC06")


@pytest_asyncio.fixture(loop_scope="module")
async def payment(shop: Gateway, psp: Psp, new_merchant: NewMerchant) -> Paid:
    """100.50 that was paid, all of it the merchant's, who has nothing else."""
    return await paid(shop, psp, await new_merchant(), notify_url="http://localhost/hook")


async def refund(payment: Paid, minor: int = 4_000) -> Refund:
    return await create_refund(payment.gateway, payment.application_id, payment.id, minor)


async def now_is(payment: Paid) -> Refund:
    """The payment's only refund."""
    (found,) = await list_refunds(payment.gateway, payment.application_id, payment.id)
    return found


async def check_due(payment: Paid, after: timedelta = timedelta(minutes=1)) -> None:
    """The worker does its round once, as far as the payment's refunds are in it."""
    gateway = payment.gateway
    move(gateway, after)
    lease_seconds = gateway.settings.lease_seconds
    for due in await claim_refunds(gateway.database, gateway.clock.now(), 100, lease_seconds):
        if due.payment_id == payment.id:
            await check_refund(gateway, due)


ASIDE = {"rail_float": 10_050, "merchant_available": 6_050, "refunds_in_flight": 4_000}


async def test_money_is_aside_on_disk_before_the_rail_is_asked(payment: Paid, psp: Psp) -> None:
    psp.gate.clear()
    asking = asyncio.create_task(refund(payment))

    async def asked() -> bool:
        return bool(psp.refund_orders)

    await until(asked)
    found, booked = await now_is(payment), await effects(payment)
    psp.gate.set()
    await asking
    assert (found.status, found.key) == ("initiated", psp.refund_orders[0].key)
    assert booked == ASIDE


async def test_rail_is_told_by_what_the_money_had_come(payment: Paid, psp: Psp) -> None:
    await refund(payment)

    (order,) = psp.refund_orders
    assert order.money == Money(4_000, "GBP")
    assert (order.collected.key, order.collected.received_minor) == (
        payment.attempt_id.hex,
        10_050,
    )


@pytest.mark.parametrize("answer", [SILENCE, RailUnavailable(), RuntimeError("a defect")])
async def test_money_stays_aside_while_nobody_knows_and_the_worker_asks_again(
    payment: Paid, psp: Psp, answer: Any
) -> None:
    psp.refunds = [answer, answer]
    made = await refund(payment)
    await check_due(payment)
    assert ((await now_is(payment)).status, made.status) == ("initiated", "initiated")
    assert await effects(payment) == ASIDE
    await check_due(payment)

    assert (await now_is(payment)).status == "completed"
    assert {order.key for order in psp.refund_orders} == {made.key}
    assert await effects(payment) == {"rail_float": 6_050, "merchant_available": 6_050}


async def test_refund_that_is_under_way_at_the_rail_is_sent_until_it_is_there(
    payment: Paid, psp: Psp
) -> None:
    psp.refunds = [Waiting(provider_reference="rtr", look_again_seconds=3_600), SILENCE]
    assert (await refund(payment)).status == "sent"
    await check_due(payment)
    assert len(psp.refund_orders) == 1  # the rail's own advice: not yet
    await check_due(payment, timedelta(hours=1))
    assert ((await now_is(payment)).status, await effects(payment)) == ("sent", ASIDE)
    await check_due(payment)

    found = await now_is(payment)
    assert (found.status, found.provider_reference) == ("completed", "rtr")
    assert psp.refund_orders[-1].provider_reference == "rtr"


async def test_refund_that_the_rail_refuses_is_the_merchants_again(payment: Paid, psp: Psp) -> None:
    psp.refunds = [REFUSED]
    made = await refund(payment)

    assert (made.status, made.reason, made.code) == ("failed", "rejected", "AC06")
    assert (await payment.now()).refundable_minor == 10_050
    assert await effects(payment) == {"rail_float": 10_050, "merchant_available": 10_050}


async def test_after_a_failed_refund_another_one_may_succeed(payment: Paid, psp: Psp) -> None:
    psp.refunds = [REFUSED]
    await refund(payment, 10_050)

    assert (await refund(payment, 10_050)).status == "completed"


async def test_closed_refund_is_not_asked_for_again(payment: Paid, psp: Psp) -> None:
    await refund(payment)
    await check_due(payment, timedelta(days=1))

    assert len(psp.refund_orders) == 1


async def test_late_word_about_a_closed_refund_changes_nothing(payment: Paid, psp: Psp) -> None:
    psp.refunds = [SILENCE, Done(received=Money(4_000, "GBP")), REFUSED]
    made = await refund(payment)
    for _ in range(2):  # the second by a worker that believes to hold the lease
        await check_refund(payment.gateway, made)

    assert len(psp.refund_orders) == 3
    assert (await now_is(payment)).status == "completed"
    assert (await payment.now()).refunded_minor == 4_000


async def test_refund_of_a_process_that_died_while_it_asked_is_asked_for_again(
    payment: Paid, psp: Psp
) -> None:
    psp.gate.clear()
    dying = asyncio.create_task(refund(payment))

    async def asked() -> bool:
        return bool(psp.refund_orders)

    await until(asked)
    dying.cancel()
    with suppress(asyncio.CancelledError):
        await dying
    psp.gate.set()
    async with payment.gateway.database.connection() as connection:
        await connection.execute(
            "UPDATE refunds SET claimed_until = now() WHERE payment_id = $1", payment.id
        )
    await check_due(payment)

    assert (await now_is(payment)).status == "completed"
    assert len({order.key for order in psp.refund_orders}) == 1


# --- beside other things that happen -------------------------------------------------------------


async def test_failed_refund_of_pending_money_is_available_at_once(
    shop: Gateway, psp: Psp, new_merchant: NewMerchant
) -> None:
    payment = await paid(shop, psp, await new_merchant(delay_hours=24))
    psp.refunds = [REFUSED]
    await refund(payment)
    assert await effects(payment) == {
        "rail_float": 10_050,
        "merchant_pending": 6_050,
        "merchant_available": 4_000,
    }
    move(shop, timedelta(hours=25))
    await release_payment(shop, payment.id)

    assert await effects(payment) == {"rail_float": 10_050, "merchant_available": 10_050}


async def test_money_that_is_aside_is_not_released(
    shop: Gateway, psp: Psp, new_merchant: NewMerchant
) -> None:
    payment = await paid(shop, psp, await new_merchant(delay_hours=24))
    psp.refunds = [SILENCE]
    await refund(payment)
    move(shop, timedelta(hours=25))
    await release_payment(shop, payment.id)

    assert await effects(payment) == ASIDE


async def test_money_taken_back_while_a_refund_of_it_is_under_way_is_owed_until_that_fails(
    payment: Paid, psp: Psp
) -> None:
    psp.refunds = [SILENCE, REFUSED]
    await refund(payment)
    await payment.report(TakenBack())
    assert await effects(payment) == {"refunds_in_flight": 4_000, "merchant_receivable": 4_000}
    await check_due(payment)

    assert (await payment.now()).status == "reversed"
    assert await effects(payment) == {"merchant_available": 4_000, "merchant_receivable": 4_000}


async def test_refund_that_reached_the_payer_before_the_rest_was_taken_back_counts(
    payment: Paid, psp: Psp
) -> None:
    psp.refunds = [SILENCE]
    await refund(payment)
    await payment.report(TakenBack(returned=Money(6_050, "GBP")))
    await check_due(payment)

    after = await payment.now()
    assert (after.status, after.refunded_minor, after.returned_minor) == (
        "completed",
        4_000,
        6_050,
    )
    assert await effects(payment) == {}


# --- what the world is told ----------------------------------------------------------------------


async def test_end_of_a_refund_is_announced_and_its_beginning_is_not(
    payment: Paid, psp: Psp
) -> None:
    psp.refunds = [REFUSED, Waiting(), Done(received=Money(4_000, "GBP"))]
    await refund(payment)
    await refund(payment)
    await check_due(payment)

    assert (await events(payment))[2:] == [
        "payment.completed",
        "refund.created",
        "refund.failed",
        "refund.created",
        "refund.completed",
    ]
    assert await announced(payment) == ["payment.completed", "refund.failed", "refund.completed"]


async def test_every_step_of_a_refund_is_a_version_of_its_payment(
    payment: Paid, shop: Gateway
) -> None:
    before = (await payment.now()).version
    made = await refund(payment)

    assert (await payment.now()).version == before + 2
    async with shop.database.connection() as connection:
        rows = await connection.fetch(
            "SELECT version, status, previous_status FROM events WHERE subject_id = $1"
            " AND subject_type = 'refund' ORDER BY version",
            made.id,
        )
    assert [tuple(row) for row in rows] == [
        (before + 1, "completed", "completed"),
        (before + 2, "completed", "completed"),
    ]
