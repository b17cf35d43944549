"""Whatever fails, in whatever order: the connector tells the truth and gives back once."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guichet.domain.orders import CollectOrder, RefundOrder
from guichet.domain.outcomes import Done, Outcome, Refused, TakenBack, Waiting
from guichet.rails.port import RailUnavailable
from rails.pix.stage import Psp, Stage, recorded, refund_of, staged

SCENARIOS = ["exact", "less", "more", "twice", "slow", "AC06", "AB09", "return-stays"]
FAULTY = ["token", "put_cob", "get_cob", "patch_cob", "list_pix", "put_devolucao", "get_devolucao"]
STEPS = st.one_of(
    st.tuples(
        st.just("fault"),
        st.sampled_from(FAULTY),
        st.sampled_from(["drop", "error", "garble", "hide"]),
        st.sampled_from(["before", "after"]),
    ),
    st.tuples(st.just("pay"), st.sampled_from(SCENARIOS), st.booleans()),
    st.tuples(st.just("pay"), st.just("exact"), st.just(False)),
    st.tuples(st.just("refund")),
    st.tuples(st.just("wait"), st.sampled_from([5, 60, 1200])),
    st.tuples(st.just("habit"), st.sampled_from(["change", "refuse"])),
    st.tuples(st.sampled_from(["look", "look", "crash", "cancel", "remove", "med", "refund"])),
)


class Attempt:
    """An attempt as the core keeps it, its one refund, and the truth beside."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.order: CollectOrder = stage.order()
        self.refund: RefundOrder | None = None
        self.refunded: Outcome | None = None
        self.reversed = False

    async def begin(self) -> None:
        await self._ask(self.stage.rail.begin(self.order))

    async def step(self, step: tuple[Any, ...]) -> None:
        match step:
            case ("fault", operation, kind, when):
                await self.stage.fault(operation, kind, when=when)
            case ("pay", scenario, late):
                if "shown" in self.order.memory:  # nobody pays a code that was not shown
                    await self._decide("pay", scenario=scenario, late=late)
            case ("wait", seconds):
                await self.stage.move(timedelta(seconds=seconds))
            case ("habit", repeated_txid):
                await self.stage.control("habits", repeated_txid=repeated_txid)
            case ("look",):
                await self._ask(self.stage.rail.advance(self.order))
            case ("crash",):
                await self._ask(self.stage.rail.advance(self.order), record=False)
            case ("cancel",):
                if self.order.open:
                    await self._ask(self.stage.rail.cancel(self.order))
            case ("remove" | "med" as decision,):
                await self._decide(decision)
            case ("refund",):
                if not self.order.received_minor:
                    await self._ask(self.stage.rail.advance(self.order))
                await self._give_back()

    async def settle_down(self) -> None:
        """No faults any more: all is looked at until nothing changes."""
        await self.stage.control("faults", "DELETE")
        for _ in range(4):
            await self._ask(self.stage.rail.advance(self.order))
            await self.stage.move(timedelta(minutes=2))
        if self.order.open:
            await self._ask(self.stage.rail.cancel(self.order))
        for _ in range(2):
            if self.refund is not None:
                await self._give_back()

    async def _decide(self, name: str, **how: Any) -> None:
        try:
            await self.stage.control(name, txid=self.order.key, **how)
        except AssertionError:
            return  # the PSP says that this is not possible now

    async def _give_back(self) -> None:
        if self.refund is None and (self.order.received_minor < 1000 or self.reversed):
            return
        if isinstance(self.refunded, Done | Refused):
            return
        collected = self.order
        self.refund = self.refund or refund_of(collected, 1000)
        self.refund = dataclasses.replace(self.refund, collected=collected)
        try:
            self.refunded = await self.stage.rail.refund(self.refund)
        except RailUnavailable:
            return
        given_minor = (await self.stage.truth(self.order)).refunded_minor
        assert given_minor in {0, 1000}  # never twice
        if isinstance(self.refunded, Done):
            assert given_minor == 1000
        if isinstance(self.refunded, Refused):
            assert given_minor == 0

    async def _ask(self, asking: Any, *, record: bool = True) -> None:
        try:
            outcome: Outcome = await asking
        except RailUnavailable:
            return
        truth = await self.stage.truth(self.order)
        assert len(truth.charges) <= 1
        came_minor = truth.received_minor
        if isinstance(outcome, Refused):
            assert came_minor == 0
        if isinstance(outcome, Done):
            assert outcome.received.minor == came_minor
        if isinstance(outcome, TakenBack):
            assert outcome.returned is not None
            assert outcome.returned.minor == truth.taken_minor
            self.reversed |= outcome.returned.minor == self.order.received_minor
        if record:
            self.order = recorded(self.order, outcome)

    async def check(self) -> None:
        """The books agree with the PSP's."""
        truth = await self.stage.truth(self.order)
        assert not self.order.open
        assert self.order.received_minor == truth.received_minor
        assert self.order.returned_minor == truth.taken_minor
        if self.refunded is not None:
            assert isinstance(self.refunded, Done | Refused | Waiting)


@pytest.fixture(scope="module")
def world(psp: Psp) -> Iterator[tuple[asyncio.Runner, Stage]]:
    """One stage for all examples, on an event loop of its own."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        yield runner, runner.run(stack.enter_async_context(staged(psp, None)))
        runner.run(stack.aclose())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEPS, max_size=14))
def test_no_order_of_faults_hides_money_or_gives_it_back_twice(
    world: tuple[asyncio.Runner, Stage], steps: list[tuple[Any, ...]]
) -> None:
    runner, stage = world

    async def story() -> None:
        await stage.control("reset")
        stage.clock.offset = timedelta()
        attempt = Attempt(stage)
        if steps and steps[0][0] == "fault":
            await attempt.step(steps[0])
        await attempt.begin()
        for step in steps[1:]:
            await attempt.step(step)
        await attempt.settle_down()
        await attempt.check()

    runner.run(story())
