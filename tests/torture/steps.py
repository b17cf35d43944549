"""Walks by chance, step by step beside a model: what drives them, in process and over HTTP."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, cast

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

Answer = TypeVar("Answer")

#: Draws other walks than the usual ones.
_SEED = int(os.environ.get("MODEL_SEED", "0"))


class Do:
    """Runs coroutines on a loop in a thread of its own, which goes on between the steps."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def __call__(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def walk(machine: Callable[[], RuleBasedStateMachine], runs: int, steps: int, part: int) -> None:
    """``runs`` walks of ``steps`` steps each; each ``part`` draws its own, the same every time
    unless ``MODEL_SEED`` says otherwise.
    """

    def begun() -> RuleBasedStateMachine:
        return machine()

    chosen = seed(_SEED * 1_000 + part)
    try:
        run_state_machine_as_test(
            cast(type[RuleBasedStateMachine], chosen(begun)),
            settings=settings(
                max_examples=runs,
                stateful_step_count=steps,
                database=None,
                deadline=None,
                phases=[Phase.generate],  # on a database, shrinking takes minutes
                suppress_health_check=list(HealthCheck),
            ),
        )
    except BaseException as error:
        error.add_note(f"MODEL_SEED={_SEED}, part {part}")
        raise
