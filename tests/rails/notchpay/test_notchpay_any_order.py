"""Whatever fails at Notch Pay, in whatever order: money moves once at most and nobody lies."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guichet.domain.orders import CollectOrder, RefundOrder, SendOrder
from guichet.domain.outcomes import Done, Outcome, Refused, TakenBack, Unknown, Waiting
from guichet.rails.port import RailUnavailable
from rails.notchpay.stage import Stage, after, after_send, staged

NUMBERS = [0, 1, 4, 5, 7, 8, 9, 10, 11, 13, 15, 17, 100]
OPERATIONS = [
    "create_payment", "process_payment", "get_payment", "list_payments", "cancel_payment",
    "create_transfer", "get_transfer", "create_refund", "get_refund", "list_refunds",
]  # fmt: skip
STEPS = st.one_of(
    st.tuples(
        st.just("fault"),
        st.sampled_from(OPERATIONS),
        st.sampled_from(["drop", "error", "garble", "hide", "page"]),
        st.sampled_from(["before", "after"]),
    ),
    st.tuples(st.sampled_from(["approve", "refuse", "expire", "fail"])),
    st.tuples(st.sampled_from(["look", "look", "look", "crash", "cancel", "time"])),
)
KINDS = st.sampled_from(["collect", "send", "refund"])


class Trial:
    """One order as the core keeps it: what was recorded of each outcome, the truth beside it."""

    def __init__(self, stage: Stage, order: CollectOrder | SendOrder | RefundOrder) -> None:
        self.stage = stage
        self.order = order
        self.begun = False
        self.last: Outcome | None = None

    async def step(self, step: tuple[Any, ...]) -> None:
        match step:
            case ("fault", operation, kind, when):
                await self.stage.fault(operation, kind, when=when)
            case ("approve" | "refuse" | "expire" | "fail" as decision,):
                if await self.stage.orders(self.order.key):
                    await self.stage.decide(self.order.key, decision)
            case ("look",):
                await self.ask()
            case ("crash",):
                await self.ask(record=False)
            case ("cancel",):
                await self.ask(cancel=True)
            case ("time",):
                self.stage.clock.move(timedelta(minutes=1))

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
            reference = outcome.provider_reference or self.order.provider_reference
            self.order = replace(self.order, provider_reference=reference)

    @property
    def is_over(self) -> bool:
        """Whether the core asks no more: a refund that failed is closed."""
        return isinstance(self.order, RefundOrder) and isinstance(self.last, Done | Refused)

    async def settle_down(self) -> None:
        """No faults any more: it is looked at for some time, long beyond its end."""
        await self.stage.control("no-faults")
        for _ in range(6):
            if not self.is_over:
                await self.ask()
            self.stage.clock.move(timedelta(minutes=16))


@pytest.fixture(scope="module")
def world(notchpay_url: str) -> Iterator[tuple[asyncio.Runner, Stage]]:
    """One stage for all examples, on an event loop of its own."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        yield runner, runner.run(stack.enter_async_context(staged(notchpay_url)))
        runner.run(stack.aclose())


async def _trial(stage: Stage, kind: str, distance: int) -> Trial:
    if kind == "send":
        return Trial(stage, stage.transfer(distance))
    if kind == "refund":
        return Trial(stage, stage.refund(await stage.paid(19 if distance == 5 else 0)))
    # Twelve steps are shorter than the time in which "not found" may turn into "found".
    soon = stage.clock.now() + timedelta(minutes=2)
    return Trial(stage, stage.order(distance, expires_at=soon))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(kind=KINDS, distance=st.sampled_from(NUMBERS), steps=st.lists(STEPS, max_size=12))
def test_no_order_of_faults_moves_money_twice_or_hides_it(
    world: tuple[asyncio.Runner, Stage],
    kind: str,
    distance: int,
    steps: list[tuple[Any, ...]],
) -> None:
    runner, stage = world

    async def story() -> None:
        await stage.control("reset")
        trial = await _trial(stage, kind, distance)
        for step in steps:
            if not trial.is_over:
                await trial.step(step)
        await trial.settle_down()
        statuses = [each["status"] for each in await stage.orders(trial.order.key)]
        moved = await stage.moved(trial.order.key)
        assert len(statuses) <= 1
        if not statuses and isinstance(trial.last, Unknown):
            pytest.fail("Notch Pay knows nothing, and we do not know that")
        assert isinstance(trial.last, Done) == (moved != 0)
        assert isinstance(trial.last, Waiting) == (statuses in (["processing"], ["pending"]))

    runner.run(story())
