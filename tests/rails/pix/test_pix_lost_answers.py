"""Answers of the simulated PSP that get lost, and callers that it does not know."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from guichet.domain.money import Money
from guichet.domain.outcomes import (
    Done,
    Refused,
    Unknown,
    Waiting,
)
from guichet.rails.port import RailUnavailable
from judge import Judge
from rails.pix.stage import (
    Psp,
    Stage,
    begun,
    code_in,
    looked,
    recorded,
    staged,
)

WHOLE = Money(12_244, "BRL")


@pytest.mark.parametrize("kind", ["drop", "error", "garble"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("repeated_txid", ["change", "refuse"])
async def test_a_lost_beginning_is_found_or_made_again(
    stage: Stage, kind: str, when: str, repeated_txid: str
) -> None:
    await stage.control("habits", repeated_txid=repeated_txid)
    await stage.fault("put_cob", kind, when=when)
    order = stage.order()
    outcome = await stage.rail.begin(order)
    assert isinstance(outcome, Unknown)
    order, outcome = await looked(stage, recorded(order, outcome))
    if not isinstance(outcome, Waiting):
        assert when == "before"
        assert isinstance(outcome, Unknown)  # it may still be on its way
        await stage.move(timedelta(seconds=stage.rail.card.visibility_seconds + 1))
        order, outcome = await looked(stage, order)
    assert code_in(outcome)
    assert len((await stage.truth(order)).charges) == 1


async def test_silence_is_unknown_and_then_the_truth(psp: Psp, judge: Judge) -> None:
    async with staged(psp, judge, timeout_seconds=0.5) as stage:
        await stage.fault("put_cob", "hold")
        order = stage.order()
        outcome = await stage.rail.begin(order)
        assert isinstance(outcome, Unknown)
        _, outcome = await looked(stage, recorded(order, outcome))
        assert code_in(outcome)


async def test_a_crash_before_or_after_the_request_is_healed(stage: Stage) -> None:
    order = stage.order()
    await stage.rail.begin(order)  # …whose outcome nobody recorded
    order, outcome = await looked(stage, order)
    assert code_in(outcome)
    never_sent = stage.order()
    never_sent, outcome = await looked(stage, never_sent)
    assert isinstance(outcome, Unknown)
    await stage.move(timedelta(seconds=stage.rail.card.visibility_seconds + 1))
    never_sent, outcome = await looked(stage, never_sent)
    assert code_in(outcome)


@pytest.mark.parametrize("repeated_txid", ["change", "refuse"])
async def test_a_charge_hidden_for_a_moment_is_not_made_twice(
    stage: Stage, repeated_txid: str
) -> None:
    await stage.control("habits", repeated_txid=repeated_txid)
    await stage.fault("put_cob", "drop", when="after")
    await stage.fault("get_cob", "hide", times=2)
    order = stage.order()
    order = recorded(order, await stage.rail.begin(order))
    order, outcome = await looked(stage, order)
    assert isinstance(outcome, Unknown)
    await stage.move(timedelta(seconds=stage.rail.card.visibility_seconds + 1))
    order, outcome = await looked(stage, order)
    assert code_in(outcome)
    assert len((await stage.truth(order)).charges) == 1


async def test_a_closed_attempt_asks_for_nothing_again(stage: Stage) -> None:
    await stage.fault("put_cob", "drop", when="before")
    order = stage.order()
    order = recorded(order, await stage.rail.begin(order))
    await stage.move(timedelta(minutes=1))
    outcome = await stage.rail.advance(replace(order, open=False))
    assert isinstance(outcome, Refused)
    assert (await stage.truth(order)).charges == []


@pytest.mark.parametrize("operation", ["get_cob", "token"])
@pytest.mark.parametrize("kind", ["drop", "error", "garble"])
async def test_a_look_that_fails_changes_nothing(stage: Stage, operation: str, kind: str) -> None:
    order = await begun(stage)
    await stage.pay(order)
    if operation == "token":
        stage.rail._sessions.of(stage.account)._token = ""
    await stage.fault(operation, kind)
    with pytest.raises(RailUnavailable):
        await stage.rail.advance(order)
    _, outcome = await looked(stage, order)
    assert isinstance(outcome, Done)


async def test_a_charge_that_is_not_found_any_more_is_looked_for_among_the_money(
    stage: Stage,
) -> None:
    order = await begun(stage)
    await stage.fault("get_cob", "hide")
    assert isinstance(await stage.rail.advance(order), Unknown)
    await stage.pay(order)
    await stage.fault("get_cob", "hide")
    outcome = await stage.rail.advance(order)
    assert isinstance(outcome, Done)
    assert outcome.received == WHOLE


async def test_nobody_there_is_unavailable(stage: Stage) -> None:
    settings = {**stage.psp.settings, "base_url": "https://127.0.0.1:9/v2"}
    dead = replace(stage.account, settings=settings)
    with pytest.raises(RailUnavailable):
        await stage.rail.begin(stage.order(account=dead))


async def test_wrong_credentials_are_unavailable_and_never_a_refusal(stage: Stage) -> None:
    settings = {**stage.psp.settings, "client_secret": "canary-secret"}
    wrong = replace(stage.account, settings=settings)
    with pytest.raises(RailUnavailable) as failure:
        await stage.rail.begin(stage.order(account=wrong))
    assert "invalid_client" in str(failure.value)
    assert "canary" not in repr(failure.value)


async def test_a_caller_without_a_certificate_is_unavailable(stage: Stage) -> None:
    settings = {
        name: text
        for name, text in stage.psp.settings.items()
        if name not in ("certificate", "private_key")
    }
    bare = replace(stage.account, settings=settings)
    with pytest.raises(RailUnavailable):
        await stage.rail.begin(stage.order(account=bare))
