"""Charges that are taken away: known to be gone, or known to be paid, before anything is said."""

from __future__ import annotations

from datetime import timedelta

import pytest

from guichet.domain.money import Money
from guichet.domain.outcomes import Done, Reason, Refused, Unknown
from guichet.rails.port import RailUnavailable
from rails.pix.scripted import Said, charge, page, pix, problem, scripted
from rails.pix.stage import Stage, begun, recorded

WHOLE = Money(12_244, "BRL")
REMOVED = "REMOVIDA_PELO_USUARIO_RECEBEDOR"


async def test_a_charge_nobody_paid_is_removed(stage: Stage) -> None:
    order = await begun(stage)
    for _ in range(2):
        outcome = await stage.rail.cancel(order)
        assert isinstance(outcome, Refused)
        assert outcome.reason is Reason.TIMED_OUT
    assert [each["status"] for each in (await stage.truth(order)).charges] == [REMOVED]
    with pytest.raises(AssertionError):
        await stage.pay(order)


async def test_a_charge_past_its_time_is_removed(stage: Stage) -> None:
    order = await begun(stage)
    await stage.move(timedelta(minutes=16))
    assert isinstance(await stage.rail.cancel(order), Refused)
    assert [each["status"] for each in (await stage.truth(order)).charges] == [REMOVED]


async def test_a_charge_that_was_paid_meanwhile_is_not(stage: Stage) -> None:
    order = await begun(stage)
    await stage.pay(order)
    outcome = await stage.rail.cancel(order)
    assert isinstance(outcome, Done)
    assert outcome.received == WHOLE


async def test_a_charge_that_the_psp_removed_before_is_over(stage: Stage) -> None:
    order = await begun(stage)
    await stage.control("remove", txid=order.key)
    outcome = await stage.rail.cancel(order)
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.TIMED_OUT


@pytest.mark.parametrize("kind", ["drop", "error", "garble"])
async def test_a_removal_without_an_answer_is_looked_into(stage: Stage, kind: str) -> None:
    order = await begun(stage)
    await stage.fault("patch_cob", kind)
    assert isinstance(await stage.rail.cancel(order), Refused)
    paid = await begun(stage)
    await stage.pay(paid)
    await stage.fault("patch_cob", kind)
    assert isinstance(await stage.rail.cancel(paid), Done)


@pytest.mark.parametrize("kind", ["drop", "error", "garble"])
async def test_a_removal_that_did_not_happen_is_tried_again(stage: Stage, kind: str) -> None:
    order = await begun(stage)
    await stage.fault("patch_cob", kind, when="before")
    with pytest.raises(RailUnavailable):
        await stage.rail.cancel(order)
    assert isinstance(await stage.rail.cancel(order), Refused)


async def test_a_removal_that_cannot_be_looked_into_is_tried_again(stage: Stage) -> None:
    order = await begun(stage)
    await stage.fault("patch_cob", "drop")
    await stage.fault("get_cob", "error")
    with pytest.raises(RailUnavailable):
        await stage.rail.cancel(order)
    assert isinstance(await stage.rail.cancel(order), Refused)


async def test_what_never_began_is_over(stage: Stage) -> None:
    outcome = await stage.rail.cancel(stage.order())
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.TIMED_OUT


async def test_a_lost_beginning_that_worked_is_removed(stage: Stage) -> None:
    await stage.fault("put_cob", "drop")
    order = stage.order()
    order = recorded(order, await stage.rail.begin(order))
    assert isinstance(await stage.rail.cancel(order), Refused)
    assert [each["status"] for each in (await stage.truth(order)).charges] == [REMOVED]


@pytest.mark.parametrize("hidden", ["patch_cob", "get_cob"])
async def test_a_paid_charge_that_is_hidden_is_found_by_its_money(
    stage: Stage, hidden: str
) -> None:
    order = await begun(stage)
    await stage.pay(order)
    await stage.fault(hidden, "hide")
    assert isinstance(await stage.rail.cancel(order), Done)


# Answers that a sound PSP never gives -------------------------------------------------------------


@pytest.mark.parametrize("answer", [problem(400), problem(409), problem(403), (200, [])])
async def test_a_psp_that_will_not_remove_is_asked_again(answer: Said) -> None:
    async with scripted() as script:
        order = script.shown()
        script.answers["PATCH /v2/cob/"] = answer
        script.answers["GET /v2/cob/"] = charge(order)
        with pytest.raises(RailUnavailable):
            await script.rail.cancel(order)


async def test_a_removal_that_answers_another_charge_is_looked_into() -> None:
    async with scripted() as script:
        order = script.shown()
        script.answers["PATCH /v2/cob/"] = charge(order, REMOVED, txid="0" * 32)
        script.answers["GET /v2/cob/"] = charge(order, "CONCLUIDA", pix=[pix()])
        assert isinstance(await script.rail.cancel(order), Done)


async def test_a_removal_that_answers_with_money_is_looked_into() -> None:
    async with scripted() as script:
        order = script.shown()
        removed = charge(order, REMOVED, pix=[pix()])
        script.answers["PATCH /v2/cob/"] = script.answers["GET /v2/cob/"] = removed
        assert isinstance(await script.rail.cancel(order), Done)


async def test_an_odd_charge_is_not_taken_for_removed() -> None:
    async with scripted() as script:
        order = script.shown()
        script.answers["PATCH /v2/cob/"] = problem(500)
        script.answers["GET /v2/cob/"] = (200, {"txid": 7})
        script.answers["GET /v2/pix?"] = page()
        assert isinstance(await script.rail.cancel(order), Unknown)
