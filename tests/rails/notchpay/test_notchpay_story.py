"""The connector against the simulated Notch Pay: what happens comes out, whatever goes wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from guichet.domain.money import Money
from guichet.domain.outcomes import Done, Reason, Refused, TakenBack, Unknown, Waiting
from guichet.rails.port import RailUnavailable
from rails.notchpay.stage import Stage, after_send

PAID = Money(5000, "XAF")
FAILURES = {
    1: (Reason.INSUFFICIENT_FUNDS, "INSUFFICIENT_BALANCE"),
    2: (Reason.PROVIDER_ERROR, "PROVIDER_ERROR"),
    3: (Reason.TIMED_OUT, "TIMEOUT"),
    4: (Reason.DECLINED, "CANCELLED_BY_USER"),
    15: (Reason.REJECTED, "UNREGISTERED_PHONE"),
}


@pytest.mark.parametrize("distance", FAILURES)
async def test_a_failure_is_refused_with_its_reason(stage: Stage, distance: int) -> None:
    order, _ = await stage.begun(distance)
    order, outcome = await stage.looked(order)
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.code) == FAILURES[distance]
    assert await stage.moved(order.key) == 0


@pytest.mark.parametrize("distance", [7, 8, 9, 10, 17], ids=str)
async def test_a_spoilt_processing_is_unknown_and_asks_the_payer_once(
    stage: Stage, distance: int
) -> None:
    order, outcome = await stage.begun(distance)
    assert isinstance(outcome, Unknown)
    order, outcome = await stage.looked(order)
    if isinstance(outcome, Waiting):  # it never arrived: it may still be on its way
        stage.clock.move(timedelta(minutes=1))
        order, outcome = await stage.looked(order)
        order, outcome = await stage.looked(order)
    assert isinstance(outcome, Done)
    assert await stage.moved(order.key) == 5000


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["drop", "error", "garble", "page"])
async def test_a_spoilt_creation_is_unknown_and_made_once(
    stage: Stage, kind: str, when: str
) -> None:
    await stage.fault("create_payment", kind, when=when)
    order, outcome = await stage.begun()
    assert isinstance(outcome, Unknown)
    order, outcome = await stage.looked(order)
    order, outcome = await stage.looked(order)
    assert isinstance(outcome, Done)
    assert len(await stage.known(order.key)) == 1


async def test_a_payment_that_is_found_by_searching_alone(stage: Stage) -> None:
    await stage.fault("create_payment", "drop")
    order, _ = await stage.begun()
    await stage.fault("get_payment", "hide", times=9)
    order, outcome = await stage.looked(order)
    assert isinstance(outcome, Waiting)
    _, outcome = await stage.looked(order)
    assert isinstance(outcome, Done)
    assert len([each for each in stage.client.sent if each.method == "POST"]) == 1


async def test_a_payment_that_is_not_found_after_it_was_taken_is_in_doubt(stage: Stage) -> None:
    order, _ = await stage.begun(13)
    stage.clock.move(timedelta(days=3))
    for _ in range(3):
        order, outcome = await stage.looked(replace(order, open=False))
        assert isinstance(outcome, Unknown)
    _, outcome = await stage.looked(order)
    assert isinstance(outcome, Done)


async def test_a_creation_that_was_lost_is_not_repeated_after_its_time(stage: Stage) -> None:
    await stage.fault("create_payment", "drop", when="before")
    order, _ = await stage.begun()
    stage.clock.move(timedelta(minutes=14))
    late = replace(order, expires_at=stage.clock.now())
    _, outcome = await stage.looked(late)
    assert isinstance(outcome, Unknown)
    stage.clock.move(timedelta(minutes=1, seconds=1))
    _, outcome = await stage.looked(late)
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.TIMED_OUT
    assert await stage.known(order.key) == []


async def test_a_payment_whose_payer_was_not_asked_is_cancelled_there(stage: Stage) -> None:
    await stage.fault("process_payment", "drop", when="before")
    order, _ = await stage.begun()
    outcome = await stage.rail.cancel(order)
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.TIMED_OUT
    assert [each["status"] for each in await stage.known(order.key)] == ["canceled"]


async def test_a_cancellation_whose_answer_is_lost_is_unknown_and_then_known(
    stage: Stage,
) -> None:
    await stage.fault("process_payment", "drop", when="before")
    order, _ = await stage.begun()
    await stage.fault("cancel_payment", "drop")
    assert isinstance(await stage.rail.cancel(order), Unknown)
    assert isinstance(await stage.rail.cancel(order), Refused)


async def test_a_crash_between_the_two_steps_is_made_good(stage: Stage) -> None:
    await stage.fault("process_payment", "drop", when="before")
    order = stage.order()
    await stage.rail.begin(order)
    _, outcome = await stage.looked(order)  # as the core knows it that recorded nothing
    assert isinstance(outcome, Waiting)
    assert await stage.moved(order.key) == 5000


async def test_a_channel_of_another_currency_is_refused_for_good(stage: Stage) -> None:
    _, outcome = await stage.begun(channel="ci.orange")
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.code) == (Reason.REJECTED, "INVALID_LOCKED_CHANNEL")


@pytest.mark.parametrize(
    "fields",
    [
        {"merchant_reference": "another", "trxref": None},
        {"sandbox": 0},
        {"amount": 0},
        {"amount": 12.5},
        {"currency": "francs"},
    ],
    ids=str,
)
async def test_a_payment_that_is_not_ours_or_unreadable_is_unknown(
    stage: Stage, fields: dict[str, object]
) -> None:
    order, _ = await stage.begun()
    await stage.show(order.key, **fields)
    _, outcome = await stage.looked(order)
    assert isinstance(outcome, Unknown)


async def test_another_amount_is_told_as_it_came(stage: Stage) -> None:
    order, _ = await stage.begun()
    await stage.show(order.key, amount=4000)
    _, outcome = await stage.looked(order)
    assert isinstance(outcome, Done)
    assert outcome.received == Money(4000, "XAF")


async def test_a_failure_after_a_success_takes_the_money_back(stage: Stage) -> None:
    order = await stage.paid()
    await stage.show(order.key, status="failed")
    _, outcome = await stage.looked(replace(order, open=False))
    assert isinstance(outcome, TakenBack)


# Transfers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("distance", "reason"),
    [(1, Reason.INSUFFICIENT_FUNDS), (2, Reason.PROVIDER_ERROR), (15, Reason.REJECTED)],
)
async def test_a_transfer_that_fails_is_refused_with_its_reason(
    stage: Stage, distance: int, reason: Reason
) -> None:
    order = stage.transfer(distance)
    outcome = await stage.rail.send(order)
    outcome = await stage.rail.send(after_send(order, outcome))
    assert isinstance(outcome, Refused)
    assert outcome.reason is reason


async def test_a_transfer_beyond_the_balance_is_refused(stage: Stage) -> None:
    await stage.control("balance", currency="XAF", balance=4999)
    order = stage.transfer()
    outcome = await stage.rail.send(order)
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.INSUFFICIENT_FUNDS
    assert await stage.known(order.key) == []


async def test_a_transfer_of_another_amount_is_unknown(stage: Stage) -> None:
    order = stage.transfer()
    order = after_send(order, await stage.rail.send(order))
    await stage.show(order.key, amount=4999)
    assert isinstance(await stage.rail.send(order), Unknown)


async def test_a_transfer_that_came_back_was_taken_back_if_it_had_arrived(stage: Stage) -> None:
    order = stage.transfer()
    sent = after_send(order, await stage.rail.send(order))
    arrived = after_send(sent, await stage.rail.send(sent))
    await stage.show(order.key, status="reversed")
    assert isinstance(await stage.rail.send(arrived), TakenBack)
    assert isinstance(await stage.rail.send(sent), Refused)


# Refunds ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["drop", "error", "garble", "page"])
async def test_a_refund_whose_answer_is_lost_is_found_in_the_list(stage: Stage, kind: str) -> None:
    order = stage.refund(await stage.paid())
    await stage.fault("create_refund", kind)
    assert isinstance(await stage.rail.refund(order), Unknown)
    again = replace(order, asked_at=stage.clock.now())
    assert isinstance(await stage.rail.refund(again), Done)
    assert await stage.moved(order.key) == -5000


async def test_a_refund_that_never_arrived_is_repeated_after_its_time(stage: Stage) -> None:
    order = stage.refund(await stage.paid())
    await stage.fault("create_refund", "drop", when="before")
    assert isinstance(await stage.rail.refund(order), Unknown)
    again = replace(order, asked_at=stage.clock.now())
    assert isinstance(await stage.rail.refund(again), Unknown)
    assert await stage.known(order.key) == []
    stage.clock.move(timedelta(minutes=15, seconds=1))
    assert isinstance(await stage.rail.refund(again), Waiting)
    assert await stage.moved(order.key) == -5000


async def test_a_refund_that_somebody_made_by_hand_is_for_a_person_to_see(stage: Stage) -> None:
    paid = await stage.paid()
    await stage.api("POST", "/refunds", payment=paid.provider_reference, amount=2000)
    order = replace(stage.refund(paid, 2000), asked_at=stage.clock.now())
    stage.clock.move(timedelta(days=1))
    assert isinstance(await stage.rail.refund(order), Unknown)
    assert await stage.known(order.key) == []


async def test_a_list_that_cannot_be_read_gives_nothing_back(stage: Stage) -> None:
    order = replace(stage.refund(await stage.paid()), asked_at=stage.clock.now())
    stage.clock.move(timedelta(days=1))
    await stage.fault("list_refunds", "garble")
    with pytest.raises(RailUnavailable):
        await stage.rail.refund(order)
    assert await stage.known(order.key) == []
