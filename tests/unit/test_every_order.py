"""What five reports of one attempt come to, in each of their 120 orders: final states hold."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest

from guichet.domain.money import Money
from guichet.domain.outcomes import Done, Finality, Outcome, Reason, Refused, Unknown, Waiting
from guichet.domain.payments import PAYMENT
from unit.world import World, payment_of

AMOUNT = Money(12_244, "GBP")
ACCEPTED = Done(received=AMOUNT, finality=Finality.ACCEPTED)
SETTLED = Done(received=AMOUNT, finality=Finality.SETTLED)
REPORTS: dict[str, Outcome] = {
    "waiting": Waiting(),
    "accepted": ACCEPTED,
    "settled": SETTLED,
    "refused": Refused(reason=Reason.DECLINED),
    "unknown": Unknown(detail="no answer"),
}


@pytest.mark.parametrize("first", REPORTS)
def test_money_that_came_stays_in_whatever_order_it_is_told(first: str) -> None:
    """Twenty-four orders begin with each report: 120 in all, every one told twice over."""
    orders = [order for order in permutations(REPORTS) if order[0] == first]
    assert len(orders) == 24
    for order in orders:
        world, completed = World(payment_of(AMOUNT.minor, 0), timedelta()), False
        for name in (*order, *order):
            before = world.payment.status
            world.report(0, REPORTS[name])
            world.check()
            now = world.payment.status
            assert now == before or PAYMENT.allows(before, now), order
            completed = completed or now == "completed"
            assert not completed or now == "completed", (order, name)
        assert world.payment.status == "completed", order
        assert sum(each.placed_minor for each in world.attempts) == AMOUNT.minor, order
