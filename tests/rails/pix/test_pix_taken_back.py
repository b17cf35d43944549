"""Money that the payer's bank takes back (MED), beside what we give back ourselves."""

from __future__ import annotations

import pytest

from guichet.domain.money import Money
from guichet.domain.outcomes import (
    Done,
    Finality,
    TakenBack,
)
from rails.pix.stage import (
    Stage,
    asked,
    begun,
    looked,
    paid,
    refund_of,
)

WHOLE = Money(12_244, "BRL")


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
