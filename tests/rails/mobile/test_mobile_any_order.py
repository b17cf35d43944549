"""Whatever fails, in whatever order: the connectors never move money twice and never lie."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rails.mobile.stage import NAMES, Stage, staged
from rails.trials import KINDS, NUMBERS, Step, Trial, order_of, steps

OPERATIONS = ["order", "look", "send", "refund", "refund_look", "gsma_response"]
STEPS = steps(OPERATIONS, ["drop", "error", "garble", "hide"])


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


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(kind=KINDS, distance=st.sampled_from(NUMBERS), happening=STEPS)
def test_no_order_of_faults_moves_money_twice_or_hides_it(
    world: tuple[asyncio.Runner, Stage], kind: str, distance: int, happening: list[Step]
) -> None:
    runner, stage = world

    async def story() -> None:
        await stage.control("reset")
        await Trial(stage, await order_of(stage, kind, distance)).go(happening)

    runner.run(story())
