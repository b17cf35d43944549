"""Forged returns, closed attempts and cancelled ones at the simulated Yapily."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from guichet.domain.outcomes import (
    Done,
    Reason,
    Refused,
    Reply,
    Unknown,
    Waiting,
)
from guichet.rails.port import RailUnavailable
from rails.stage import Stage, begun, looked, new_order

WHOLE = [Decimal("122.44")]


# What a browser brings ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"one-time-token": "forged"},
        {"one-time-token": "x" * 100_000},
        {"status": "COMPLETED", "consent": "forged"},
        {"one-time-token": ""},
    ],
)
async def test_a_forged_return_proves_nothing(stage: Stage, parameters: dict[str, str]) -> None:
    order = await begun(stage)
    _, outcome = await looked(stage, order, Reply(parameters=parameters))
    assert isinstance(outcome, Waiting)
    assert await stage.movements(order) == []


async def test_another_attempts_token_is_ignored(stage: Stage) -> None:
    mine, others = await begun(stage), await begun(stage)
    stolen = await stage.decide("accept", others)
    _, outcome = await looked(stage, mine, stolen)
    assert isinstance(outcome, Waiting)
    assert await stage.movements(mine) == []
    assert await stage.movements(others) == []


async def test_a_forged_return_does_not_stop_an_accepted_payment(stage: Stage) -> None:
    order = await begun(stage)
    await stage.decide("accept", order)
    _, outcome = await looked(stage, order, Reply(parameters={"one-time-token": "forged"}))
    assert isinstance(outcome, Done)


# A closed attempt ---------------------------------------------------------------------------------


async def test_a_closed_attempt_starts_nothing(stage: Stage) -> None:
    order = await begun(stage)
    reply = await stage.decide("accept", order)
    order, outcome = await looked(stage, replace(order, open=False), reply, times=2)
    assert isinstance(outcome, Refused)
    assert await stage.movements(order) == []
    assert not any(sent.url.endswith("/payments") for sent in stage.client.sent)


async def test_late_money_of_a_closed_attempt_is_reported(stage: Stage) -> None:
    order = await begun(stage)
    order, _ = await looked(stage, order, await stage.decide("accept", order, user="pending"))
    await stage.decide("settle", order)
    _, outcome = await looked(stage, replace(order, open=False))
    assert isinstance(outcome, Done)


# Cancelling ---------------------------------------------------------------------------------------


async def test_cancelling_before_the_payer_acts(stage: Stage) -> None:
    order = await begun(stage)
    for _ in range(2):
        outcome = await stage.rail.cancel(order)
        assert isinstance(outcome, Refused)
        assert outcome.reason is Reason.TIMED_OUT
    assert await stage.consent_statuses(order) == ["REVOKED"]


async def test_cancelling_an_authorised_consent_before_it_is_used(stage: Stage) -> None:
    order = await begun(stage)
    await stage.decide("accept", order)
    outcome = await stage.rail.cancel(order)
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.TIMED_OUT
    order, outcome = await looked(stage, order)
    assert isinstance(outcome, Refused)
    assert await stage.movements(order) == []


async def test_cancelling_money_under_way_reports_it(stage: Stage) -> None:
    order = await begun(stage)
    order, _ = await looked(stage, order, await stage.decide("accept", order, user="pending"))
    assert isinstance(await stage.rail.cancel(order), Waiting)
    await stage.decide("settle", order)
    assert isinstance(await stage.rail.cancel(order), Done)


async def test_cancelling_after_a_lost_answer_finds_the_money(stage: Stage) -> None:
    order = await begun(stage)
    order, first = await looked(stage, order, await stage.decide("accept", order, user="timeout"))
    assert isinstance(first, Unknown)
    assert isinstance(await stage.rail.cancel(order), Done)
    assert await stage.movements(order) == WHOLE


async def test_cancelling_after_a_crash_finds_the_money(stage: Stage) -> None:
    order = await begun(stage)
    await looked(stage, order, await stage.decide("accept", order))
    assert isinstance(await stage.rail.cancel(order), Done)
    assert await stage.movements(order) == WHOLE


async def test_cancelling_a_refused_consent_keeps_the_payers_no(stage: Stage) -> None:
    order = await begun(stage)
    await stage.decide("refuse", order)
    outcome = await stage.rail.cancel(order)
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.DECLINED


async def test_cancelling_what_never_began(stage: Stage) -> None:
    outcome = await stage.rail.cancel(new_order())
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.TIMED_OUT


async def test_a_withdrawal_without_an_answer_is_tried_again(stage: Stage) -> None:
    order = await begun(stage)
    await stage.fault("delete_consent", "drop")
    with pytest.raises(RailUnavailable):
        await stage.rail.cancel(order)
    assert isinstance(await stage.rail.cancel(order), Refused)
