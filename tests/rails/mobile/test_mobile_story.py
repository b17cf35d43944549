"""Both connectors against the simulated operators: what happens comes out, whatever goes wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from guichet.domain.money import Money
from guichet.domain.outcomes import Done, Reason, Refused, Unknown, Waiting
from guichet.rails.port import RailUnavailable
from rails.mobile.stage import Stage, after, after_send

PAID = Money(5000, "XAF")
FAILURES = {
    1: Reason.INSUFFICIENT_FUNDS,
    2: Reason.PROVIDER_ERROR,
    3: Reason.TIMED_OUT,
    4: Reason.DECLINED,
    14: Reason.REJECTED,
    15: Reason.REJECTED,
    16: Reason.REJECTED,
}


@pytest.mark.parametrize("distance", FAILURES)
async def test_a_failure_is_refused_with_its_reason(stage: Stage, distance: int) -> None:
    order, outcome = await stage.begun(distance)
    if isinstance(outcome, Waiting):
        order, outcome = await stage.looked(order)
    assert isinstance(outcome, Refused)
    assert outcome.reason is FAILURES[distance]
    assert outcome.code
    assert await stage.moved(order.key) == 0


@pytest.mark.parametrize("distance", FAILURES)
async def test_a_transfer_that_fails_is_refused_with_its_reason(
    stage: Stage, distance: int
) -> None:
    order = stage.transfer(distance)
    outcome = await stage.rail.send(order)
    if isinstance(outcome, Waiting):
        outcome = await stage.rail.send(after_send(order, outcome))
    assert isinstance(outcome, Refused)
    assert outcome.reason is FAILURES[distance]
    assert await stage.moved(order.key) == 0


@pytest.mark.parametrize(
    ("decision", "reason"), [("refuse", Reason.DECLINED), ("expire", Reason.TIMED_OUT)]
)
async def test_a_refused_and_a_forgotten_prompt(
    stage: Stage, decision: str, reason: Reason
) -> None:
    order, _ = await stage.begun(100)
    await stage.decide(order.key, decision)
    _, outcome = await stage.looked(order)
    assert isinstance(outcome, Refused)
    assert outcome.reason is reason


async def test_a_payment_that_never_ends_is_looked_at_less_and_less(stage: Stage) -> None:
    order, _ = await stage.begun(5)
    advice = []
    for _ in range(3):
        order, outcome = await stage.looked(order)
        assert isinstance(outcome, Waiting)
        advice.append(outcome.look_again_seconds)
        stage.clock.move(timedelta(hours=1))
    assert advice == [3, 600, 600]


@pytest.mark.parametrize("distance", [7, 8, 9, 10, 17], ids=str)
async def test_a_spoilt_answer_is_unknown_until_it_is_asked_about(
    stage: Stage, distance: int
) -> None:
    order, outcome = await stage.begun(distance)
    if (stage.provider.name, distance) != ("mtn", 17):  # MTN's answer has no body to break
        assert isinstance(outcome, Unknown)
    outcomes = []
    for _ in range(2):
        order, outcome = await stage.looked(order)
        outcomes.append(outcome)
    assert isinstance(outcomes[-1], Done)
    assert await stage.moved(order.key) == 5000


async def test_a_payment_that_is_not_found_after_it_was_taken_is_in_doubt(stage: Stage) -> None:
    order, _ = await stage.begun(13)
    stage.clock.move(timedelta(days=3))
    # GSMA's API is asked in two ways at each look, so the third look of its own comes sooner.
    for _ in range(3 if stage.provider.name == "mtn" else 1):
        order, outcome = await stage.looked(replace(order, open=False))
        assert isinstance(outcome, Unknown)
    _, outcome = await stage.looked(order)
    assert isinstance(outcome, Done)


async def test_an_order_that_was_lost_is_not_posted_after_its_time(stage: Stage) -> None:
    order, outcome = await stage.begun(8)
    assert isinstance(outcome, Unknown)
    stage.clock.move(timedelta(minutes=14))
    late = replace(order, expires_at=stage.clock.now())
    _, outcome = await stage.looked(late)
    assert isinstance(outcome, Unknown)
    stage.clock.move(timedelta(minutes=1, seconds=1))
    _, outcome = await stage.looked(late)
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.TIMED_OUT
    assert await stage.request(order.key) is None


async def test_a_closed_attempt_is_never_posted(stage: Stage) -> None:
    order = replace(stage.order(), open=False)
    assert isinstance(await stage.rail.advance(order), Refused)
    assert await stage.request(order.key) is None


async def test_a_crash_before_the_first_call_is_made_good(stage: Stage) -> None:
    order = stage.order()
    order, outcome = await stage.looked(order)
    assert isinstance(outcome, Waiting)
    assert await stage.moved(order.key) == 5000


async def test_a_repetition_that_cannot_be_found_is_in_doubt(stage: Stage) -> None:
    order = stage.order(13)
    await stage.rail.begin(order)
    outcome = await stage.rail.begin(order)
    assert isinstance(outcome, Unknown)
    order = after(order, outcome)
    for _ in range(3):
        order, outcome = await stage.looked(order)
    assert isinstance(outcome, Done)


async def test_an_operator_that_is_closed_cannot_be_asked(stage: Stage) -> None:
    order, _ = await stage.begun(100)
    await stage.control("maintenance", operator=stage.provider.operator, lasts_seconds=600)
    with pytest.raises(RailUnavailable):
        await stage.rail.advance(order)
    # 503 to an order proves nothing: it is asked about when the operator is back.
    lost, outcome = await stage.begun()
    assert isinstance(outcome, Unknown)
    await stage.control("maintenance", operator=stage.provider.operator, lasts_seconds=0)
    _, outcome = await stage.looked(lost)
    assert isinstance(outcome, Waiting)


async def test_an_account_of_its_own_currency_takes_no_other(stage: Stage) -> None:
    _, outcome = await stage.begun(money=Money(5000, "EUR"))
    assert isinstance(outcome, Refused)
    outcome = await stage.rail.send(stage.transfer(money=Money(1, "EUR")))
    assert isinstance(outcome, Refused)
    assert stage.client.sent == []


# Transfers ----------------------------------------------------------------------------------------


async def test_a_transfer_beyond_the_float_is_refused(stage: Stage) -> None:
    await stage.control("float", operator=stage.provider.operator, balance=4999)
    order = stage.transfer()
    outcome = await stage.rail.send(order)
    outcome = await stage.rail.send(after_send(order, outcome))
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.INSUFFICIENT_FUNDS


async def test_a_lost_transfer_that_is_refused_when_repeated_ends(stage: Stage) -> None:
    order = stage.transfer()
    await stage.fault("send", "drop", when="before")
    order = after_send(order, await stage.rail.send(order))
    await stage.fault("send", "error", when="before", status=400)
    for wait, kind in ((timedelta(), Unknown), (timedelta(minutes=16), Refused)):
        stage.clock.move(wait)
        wrong = replace(order, destination=replace(order.destination, account_number="+4912345678"))
        outcome = await stage.rail.send(wrong)
        if isinstance(outcome, Waiting):  # MTN finds out later
            outcome = await stage.rail.send(after_send(wrong, outcome))
            assert isinstance(outcome, Refused)
            return
        assert isinstance(outcome, kind)


# Refunds ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["drop", "error", "garble"])
async def test_a_refund_whose_answer_is_spoilt_is_given_once(
    stage: Stage, kind: str, when: str
) -> None:
    order = stage.refund(await stage.paid())
    await stage.fault("refund", kind, when=when)
    await stage.rail.refund(order)
    outcome = await stage.rail.refund(order)
    if isinstance(outcome, Waiting):
        outcome = await stage.rail.refund(order)
    assert isinstance(outcome, Done)
    assert await stage.moved(order.key) == -5000
