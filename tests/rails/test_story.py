"""Payments at the simulated Yapily, from the first request to the provider's truth."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from guichet.domain.money import Money
from guichet.domain.outcomes import (
    Done,
    Finality,
    Reason,
    Redirect,
    Refused,
    TakenBack,
    Unknown,
    Waiting,
)
from guichet.rails.port import RailUnavailable
from judge import Judge
from rails.stage import Stage, after, begun, looked, new_order, staged

WHOLE = [Decimal("122.44")]


async def test_the_banks_page_is_the_next_step(stage: Stage) -> None:
    order = new_order()
    outcome = await stage.rail.begin(order)
    assert isinstance(outcome, Waiting)
    assert isinstance(outcome.next_step, Redirect)
    assert outcome.next_step.url.startswith(f"{stage.base_url}/bank/modelo-sandbox/")
    assert await stage.movements(order) == []


async def test_accepted_paid_and_settled(stage: Stage) -> None:
    order = await begun(stage)
    reply = await stage.decide("accept", order)
    assert "one-time-token" in reply.parameters
    order, outcome = await looked(stage, order, reply)
    assert isinstance(outcome, Done)
    assert (outcome.received, outcome.finality) == (Money(12_244, "GBP"), Finality.SETTLED)
    assert outcome.provider_reference
    assert "consent_token" not in order.memory
    assert await stage.movements(order) == WHOLE


async def test_accepted_and_the_tab_closed(stage: Stage) -> None:
    order = await begun(stage)
    await stage.decide("accept", order)
    order, outcome = await looked(stage, order)
    assert isinstance(outcome, Done)
    assert await stage.movements(order) == WHOLE


async def test_still_at_the_bank(stage: Stage) -> None:
    order = await begun(stage)
    order, outcome = await looked(stage, order, times=3)
    assert isinstance(outcome, Waiting)
    assert outcome.next_step is None  # keeps the one that is known


@pytest.mark.parametrize(
    ("decision", "reason"), [("refuse", Reason.DECLINED), ("expire", Reason.TIMED_OUT)]
)
async def test_a_consent_that_dies(stage: Stage, decision: str, reason: Reason) -> None:
    order = await begun(stage)
    reply = await stage.decide(decision, order)
    _, outcome = await looked(stage, order, reply)
    assert isinstance(outcome, Refused)
    assert outcome.reason is reason
    assert await stage.movements(order) == []


@pytest.mark.parametrize(
    ("user", "reason"),
    [
        ("AC04", Reason.REJECTED),
        ("AM04", Reason.INSUFFICIENT_FUNDS),
        ("CUST", Reason.DECLINED),
        ("FR01", Reason.REJECTED),
    ],
)
async def test_the_bank_rejects_with_a_reason(stage: Stage, user: str, reason: Reason) -> None:
    order = await begun(stage)
    reply = await stage.decide("accept", order, user=user)
    _, outcome = await looked(stage, order, reply)
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.code) == (reason, user)
    assert await stage.movements(order) == []


async def test_accepted_first_settled_later(stage: Stage) -> None:
    order = await begun(stage)
    order, first = await looked(stage, order, await stage.decide("accept", order, user="accepted"))
    order, later = await looked(stage, replace(order, received_minor=12_244), times=2)
    assert isinstance(first, Done)
    assert isinstance(later, Done)
    assert (first.finality, later.finality) == (Finality.ACCEPTED, Finality.SETTLED)
    assert await stage.movements(order) == WHOLE


async def test_money_taken_back_after_it_was_reported(stage: Stage) -> None:
    order = await begun(stage)
    order, first = await looked(stage, order, await stage.decide("accept", order, user="takenback"))
    assert isinstance(first, Done)
    order, later = await looked(stage, replace(order, received_minor=12_244, open=False), times=2)
    assert isinstance(later, TakenBack)
    assert later.code == "FOCR"
    assert sum(await stage.movements(order)) == 0


async def test_pending_until_the_bank_decides(stage: Stage) -> None:
    order = await begun(stage)
    order, outcome = await looked(stage, order, await stage.decide("accept", order, user="pending"))
    assert isinstance(outcome, Waiting)
    assert outcome.provider_reference
    await stage.decide("settle", order)
    order, outcome = await looked(stage, order)
    assert isinstance(outcome, Done)
    assert await stage.movements(order) == WHOLE


@pytest.mark.parametrize(("user", "minor"), [("short", 11_019), ("over", 13_468)])
async def test_another_amount_is_reported_as_it_moved(stage: Stage, user: str, minor: int) -> None:
    order = await begun(stage)
    _, outcome = await looked(stage, order, await stage.decide("accept", order, user=user))
    assert isinstance(outcome, Done)
    assert outcome.received == Money(minor, "GBP")
    assert await stage.movements(order) == [Decimal(minor) / 100]


# The answer to the call that moves money is lost --------------------------------------------------


@pytest.mark.parametrize(
    "user", ["timeout", "lost", "error502-moved", "error502", "garbled", "notfound"]
)
async def test_a_lost_answer_is_unknown_and_then_the_truth(stage: Stage, user: str) -> None:
    order = await begun(stage)
    order, first = await looked(stage, order, await stage.decide("accept", order, user=user))
    assert isinstance(first, Unknown if user != "notfound" else Done)
    order, outcome = await looked(stage, order)
    assert isinstance(outcome, Done | Unknown)
    order, outcome = await looked(stage, order, times=3)
    assert isinstance(outcome, Done)
    assert outcome.received == Money(12_244, "GBP")
    assert await stage.movements(order) == WHOLE


async def test_silence_is_unknown_and_then_the_truth(yapily_url: str, judge: Judge) -> None:
    async with staged(yapily_url, judge, timeout_seconds=0.3) as stage:
        order = await begun(stage)
        order, first = await looked(stage, order, await stage.decide("accept", order, user="hang"))
        assert isinstance(first, Unknown)
        order, outcome = await looked(stage, order)
        assert isinstance(outcome, Done)
        assert await stage.movements(order) == WHOLE


@pytest.mark.parametrize("kind", ["drop", "error", "garble"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("user", ["mits", "AM04"])
async def test_faults_of_every_kind_around_the_payment(
    stage: Stage, kind: str, when: str, user: str
) -> None:
    order = await begun(stage)
    reply = await stage.decide("accept", order, user=user)
    await stage.fault("create_payment", kind, when=when)
    order, first = await looked(stage, order, reply)
    assert isinstance(first, Unknown)
    order, outcome = await looked(stage, order)
    if user == "mits":
        assert isinstance(outcome, Done)
        assert await stage.movements(order) == WHOLE
    else:
        assert isinstance(outcome, Refused)
        assert outcome.reason is Reason.INSUFFICIENT_FUNDS
        assert await stage.movements(order) == []


async def test_a_crash_between_the_payment_and_its_recording(stage: Stage) -> None:
    order = await begun(stage)
    reply = await stage.decide("accept", order)
    await looked(stage, order, reply)  # …whose outcome nobody recorded
    order, outcome = await looked(stage, order, reply)
    assert isinstance(outcome, Done)
    assert await stage.movements(order) == WHOLE


async def test_a_lost_beginning_is_not_started(stage: Stage) -> None:
    for when in ("before", "after"):
        await stage.fault("create_authorisation", "drop", when=when)
        order = new_order()
        outcome = await stage.rail.begin(order)
        assert isinstance(outcome, Unknown)
        _, outcome = await looked(stage, after(order, outcome))
        assert isinstance(outcome, Refused)
        assert outcome.reason is Reason.NOT_STARTED
        assert await stage.consent_statuses(order) == (["REVOKED"] if when == "after" else [])


async def test_an_unknown_bank_is_not_started(stage: Stage) -> None:
    outcome = await stage.rail.begin(new_order(institution_code="no-such-bank"))
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.code) == (Reason.NOT_STARTED, "NOT_FOUND")


@pytest.mark.parametrize("kind", ["drop", "error", "garble"])
async def test_a_look_that_fails_changes_nothing(stage: Stage, kind: str) -> None:
    order = await begun(stage)
    await stage.decide("accept", order)
    await stage.fault("get_consent", kind)
    with pytest.raises(RailUnavailable):
        await stage.rail.advance(order)
    assert await stage.movements(order) == []


async def test_a_look_at_the_payment_that_fails_changes_nothing(stage: Stage) -> None:
    order = await begun(stage)
    order, _ = await looked(stage, order, await stage.decide("accept", order, user="pending"))
    await stage.fault("get_payment", "error")
    with pytest.raises(RailUnavailable):
        await stage.rail.advance(order)
    _, outcome = await looked(stage, order)
    assert isinstance(outcome, Waiting)


async def test_a_payment_not_found_is_not_a_failure(stage: Stage) -> None:
    order = await begun(stage)
    order, _ = await looked(stage, order, await stage.decide("accept", order, user="pending"))
    await stage.fault("get_payment", "hide")
    order, outcome = await looked(stage, order)
    assert isinstance(outcome, Unknown)
    await stage.decide("settle", order)
    _, outcome = await looked(stage, order)
    assert isinstance(outcome, Done)


async def test_nobody_there_is_unavailable(stage: Stage) -> None:
    dead = type(stage.rail)(stage.client, "http://127.0.0.1:9", "a", "b", "sandbox", 2)
    with pytest.raises(RailUnavailable):
        await dead.begin(new_order())


async def test_wrong_credentials_are_unavailable_and_never_a_refusal(stage: Stage) -> None:
    wrong = type(stage.rail)(stage.client, stage.base_url, "a", "canary-secret", "sandbox", 2)
    with pytest.raises(RailUnavailable) as failure:
        await wrong.begin(new_order())
    assert "canary" not in repr(failure.value)
