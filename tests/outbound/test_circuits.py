"""A provider that answers nobody is left alone, and found again."""

from __future__ import annotations

import socket

import pytest

from guichet.outbound.circuits import Circuits
from guichet.outbound.client import CircuitOpen, GuardedClient, NotSent
from guichet.outbound.policy import ANYWHERE
from outbound.listeners import answer, listening, untrusting


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def circuits(time: Time) -> Circuits:
    return Circuits(5, time)


def fail(circuits: Circuits, times: int, key: str = "a") -> None:
    for _ in range(times):
        assert circuits.may_call(key)
        circuits.called(key, answered=False)


def test_five_failures_open_a_circuit_and_no_other(circuits: Circuits) -> None:
    fail(circuits, 4)
    assert circuits.may_call("a")
    fail(circuits, 1)
    assert not circuits.may_call("a")
    assert circuits.may_call("b")


def test_after_a_moment_one_call_is_tried_and_closes_it(circuits: Circuits, time: Time) -> None:
    fail(circuits, 5)
    time.now += 5
    assert circuits.may_call("a")
    assert not circuits.may_call("a")  # the first is being tried
    circuits.called("a", answered=True)
    fail(circuits, 4)
    assert circuits.may_call("a")


def test_a_try_in_vain_keeps_it_open(circuits: Circuits, time: Time) -> None:
    fail(circuits, 5)
    time.now += 5
    assert circuits.may_call("a")
    circuits.called("a", answered=False)
    time.now += 4
    assert not circuits.may_call("a")
    time.now += 1
    assert circuits.may_call("a")


def test_a_try_that_is_never_told_of_does_not_keep_it_open(circuits: Circuits, time: Time) -> None:
    fail(circuits, 5)
    time.now += 5
    assert circuits.may_call("a")  # and its caller was cancelled
    time.now += 5
    assert circuits.may_call("a")


def test_failures_of_long_ago_do_not_count(circuits: Circuits, time: Time) -> None:
    fail(circuits, 4)
    time.now += 31
    fail(circuits, 4)
    assert circuits.may_call("a")


def test_an_unsteady_provider_is_still_asked(circuits: Circuits) -> None:
    fail(circuits, 1)
    for _ in range(20):
        circuits.called("a", answered=True)
    fail(circuits, 10)
    assert circuits.may_call("a")


def test_without_a_limit_nothing_opens() -> None:
    circuits = Circuits()
    fail(circuits, 100)
    assert circuits.may_call("a")


async def test_an_open_circuit_sends_nothing_and_says_so(time: Time) -> None:
    async with GuardedClient(untrusting(), Circuits(2, time)) as client:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
            for expected in (NotSent, NotSent, CircuitOpen):
                with pytest.raises(NotSent) as failure:
                    await client.send("GET", url, policy=ANYWHERE, timeout_seconds=5, about="mtn")
                assert type(failure.value) is expected
            with pytest.raises(NotSent) as failure:
                await client.send("GET", url, policy=ANYWHERE, timeout_seconds=5, about="webhook")
            assert type(failure.value) is NotSent


async def test_refusals_of_a_provider_are_answers(time: Time) -> None:
    async with (
        GuardedClient(untrusting(), Circuits(2, time)) as client,
        listening(answer("503 Service Unavailable")) as provider,
    ):
        for _ in range(5):
            got = await client.send(
                "GET", provider.url, policy=ANYWHERE, timeout_seconds=5, about="mtn"
            )
            assert got.status == 503
