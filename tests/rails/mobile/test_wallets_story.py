"""What all connectors to wallets have in common, against their simulators."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from guichet.domain.money import Money
from guichet.domain.orders import Destination, Payer
from guichet.domain.outcomes import Done, Finality, Reason, Refused, Unknown, Waiting
from rails.mobile import stage as operators
from rails.mobile.stage import NAMES, OrderStage, after_refund, after_send
from rails.notchpay import stage as aggregator

PAID = Money(5000, "XAF")


@pytest.fixture(params=[*NAMES, "notchpay"])
async def stage(
    request: pytest.FixtureRequest, operator_url: str, notchpay_url: str
) -> AsyncIterator[OrderStage]:
    name = str(request.param)
    if name == "notchpay":
        async with aggregator.staged(notchpay_url) as set_up:
            yield set_up
    else:
        async with operators.staged(name, operator_url, None) as found:
            yield found


async def test_a_payment_is_waited_for_and_then_done(stage: OrderStage) -> None:
    order, outcome = await stage.begun()
    assert isinstance(outcome, Waiting)
    assert outcome.look_again_seconds == 3
    order, outcome = await stage.looked(order)
    assert isinstance(outcome, Done)
    assert (outcome.received, outcome.finality) == (PAID, Finality.SETTLED)
    (known,) = await stage.known(order.key)
    assert outcome.provider_reference == known["reference"]


async def test_the_phone_decides(stage: OrderStage) -> None:
    order, _ = await stage.begun(100)
    order, outcome = await stage.looked(order)
    assert isinstance(outcome, Waiting)
    await stage.decide(order.key, "approve")
    _, outcome = await stage.looked(order)
    assert isinstance(outcome, Done)


async def test_a_crash_is_no_proof_that_nothing_was_begun(stage: OrderStage) -> None:
    order = stage.order(13, begun_at=stage.clock.now())
    await stage.rail.begin(order)  # and nothing of it was recorded
    assert isinstance(await stage.rail.cancel(order), Unknown)
    stage.clock.move(timedelta(minutes=15, seconds=1))
    never_posted = stage.order(begun_at=order.begun_at)
    assert isinstance(await stage.rail.cancel(never_posted), Refused)


async def test_a_crash_after_the_first_call_asks_nobody_twice(stage: OrderStage) -> None:
    order = stage.order(100)
    await stage.rail.begin(order)
    assert isinstance(await stage.rail.begin(order), Waiting)
    assert isinstance(await stage.rail.advance(order), Waiting)
    assert len(await stage.known(order.key)) == 1


async def test_cancelling_cannot_take_a_prompt_back(stage: OrderStage) -> None:
    order, _ = await stage.begun(100)
    assert isinstance(await stage.rail.cancel(order), Waiting)
    await stage.decide(order.key, "approve")
    assert isinstance(await stage.rail.cancel(order), Done)


@pytest.mark.parametrize("phone", [None, "", "+0", "hello", "+2376700000001234567"])
async def test_a_number_that_is_none_is_refused(stage: OrderStage, phone: str | None) -> None:
    _, outcome = await stage.begun(payer=Payer(phone=phone))
    assert isinstance(outcome, Refused)
    to = Destination("Amina", stage.channel, phone or "", "CM")
    assert isinstance(await stage.rail.send(stage.transfer(destination=to)), Refused)
    assert stage.client.sent == []


async def test_a_transfer_is_sent_and_then_done(stage: OrderStage) -> None:
    order = stage.transfer()
    outcome = await stage.rail.send(order)
    assert isinstance(outcome, Waiting)
    outcome = await stage.rail.send(after_send(order, outcome))
    assert isinstance(outcome, Done)
    assert outcome.received == PAID
    assert await stage.moved(order.key) == -5000


@pytest.mark.parametrize("distance", [7, 8, 9, 10], ids=str)
async def test_a_transfer_whose_answer_is_spoilt_is_sent_once(
    stage: OrderStage, distance: int
) -> None:
    order = stage.transfer(distance)
    outcome = await stage.rail.send(order)
    assert isinstance(outcome, Unknown)
    for _ in range(2):
        order = after_send(order, outcome)
        outcome = await stage.rail.send(order)
    assert isinstance(outcome, Done)
    assert await stage.moved(order.key) == -5000


@pytest.mark.parametrize("minor", [5000, 1999])
async def test_a_refund_is_given_and_then_done(stage: OrderStage, minor: int) -> None:
    order = stage.refund(await stage.paid(), minor)
    outcome = await stage.rail.refund(order)
    assert isinstance(outcome, Waiting)
    outcome = await stage.rail.refund(after_refund(order, outcome, stage.clock))
    assert isinstance(outcome, Done)
    assert outcome.received == Money(minor, "XAF")
    assert await stage.moved(order.key) == -minor


async def test_more_than_was_paid_is_not_given_back(stage: OrderStage) -> None:
    paid = await stage.paid()
    await stage.rail.refund(stage.refund(paid, 3000))
    order = stage.refund(paid, 2001)
    assert isinstance(await stage.rail.refund(order), Refused)
    assert await stage.moved(order.key) == 0


async def test_a_refund_that_fails_is_refused(stage: OrderStage) -> None:
    order = stage.refund(await stage.paid(18))
    order = after_refund(order, await stage.rail.refund(order), stage.clock)
    outcome = await stage.rail.refund(order)
    assert isinstance(outcome, Refused)
    assert outcome.reason in {Reason.REJECTED, Reason.PROVIDER_ERROR}


async def test_a_refund_that_never_ends_is_waited_for(stage: OrderStage) -> None:
    order = stage.refund(await stage.paid(19))
    order = after_refund(order, await stage.rail.refund(order), stage.clock)
    assert isinstance(await stage.rail.refund(order), Waiting)
    await stage.decide(order.key, "approve")
    assert isinstance(await stage.rail.refund(order), Done)


async def test_a_payment_whose_reference_was_never_learnt_can_be_given_back(
    stage: OrderStage,
) -> None:
    paid = replace(await stage.paid(), provider_reference=None, memory={})
    order = stage.refund(paid)
    order = after_refund(order, await stage.rail.refund(order), stage.clock)
    assert isinstance(await stage.rail.refund(order), Done)
