"""Charges at the simulated PSP, from the first request to the money."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from guichet.domain.money import Money
from guichet.domain.outcomes import (
    Done,
    Finality,
    Outcome,
    Reason,
    Refused,
    ShowCode,
    TakenBack,
    Unknown,
    Waiting,
)
from guichet.rails.pix.brcode import read
from guichet.rails.pix.rail import PixRail
from guichet.rails.port import RailUnavailable
from judge import Judge
from rails.pix.stage import (
    Psp,
    Stage,
    asked,
    begun,
    looked,
    paid,
    recorded,
    refund_of,
    staged,
)

WHOLE = Money(12_244, "BRL")


def code_in(outcome: Outcome) -> str:
    assert isinstance(outcome, Waiting)
    assert isinstance(outcome.next_step, ShowCode)
    assert read(outcome.next_step.text).location
    return outcome.next_step.text


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


# Money taken back ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "code"), [("fraud", "MED_FRAUDE"), ("operational", "MED_OPERACIONAL")]
)
async def test_money_taken_back_whole(stage: Stage, kind: str, code: str) -> None:
    order = await paid(stage)
    await stage.control("med", txid=order.key, kind=kind)
    _, outcome = await looked(stage, order)
    assert isinstance(outcome, TakenBack)
    assert (outcome.returned, outcome.code) == (WHOLE, code)


async def test_money_taken_back_in_parts(stage: Stage) -> None:
    order = await paid(stage)
    for amount, total in (("20.00", 2000), ("30.44", 5044)):
        await stage.control("med", txid=order.key, amount=amount)
        order, outcome = await looked(stage, order)
        assert isinstance(outcome, TakenBack)
        assert outcome.returned == Money(total, "BRL")
    _, outcome = await looked(stage, order)
    assert isinstance(outcome, Done)  # nothing new
    assert (outcome.received, outcome.finality) == (WHOLE, Finality.SETTLED)


async def test_what_we_gave_back_ourselves_was_not_taken(stage: Stage) -> None:
    order = await paid(stage)
    await asked(stage, refund_of(order, 2244), times=2)
    _, outcome = await looked(stage, order)
    assert isinstance(outcome, Done)
    assert outcome.received == WHOLE


async def test_money_that_came_is_told_before_it_was_taken(stage: Stage) -> None:
    order = await begun(stage)
    await stage.pay(order)
    await stage.control("med", txid=order.key)
    order, first = await looked(stage, order)
    assert isinstance(first, Done)
    assert (first.received, first.finality) == (WHOLE, Finality.ACCEPTED)
    _, second = await looked(stage, order)
    assert isinstance(second, TakenBack)
    assert second.returned == WHOLE


async def test_new_money_is_told_before_old_money_was_taken(stage: Stage) -> None:
    order = await paid(stage)
    await stage.control("med", txid=order.key)
    await stage.pay(order, late=True, amount="10.00")
    order, first = await looked(stage, order)
    assert isinstance(first, Done)
    assert first.received.minor == 13_244
    order, second = await looked(stage, order)
    assert isinstance(second, TakenBack)
    assert second.returned == WHOLE


# Lost answers -------------------------------------------------------------------------------------


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


# The environment ----------------------------------------------------------------------------------


async def test_real_money_is_reais_at_the_applications_own_account(stage: Stage) -> None:
    live = PixRail(stage.client, "live", 5)
    assert live.card.currencies == {"BRL"}
    assert live.card.needs_account
    outcome = await live.begin(stage.order(money=Money(100, "GBP")))
    assert isinstance(outcome, Refused)
    assert outcome.code == "AM03"
    with pytest.raises(RailUnavailable):
        await live.begin(stage.order(account=None))


async def test_there_are_no_banks_to_choose_from(stage: Stage) -> None:
    assert await stage.rail.institutions() == []
