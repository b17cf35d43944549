"""Whatever fails, in whatever order: the connector never moves money twice and never lies."""

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

from guichet.domain.orders import CollectOrder
from guichet.domain.outcomes import Done, Outcome, Refused, Reply, Unknown, Waiting
from guichet.outbound.policy import ANYWHERE
from guichet.rails.port import RailUnavailable
from rails.stage import Stage, after, new_order, staged

USERS = [
    "mits",
    "accepted",
    "pending",
    "slow",
    "AM04",
    "AC04",
    "timeout",
    "lost",
    "error502",
    "error502-moved",
    "garbled",
    "notfound",
    "short",
    "over",
]
FAULTY = [
    "create_authorisation",
    "get_consent",
    "exchange_token",
    "create_payment",
    "get_payment",
    "delete_consent",
]
STEPS = st.one_of(
    st.tuples(
        st.just("fault"),
        st.sampled_from(FAULTY),
        st.sampled_from(["drop", "error", "garble", "hide"]),
        st.sampled_from(["before", "after"]),
    ),
    st.tuples(st.just("accept"), st.sampled_from(USERS)),
    st.tuples(st.sampled_from(["refuse", "expire", "settle"])),
    st.tuples(st.sampled_from(["look", "look", "return", "crash", "cancel"])),
)


class Attempt:
    """An attempt as the core keeps it: what was recorded of each outcome, and the truth beside."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.order: CollectOrder = new_order()
        self.begun = False
        self.reply = Reply(parameters={"one-time-token": "forged"})

    async def begin(self) -> None:
        try:
            self._record(await self.stage.rail.begin(self.order))
        except RailUnavailable:
            return
        self.begun = True

    async def step(self, step: tuple[Any, ...]) -> None:
        match step:
            case ("fault", operation, kind, when):
                await self.stage.fault(operation, kind, when=when)
            case ("accept" | "refuse" | "expire" | "settle" as decision, *user):
                await self._decide(decision, **({"user": user[0]} if user else {}))
            case ("look",):
                await self._look(None)
            case ("return",):
                await self._look(self.reply)
            case ("crash",):
                await self._look(self.reply, record=False)
            case ("cancel",):
                await self._ask(self.stage.rail.cancel(self.order))
        await self.check()

    async def check(self) -> None:
        state = await self.stage.control("state")
        mine = [
            each for each in state["payments"] if each["paymentIdempotencyId"] == self.order.key
        ]
        assert len(mine) <= 1

    async def settle_down(self) -> Outcome | None:
        """No faults any more: the attempt is looked at for some minutes, then cancelled."""
        await self.stage.control_client.send(
            "DELETE", f"{self.stage.base_url}/_control/faults", policy=ANYWHERE, timeout_seconds=5
        )
        outcome = None
        for _ in range(4):  # "notfound" hides the payment for three looks
            outcome = await self._ask(self.stage.rail.advance(self.order)) or outcome
            self.stage.clock.move(timedelta(minutes=2))
        return await self._ask(self.stage.rail.cancel(self.order)) or outcome

    async def _decide(self, decision: str, **more: str) -> None:
        try:
            self.reply = await self.stage.decide(decision, self.order, **more)
        except AssertionError:
            return  # the bank says that it is too late, or too early, for this

    async def _look(self, reply: Reply | None, *, record: bool = True) -> None:
        await self._ask(self.stage.rail.advance(self.order, reply), record=record)

    async def _ask(self, asking: Any, *, record: bool = True) -> Outcome | None:
        try:
            outcome: Outcome = await asking
        except RailUnavailable:
            return None
        if record:
            self._record(outcome)
        moved = sum(await self.stage.movements(self.order))
        if isinstance(outcome, Refused):
            assert moved == 0
        if isinstance(outcome, Done):
            assert outcome.received.text() == f"{moved:.2f}"
        return outcome

    def _record(self, outcome: Outcome) -> None:
        self.order = after(self.order, outcome)
        if isinstance(outcome, Done):
            received = outcome.received.minor
            self.order = replace(self.order, open=False, received_minor=received)
        elif isinstance(outcome, Refused):
            self.order = replace(self.order, open=False)


@pytest.fixture(scope="module")
def world(yapily_url: str) -> Iterator[tuple[asyncio.Runner, Stage]]:
    """One stage for all examples, on an event loop of its own."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        yield runner, runner.run(stack.enter_async_context(staged(yapily_url, None)))
        runner.run(stack.aclose())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEPS, max_size=12))
def test_no_order_of_faults_moves_money_twice_or_hides_it(
    world: tuple[asyncio.Runner, Stage], steps: list[tuple[Any, ...]]
) -> None:
    runner, stage = world

    async def story() -> None:
        await stage.control("reset")
        attempt = Attempt(stage)
        if steps and steps[0][0] == "fault":
            await attempt.step(steps[0])
        await attempt.begin()
        for step in steps[1:]:
            await attempt.step(step)
        outcome = await attempt.settle_down()
        moved = sum(await stage.movements(attempt.order))
        assert not isinstance(outcome, Unknown)
        assert isinstance(outcome, Done) == (moved > 0)
        if isinstance(outcome, Waiting):
            assert outcome.provider_reference  # the bank itself has not decided

    runner.run(story())
