"""Whatever fails, in whatever order: the connectors never move money twice and never lie."""

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
from rails.mobile.stage import NAMES, Stage, after, after_send, staged

NUMBERS = [0, 1, 4, 5, 7, 8, 9, 10, 11, 13, 15, 17, 100]
STEPS = st.one_of(
    st.tuples(
        st.just("fault"),
        st.sampled_from(["order", "look", "send", "refund", "refund_look", "gsma_response"]),
        st.sampled_from(["drop", "error", "garble", "hide"]),
        st.sampled_from(["before", "after"]),
    ),
    st.tuples(st.sampled_from(["approve", "refuse", "expire", "fail"])),
    st.tuples(st.sampled_from(["look", "look", "look", "crash", "cancel", "time", "token"])),
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
                if await self.stage.request(self.order.key) is not None:
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
        rail = self.stage.rail
        try:
            if isinstance(self.order, SendOrder):
                outcome: Outcome = await rail.send(self.order)
            elif isinstance(self.order, RefundOrder):
                outcome = await rail.refund(self.order)
            elif cancel:
                outcome = await rail.cancel(self.order)
            elif self.begun:
                outcome = await rail.advance(self.order)
            else:
                self.begun = True
                outcome = await rail.begin(self.order)
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

    async def settle_down(self) -> None:
        """No faults any more: it is looked at for some time, long beyond its end."""
        await self.stage.control("no-faults")
        for _ in range(5):
            await self.ask()
            self.stage.clock.move(timedelta(minutes=16))


@pytest.fixture(scope="module", params=NAMES)
def world(
    request: pytest.FixtureRequest, operator_url: str
) -> Iterator[tuple[asyncio.Runner, Stage]]:
    """One stage for all examples, on an event loop of its own."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        context = staged(str(request.param), operator_url, None)
        yield runner, runner.run(stack.enter_async_context(context))
        runner.run(stack.aclose())


async def _trial(stage: Stage, kind: str, distance: int) -> Trial:
    if kind == "send":
        return Trial(stage, stage.transfer(distance))
    if kind == "refund":
        return Trial(stage, stage.refund(await stage.paid(19 if distance == 5 else 0)))
    # Twelve steps are shorter than the time in which "not found" may turn into "found".
    soon = stage.clock.now() + timedelta(minutes=2)
    return Trial(stage, stage.order(distance, expires_at=soon))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
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
            await trial.step(step)
        await trial.settle_down()
        request = await stage.request(trial.order.key)
        status = None if request is None else request["status"]
        moved = await stage.moved(trial.order.key)
        if status is None and isinstance(trial.last, Unknown):
            pytest.fail("the operator knows nothing, and we do not know that")
        assert isinstance(trial.last, Done) == (moved != 0)
        assert isinstance(trial.last, Waiting) == (status == "pending")

    runner.run(story())
