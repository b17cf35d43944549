"""Charges at the simulated PSP, from the first request to the money."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from guichet.domain.money import Money
from guichet.domain.outcomes import (
    Done,
    Finality,
    Reason,
    Refused,
    Waiting,
)
from guichet.rails.pix.brcode import read
from guichet.rails.pix.rail import PixRail
from guichet.rails.port import RailUnavailable
from rails.pix.stage import (
    Stage,
    begun,
    code_in,
    looked,
    paid,
    recorded,
)

WHOLE = Money(12_244, "BRL")


# The beginning ------------------------------------------------------------------------------------


async def test_the_code_is_the_next_step(stage: Stage) -> None:
    order = stage.order()
    text = code_in(await stage.rail.begin(order))
    await stage.control("pay", code=text)
    assert (await stage.truth(order)).received_minor == 12_244


async def test_a_psp_without_copy_and_paste_leaves_the_code_to_us(stage: Stage) -> None:
    await stage.control("habits", copy_and_paste=False)
    order = stage.order()
    text = code_in(await stage.rail.begin(order))
    code = read(text)
    assert (code.name, code.city, code.one_use) == ("Loja Guiche", "Sao Paulo", True)
    await stage.control("pay", code=text)
    assert (await stage.truth(order)).received_minor == 12_244


async def test_the_charge_lives_as_long_as_the_payment(stage: Stage) -> None:
    order = await begun(stage)
    (charge,) = (await stage.truth(order)).charges
    assert charge["amount"] == "122.44"
    assert charge["expiresAt"][:18] in {
        (order.expires_at + timedelta(seconds=each)).strftime("%Y-%m-%dT%H:%M:%S")[:18]
        for each in (0, 2)
    }


@pytest.mark.parametrize(
    ("money", "amount"),
    [(Money(12_244, "GBP"), "122.44"), (Money(5000, "JPY"), "5000.00"), (Money(1, "EUR"), "0.01")],
)
async def test_play_money_keeps_its_number(stage: Stage, money: Money, amount: str) -> None:
    order = await begun(stage, money=money)
    assert [each["amount"] for each in (await stage.truth(order)).charges] == [amount]
    await stage.pay(order)
    _, outcome = await looked(stage, order)
    assert isinstance(outcome, Done)
    assert outcome.received == money


async def test_a_payment_whose_time_is_over_asks_for_nothing(stage: Stage) -> None:
    order = stage.order(expires_at=stage.clock.now() - timedelta(seconds=1))
    outcome = await stage.rail.begin(order)
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.TIMED_OUT
    assert (await stage.truth(order)).charges == []


async def test_what_the_psp_finds_wrong_is_refused_by_its_name(stage: Stage) -> None:
    other = replace(stage.account, settings={**stage.psp.settings, "pix_key": "a@b.example"})
    outcome = await stage.rail.begin(stage.order(account=other))
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.code) == (Reason.REJECTED, "CobOperacaoInvalida")


# The money ----------------------------------------------------------------------------------------


async def test_paid(stage: Stage) -> None:
    order = await begun(stage)
    ids = await stage.pay(order)
    order, outcome = await looked(stage, order)
    assert isinstance(outcome, Done)
    assert (outcome.received, outcome.finality) == (WHOLE, Finality.SETTLED)
    assert [outcome.provider_reference] == ids
    assert order.memory["e2eids"].split() == ids


async def test_not_paid_yet(stage: Stage) -> None:
    order = await begun(stage)
    _, outcome = await looked(stage, order, times=3)
    assert isinstance(outcome, Waiting)
    assert outcome.next_step is None  # keeps the one that is known


async def test_looks_become_rarer_with_the_charges_age(stage: Stage) -> None:
    order = await begun(stage, expires_at=stage.clock.now() + timedelta(days=2))
    advice = []
    for minutes in (0, 1, 10, 60 * 24):
        await stage.move(timedelta(minutes=minutes))
        outcome = await stage.rail.advance(order)
        assert isinstance(outcome, Waiting)
        advice.append(round(outcome.look_again_seconds or 0))
    assert advice == [4, 12, 132, 600]


@pytest.mark.parametrize(("scenario", "minor"), [("less", 11_020), ("more", 13_468)])
async def test_another_amount_is_reported_as_it_came(
    stage: Stage, scenario: str, minor: int
) -> None:
    order = await begun(stage)
    await stage.pay(order, scenario=scenario)
    _, outcome = await looked(stage, order)
    assert isinstance(outcome, Done)
    assert outcome.received.minor == minor


async def test_paid_twice_is_twice_the_money(stage: Stage) -> None:
    order = await begun(stage)
    ids = await stage.pay(order, scenario="twice")
    order, outcome = await looked(stage, order)
    assert isinstance(outcome, Done)
    assert outcome.received.minor == 24_488
    assert order.memory["e2eids"].split() == ids


async def test_a_second_payment_later_is_added(stage: Stage) -> None:
    order = await paid(stage)
    first = order.provider_reference
    await stage.pay(order, late=True, amount="10.00")
    order, outcome = await looked(stage, order)
    assert isinstance(outcome, Done)
    assert outcome.received.minor == 13_244
    assert order.provider_reference == first


async def test_a_payment_that_the_network_rejects_leaves_the_code_good(stage: Stage) -> None:
    order = await begun(stage)
    assert await stage.pay(order, fail="AC06") == []
    order, outcome = await looked(stage, order)
    assert isinstance(outcome, Waiting)
    await stage.pay(order)
    _, outcome = await looked(stage, order)
    assert isinstance(outcome, Done)


async def test_a_charge_past_its_time_waits_for_the_core(stage: Stage) -> None:
    order = await begun(stage)
    await stage.move(timedelta(minutes=20))
    order, outcome = await looked(stage, order)
    assert isinstance(outcome, Waiting)
    await stage.pay(order, late=True)
    _, outcome = await looked(stage, order)
    assert isinstance(outcome, Done)


async def test_a_closed_attempt_past_its_time_is_over(stage: Stage) -> None:
    order = replace(await begun(stage), open=False)
    assert isinstance(await stage.rail.advance(order), Waiting)
    await stage.move(timedelta(minutes=20))
    outcome = await stage.rail.advance(order)
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.TIMED_OUT


@pytest.mark.parametrize(("minutes", "reason"), [(0, Reason.WITHDRAWN), (20, Reason.TIMED_OUT)])
async def test_a_charge_that_the_psp_removed(stage: Stage, minutes: int, reason: Reason) -> None:
    order = await begun(stage)
    await stage.control("remove", txid=order.key)
    await stage.move(timedelta(minutes=minutes))
    _, outcome = await looked(stage, order)
    assert isinstance(outcome, Refused)
    assert outcome.reason is reason


async def test_money_counts_though_the_charge_was_removed(stage: Stage) -> None:
    order = await begun(stage)
    order = recorded(order, await stage.rail.cancel(order))
    await stage.pay(order, late=True)
    order, outcome = await looked(stage, order)
    assert isinstance(outcome, Done)
    assert outcome.received == WHOLE


# The environment ----------------------------------------------------------------------------------


async def test_real_money_is_reais_at_the_applications_own_account(stage: Stage) -> None:
    live = PixRail(stage.client, "live", 5)
    assert live.card.currencies == {"BRL"}
    assert (live.card.needs_account, live.card.needs_payer) == (True, True)
    outcome = await live.begin(stage.order(money=Money(100, "GBP")))
    assert isinstance(outcome, Refused)
    assert outcome.code == "AM03"
    with pytest.raises(RailUnavailable):
        await live.begin(stage.order(account=None))


async def test_there_are_no_banks_to_choose_from(stage: Stage) -> None:
    assert await stage.rail.institutions() == []
