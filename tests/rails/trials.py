"""One order under whatever faults, as the core keeps it, with the truth beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import strategies as st

from guichet.domain.orders import CollectOrder, RefundOrder, SendOrder
from guichet.domain.outcomes import Done, Outcome, Refused, TakenBack, Unknown, Waiting
from guichet.rails.port import RailUnavailable
from rails.mobile.stage import OrderStage, after, after_refund, after_send

Step = tuple[Any, ...]

NUMBERS = [0, 1, 4, 5, 7, 8, 9, 10, 11, 13, 15, 17, 100]
KINDS = st.sampled_from(["collect", "send", "refund"])


def steps(operations: list[str], kinds: list[str]) -> st.SearchStrategy[list[Step]]:
    """What may happen: faults of these kinds in these operations, decisions, looks, time."""
    one = st.one_of(
        st.tuples(
            st.just("fault"),
            st.sampled_from(operations),
            st.sampled_from(kinds),
            st.sampled_from(["before", "after"]),
        ),
        st.tuples(st.sampled_from(["approve", "refuse", "expire", "fail"])),
        st.tuples(st.sampled_from(["look", "look", "look", "crash", "cancel", "time", "token"])),
    )
    return st.lists(one, max_size=12)


class Trial:
    """One order as the core keeps it: what was recorded of each outcome."""

    def __init__(self, stage: OrderStage, order: CollectOrder | SendOrder | RefundOrder) -> None:
        self.stage = stage
        self.order = order
        self.begun = False
        self.last: Outcome | None = None

    async def statuses(self) -> list[str]:
        """How the provider shows what was ordered under our key; one at most, or it is wrong."""
        return [each["status"] for each in await self.stage.known(self.order.key)]

    async def step(self, step: Step) -> None:
        match step:
            case ("fault", operation, kind, when):
                await self.stage.fault(operation, kind, when=when)
            case ("approve" | "refuse" | "expire" | "fail" as decision,):
                if await self.statuses():
                    await self.stage.decide(self.order.key, decision)
            case ("look",):
                await self.ask()
            case ("crash",):
                await self.ask(record=False)
            case ("cancel",):
                await self.ask(cancel=True)
            case ("time",):
                self.stage.clock.move(timedelta(minutes=1))
            case ("token",):
                await self.stage.control("clock", advance_seconds=3600)

    async def ask(self, *, record: bool = True, cancel: bool = False) -> None:
        order, rail = self.order, self.stage.rail
        try:
            if isinstance(order, SendOrder):
                outcome: Outcome = await rail.send(order)
            elif isinstance(order, RefundOrder):
                # Whatever becomes of the first call, every later one is not the first.
                self.order = replace(order, asked_at=order.asked_at or self.stage.clock.now())
                outcome = await rail.refund(order)
            elif cancel:
                outcome = await rail.cancel(order)
            elif self.begun:
                outcome = await rail.advance(order)
            else:
                self.begun = True
                outcome = await rail.begin(order)
        except RailUnavailable:
            return
        await self.check(outcome)
        if record:
            self.record(outcome)

    async def check(self, outcome: Outcome) -> None:
        """No outcome lies about the money that moved."""
        moved = await self.stage.moved(self.order.key)
        assert abs(moved) in (0, 5000)
        if isinstance(outcome, Refused):
            assert moved == 0
        if isinstance(outcome, Done):
            assert outcome.received.minor == abs(moved)
        assert not isinstance(outcome, TakenBack)

    def record(self, outcome: Outcome) -> None:
        self.last = outcome
        if isinstance(self.order, SendOrder):
            self.order = after_send(self.order, outcome)
        elif isinstance(self.order, CollectOrder):
            over = isinstance(outcome, Done | Refused)
            order = after(self.order, outcome)
            self.order = replace(order, open=order.open and not over)
        else:
            self.order = after_refund(self.order, outcome, self.stage.clock)

    @property
    def is_over(self) -> bool:
        """Whether the core asks no more: a refund that ended is closed."""
        return isinstance(self.order, RefundOrder) and isinstance(self.last, Done | Refused)

    async def go(self, happening: list[Step]) -> None:
        """Let it all happen, then look long beyond its end, and compare with the truth."""
        for step in happening:
            if not self.is_over:
                await self.step(step)
        await self.stage.control("no-faults")
        for _ in range(6):
            if not self.is_over:
                await self.ask()
            self.stage.clock.move(timedelta(minutes=16))
        statuses = await self.statuses()
        moved = await self.stage.moved(self.order.key)
        assert len(statuses) <= 1
        if not statuses and isinstance(self.last, Unknown):
            pytest.fail("the provider knows nothing, and we do not know that")
        assert isinstance(self.last, Done) == (moved != 0)
        assert isinstance(self.last, Waiting) == (statuses in (["pending"], ["processing"]))


async def order_of(stage: OrderStage, kind: str, distance: int) -> Any:
    """An order of a kind about a test number; a refund is of a payment that was paid."""
    if kind == "send":
        return stage.transfer(distance)
    if kind == "refund":
        return stage.refund(await stage.paid(19 if distance == 5 else 0))
    # Twelve steps are shorter than the time in which "not found" may turn into "found".
    now = stage.clock.now()
    return stage.order(distance, expires_at=now + timedelta(minutes=2), begun_at=now)
