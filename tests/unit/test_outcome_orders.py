"""No order and no repetition of outcomes moves money backwards or twice, and the books balance."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from operator import methodcaller
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from guichet.domain.attempts import ATTEMPT
from guichet.domain.money import Money
from guichet.domain.outcomes import (
    Done,
    Finality,
    Outcome,
    Reason,
    Refused,
    TakenBack,
    Unknown,
    Waiting,
)
from guichet.domain.payments import PAYMENT
from guichet.domain.refunds import REFUND
from unit.world import Provider, World, payment_of

AMOUNTS = st.integers(1, 99_999_999_99)


def outcomes(amount_minor: int) -> st.SearchStrategy[Outcome]:
    received = st.builds(
        Money,
        st.one_of(st.just(amount_minor), AMOUNTS),
        st.sampled_from(["GBP", "GBP", "GBP", "EUR"]),
    )
    return st.one_of(
        st.builds(Waiting),
        st.builds(Unknown, detail=st.just("no answer")),
        st.builds(Done, received=received, finality=st.sampled_from([*Finality][1:])),
        st.builds(Refused, reason=st.sampled_from(Reason)),
        st.builds(TakenBack),
        st.builds(TakenBack, returned=st.builds(Money, AMOUNTS, st.just("GBP"))),
    )


def refund_outcomes() -> st.SearchStrategy[Outcome]:
    return st.one_of(
        st.builds(Waiting),
        st.builds(Unknown, detail=st.just("no answer")),
        st.builds(Done, received=st.just(Money(1, "GBP"))),
        st.builds(Refused, reason=st.sampled_from(Reason)),
        st.builds(TakenBack),
    )


Step = Callable[[Any], None]


def steps(amount_minor: int, reports: st.SearchStrategy[Outcome]) -> st.SearchStrategy[Step]:
    """Anything that may happen to a payment."""
    places = st.integers(0, 5)
    wanted = st.one_of(st.integers(1, max(amount_minor // 2, 1)), st.just(amount_minor), AMOUNTS)
    return st.one_of(
        st.builds(methodcaller, st.just("report"), places, reports),
        st.builds(methodcaller, st.just("report"), places, reports),
        st.builds(methodcaller, st.just("refund"), wanted),
        st.builds(methodcaller, st.just("report_refund"), places, refund_outcomes()),
        st.builds(methodcaller, st.just("earn"), wanted),
        st.builds(methodcaller, st.sampled_from(["release", "spend"])),
    )


def paid_world(data: st.DataObject, amount_minor: int) -> World:
    """A payment that was paid exactly, with or without a fee and a settlement delay."""
    fee_minor = data.draw(st.integers(0, amount_minor))
    delay = data.draw(st.sampled_from([timedelta(), timedelta(hours=24)]))
    world = World(payment_of(amount_minor, fee_minor), delay)
    world.report(0, Done(received=Money(amount_minor, "GBP")))
    return world


@settings(max_examples=120, deadline=None, derandomize=True)
@given(data=st.data(), amount_minor=AMOUNTS)
def test_any_history_keeps_the_books(data: st.DataObject, amount_minor: int) -> None:
    fee_minor = data.draw(st.integers(0, amount_minor))
    delay = data.draw(st.sampled_from([timedelta(), timedelta(hours=24)]))
    world = World(payment_of(amount_minor, fee_minor), delay)
    for step in data.draw(st.lists(steps(amount_minor, outcomes(amount_minor)), max_size=25)):
        step(world)
        world.check()
        world.begin()


@settings(max_examples=120, deadline=None, derandomize=True)
@given(data=st.data(), amount_minor=AMOUNTS)
def test_any_history_after_the_money_came_keeps_the_books(
    data: st.DataObject, amount_minor: int
) -> None:
    world = paid_world(data, amount_minor)
    for step in data.draw(st.lists(steps(amount_minor, outcomes(amount_minor)), max_size=25)):
        step(world)
        world.check()


def honest_steps(amount_minor: int) -> st.SearchStrategy[tuple[str, Step]]:
    """What merchants do, and what a provider does that gives away only what it has."""
    some = st.one_of(st.just(amount_minor), st.integers(1, amount_minor))
    merchants = st.one_of(
        st.builds(methodcaller, st.sampled_from(["refund", "earn"]), some),
        st.builds(methodcaller, st.sampled_from(["release", "spend"])),
    )
    providers = st.one_of(
        st.builds(methodcaller, st.sampled_from(["take_back", "receive"]), some),
        st.builds(methodcaller, st.just("pay_out"), st.integers(0, 5)),
    )
    return st.one_of(
        st.tuples(st.just("merchant"), merchants), st.tuples(st.just("provider"), providers)
    )


@settings(max_examples=120, deadline=None, derandomize=True)
@given(data=st.data(), amount_minor=AMOUNTS)
def test_never_more_goes_out_than_came_in(data: st.DataObject, amount_minor: int) -> None:
    world = paid_world(data, amount_minor)
    actors = {"merchant": world, "provider": Provider(world)}
    for actor, step in data.draw(st.lists(honest_steps(amount_minor), max_size=25)):
        step(actors[actor])
        world.check()
        (attempt,) = world.attempts
        out_minor = attempt.returned_minor + world.refunds_minor("completed")
        assert out_minor <= attempt.received_minor
        assert world.refunds_minor("initiated", "sent", "completed") <= amount_minor


@settings(max_examples=80, deadline=None, derandomize=True)
@given(data=st.data(), amount_minor=AMOUNTS)
def test_nothing_goes_backwards(data: st.DataObject, amount_minor: int) -> None:
    world = paid_world(data, amount_minor)
    for step in data.draw(st.lists(steps(amount_minor, outcomes(amount_minor)), max_size=25)):
        before, attempts, refunds = world.payment, list(world.attempts), list(world.refunds)
        step(world)
        after = world.payment
        assert after.version > before.version or after == before
        assert after.refunded_minor >= before.refunded_minor
        assert after.returned_minor >= before.returned_minor
        assert after.status == before.status or PAYMENT.allows(before.status, after.status)
        for was, now in zip(attempts, world.attempts, strict=False):
            assert now.status == was.status or ATTEMPT.allows(was.status, now.status)
            assert (now.received_minor, now.returned_minor, now.finality) >= (
                was.received_minor,
                was.returned_minor,
                was.finality,
            )
        for was_asked, now_is in zip(refunds, world.refunds, strict=False):
            same = now_is.status == was_asked.status
            assert same or REFUND.allows(was_asked.status, now_is.status)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(data=st.data(), amount_minor=AMOUNTS)
def test_taken_back_in_parts_is_taken_back_whole(data: st.DataObject, amount_minor: int) -> None:
    world = paid_world(data, amount_minor)
    for part_minor in data.draw(st.lists(st.integers(1, amount_minor), max_size=5)):
        world.report(0, TakenBack(returned=Money(part_minor, "GBP")))
        world.check()
    world.report(0, TakenBack())
    world.check()
    assert world.payment.status == "reversed"
    assert {key.code: balance for key, balance in world.balances.items() if balance} == {}


@settings(max_examples=80, deadline=None, derandomize=True)
@given(data=st.data(), amount_minor=AMOUNTS)
def test_money_never_goes_backwards_without_being_taken_back(
    data: st.DataObject, amount_minor: int
) -> None:
    world = World(payment_of(amount_minor, 0), timedelta())
    world.report(0, Done(received=Money(amount_minor, "GBP")))
    reports = outcomes(amount_minor).filter(lambda outcome: not isinstance(outcome, TakenBack))
    for outcome in data.draw(st.lists(reports, max_size=15)):
        world.report(0, outcome)
        assert world.payment.status == "completed"
        assert world.total("rail_float") == world.attempts[0].received_minor >= amount_minor


@settings(max_examples=120, deadline=None, derandomize=True)
@given(amount_minor=AMOUNTS, data=st.data())
def test_reversal_after_the_merchant_took_the_money_makes_them_owe_it(
    amount_minor: int, data: st.DataObject
) -> None:
    fee_minor = data.draw(st.integers(0, amount_minor))
    world = World(payment_of(amount_minor, fee_minor), timedelta())
    world.report(0, Done(received=Money(amount_minor, "GBP")))
    world.spend()
    world.report(0, TakenBack())
    world.check()
    assert world.total("merchant_receivable") == amount_minor - fee_minor
