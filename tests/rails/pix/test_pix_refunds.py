"""Giving money back at the simulated PSP: once, whatever happens on the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from guichet.domain.money import Money
from guichet.domain.outcomes import Done, Reason, Refused, Unknown, Waiting
from guichet.rails.port import RailUnavailable
from judge import Judge
from rails.pix.stage import Psp, Stage, asked, begun, looked, paid, refund_of, staged


async def test_given_back_whole(stage: Stage) -> None:
    refund = refund_of(await paid(stage))
    refund, first = await asked(stage, refund)
    assert isinstance(first, Waiting | Done)
    refund, outcome = await asked(stage, refund)
    assert isinstance(outcome, Done)
    assert outcome.received == Money(12_244, "BRL")
    assert refund.provider_reference
    assert refund.provider_reference.startswith("D")
    assert (await stage.truth(refund.collected)).refunded_minor == 12_244


async def test_given_back_in_parts_up_to_the_whole(stage: Stage) -> None:
    order = await paid(stage)
    for minor in (10_000, 2_244):
        _, outcome = await asked(stage, refund_of(order, minor), times=2)
        assert isinstance(outcome, Done)
    _, outcome = await asked(stage, refund_of(order, 1))
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.code) == (Reason.REJECTED, "PixDevolucaoInvalida")
    assert (await stage.truth(order)).refunded_minor == 12_244


async def test_under_way_until_the_psp_decides(stage: Stage) -> None:
    await stage.control("habits", returns="stay")
    refund = refund_of(await paid(stage), 244)
    refund, outcome = await asked(stage, refund, times=3)
    assert isinstance(outcome, Waiting)
    await stage.control("return", txid=refund.collected.key, id=refund.key, decision="settle")
    _, outcome = await asked(stage, refund)
    assert isinstance(outcome, Done)


async def test_given_back_in_vain(stage: Stage) -> None:
    await stage.control("habits", returns="stay")
    refund = refund_of(await paid(stage))
    await asked(stage, refund)
    await stage.control(
        "return", txid=refund.collected.key, id=refund.key, decision="fail", reason="AC06"
    )
    _, outcome = await asked(stage, refund)
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.code) == (Reason.REJECTED, "AC06")
    assert (await stage.truth(refund.collected)).refunded_minor == 0


async def test_too_late_is_refused(stage: Stage) -> None:
    order = await paid(stage)
    await stage.move(timedelta(days=91))
    _, outcome = await asked(stage, refund_of(order))
    assert isinstance(outcome, Refused)
    assert outcome.code == "PixDevolucaoInvalida"


async def test_the_window_is_the_psps(stage: Stage) -> None:
    assert stage.rail.card.refund_window == timedelta(days=90)


@pytest.mark.parametrize("kind", ["drop", "error", "garble"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_lost_answer_is_unknown_and_then_the_truth(
    stage: Stage, kind: str, when: str
) -> None:
    refund = refund_of(await paid(stage))
    await stage.fault("put_devolucao", kind, when=when)
    refund, first = await asked(stage, refund)
    assert isinstance(first, Unknown)
    refund, outcome = await asked(stage, refund, times=2)
    assert isinstance(outcome, Done)
    assert (await stage.truth(refund.collected)).refunded_minor == 12_244
    puts = (await stage.calls())["put_devolucao"]
    assert puts == (2 if when == "before" else 1)


async def test_silence_is_unknown_and_then_the_truth(psp: Psp, judge: Judge) -> None:
    async with staged(psp, judge, timeout_seconds=0.5) as stage:
        refund = refund_of(await paid(stage))
        await stage.fault("put_devolucao", "hold")
        refund, outcome = await asked(stage, refund)
        assert isinstance(outcome, Unknown)
        _, outcome = await asked(stage, refund, times=2)
        assert isinstance(outcome, Done)
        assert (await stage.truth(refund.collected)).refunded_minor == 12_244


async def test_an_id_that_is_used_but_hidden_is_never_another_refund(stage: Stage) -> None:
    refund = refund_of(await paid(stage), 5000)
    await asked(stage, refund)
    await stage.fault("get_devolucao", "hide")
    refund, outcome = await asked(stage, refund)
    assert isinstance(outcome, Done)
    assert (await stage.truth(refund.collected)).refunded_minor == 5000


async def test_a_refund_whose_money_was_taken_meanwhile_is_refused(stage: Stage) -> None:
    refund = refund_of(await paid(stage), 5000)
    await stage.fault("put_devolucao", "drop", when="before")
    refund, outcome = await asked(stage, refund)
    assert isinstance(outcome, Unknown)
    await stage.control("med", txid=refund.collected.key)
    _, outcome = await asked(stage, refund)
    assert isinstance(outcome, Refused)
    assert (await stage.truth(refund.collected)).refunded_minor == 0


async def test_while_the_psp_cannot_be_read_nothing_is_asked_for(stage: Stage) -> None:
    refund = refund_of(await paid(stage))
    for kind in ("drop", "error", "garble"):
        await stage.fault("get_devolucao", kind)
        with pytest.raises(RailUnavailable):
            await stage.rail.refund(refund)
    assert "put_devolucao" not in await stage.calls()


async def test_a_no_that_cannot_be_looked_into_is_unknown(stage: Stage) -> None:
    refund = refund_of(await paid(stage))
    await stage.fault("put_devolucao", "error", when="before", status=400)
    await stage.fault("get_devolucao", "hide")
    await stage.fault("get_devolucao", "error")
    _, outcome = await asked(stage, refund)
    assert isinstance(outcome, Unknown)


async def test_of_two_pix_the_first_that_can_bear_it_gives_back(stage: Stage) -> None:
    order = await begun(stage)
    first, second = await stage.pay(order, scenario="twice")
    order, _ = await looked(stage, order)
    for minor, expected in ((12_000, first), (300, second), (244, first), (11_944, second)):
        refund, outcome = await asked(stage, refund_of(order, minor), times=2)
        assert isinstance(outcome, Done)
        found = {
            back["id"]: payment["endToEndId"]
            for payment in (await stage.truth(order)).payments
            for back in payment["returns"]
        }
        assert found[refund.key] == expected
    _, outcome = await asked(stage, refund_of(order, 1))
    assert isinstance(outcome, Refused)
    assert outcome.code == "AM02"
    assert (await stage.truth(order)).refunded_minor == 24_488


async def test_what_failed_to_go_back_can_go_back_again(stage: Stage) -> None:
    order = await begun(stage)
    await stage.pay(order, scenario="twice")
    order, _ = await looked(stage, order)
    await stage.control("habits", returns="refuse")
    for _ in range(3):
        _, outcome = await asked(stage, refund_of(order, 12_000), times=2)
        assert isinstance(outcome, Refused)
        assert outcome.code == "AC06"
    first, second = (each["returns"] for each in (await stage.truth(order)).payments)
    assert (len(first), len(second)) == (3, 0)


async def test_the_pix_is_looked_up_where_it_was_not_remembered(stage: Stage) -> None:
    order = replace(await paid(stage), memory={}, provider_reference=None)
    _, outcome = await asked(stage, refund_of(order), times=2)
    assert isinstance(outcome, Done)


async def test_play_money_goes_back_by_its_number(stage: Stage) -> None:
    order = await begun(stage, money=Money(5000, "JPY"))
    await stage.pay(order)
    order, _ = await looked(stage, order)
    _, outcome = await asked(stage, refund_of(order, 200), times=2)
    assert isinstance(outcome, Done)
    assert outcome.received == Money(200, "JPY")
    assert (await stage.truth(order)).refunded_minor == 20_000
