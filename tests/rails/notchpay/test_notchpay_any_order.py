"""Whatever fails at Notch Pay, in whatever order: money moves once at most and nobody lies."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rails.notchpay.stage import Stage, staged
from rails.trials import KINDS, NUMBERS, Step, Trial, order_of, steps

OPERATIONS = [
    "create_payment", "process_payment", "get_payment", "list_payments", "cancel_payment",
    "create_transfer", "get_transfer", "create_refund", "get_refund", "list_refunds",
]  # fmt: skip
STEPS = steps(OPERATIONS, ["drop", "error", "garble", "hide", "page"])


@pytest.fixture(scope="module")
def world(notchpay_url: str) -> Iterator[tuple[asyncio.Runner, Stage]]:
    """One stage for all examples, on an event loop of its own."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        yield runner, runner.run(stack.enter_async_context(staged(notchpay_url)))
        runner.run(stack.aclose())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(kind=KINDS, distance=st.sampled_from(NUMBERS), happening=STEPS)
def test_no_order_of_faults_moves_money_twice_or_hides_it(
    world: tuple[asyncio.Runner, Stage], kind: str, distance: int, happening: list[Step]
) -> None:
    runner, stage = world

    async def story() -> None:
        await stage.control("reset")
        await Trial(stage, await order_of(stage, kind, distance)).go(happening)

    runner.run(story())
