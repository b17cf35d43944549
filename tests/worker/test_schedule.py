from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from guichet.domain.deliveries import DELIVERY, JITTER, RETRY_DELAYS, Result, after_try

NOW = datetime(2026, 11, 20, 16, tzinfo=UTC)
HOUR = timedelta(hours=1)


def wait_after(tries: int, chance: float = 0.0, wait_seconds: float | None = None) -> timedelta:
    fate = after_try(Result.FAILED, tries, NOW, chance, wait_seconds)
    assert fate.next_attempt_at is not None
    return fate.next_attempt_at - NOW


def test_the_waits_are_those_of_standard_webhooks() -> None:
    waits = [wait_after(tries) for tries in range(1, 10)]
    assert [wait.total_seconds() for wait in waits[:3]] == [5, 300, 1800]
    assert [wait / HOUR for wait in waits[3:]] == [2, 5, 10, 14, 20, 24]
    assert sum(waits, timedelta()) == timedelta(hours=75, minutes=35, seconds=5)


@pytest.mark.parametrize("tries", range(1, 10))
def test_jitter_lengthens_a_wait_by_a_fifth_at_most(tries: int) -> None:
    delay = RETRY_DELAYS[tries - 1]
    assert delay < wait_after(tries, chance=0.5) < wait_after(tries, chance=0.999)
    assert wait_after(tries, chance=0.999) < delay * (1 + JITTER)


def test_after_the_tenth_try_it_is_exhausted() -> None:
    assert after_try(Result.FAILED, 9, NOW, 0.0).status == "pending"
    assert after_try(Result.FAILED, 10, NOW, 0.0) == ("exhausted", None)


def test_a_receiver_may_ask_for_a_longer_wait() -> None:
    assert wait_after(1, wait_seconds=3600) == HOUR


def test_a_receiver_may_not_ask_for_a_shorter_wait() -> None:
    assert wait_after(2, wait_seconds=1) == RETRY_DELAYS[1]
    assert wait_after(2, wait_seconds=-5) == RETRY_DELAYS[1]


def test_a_receiver_may_not_ask_for_more_than_a_day() -> None:
    assert wait_after(1, wait_seconds=999_999_999) == timedelta(hours=24)


@pytest.mark.parametrize(
    ("result", "status"), [(Result.TAKEN, "delivered"), (Result.GONE, "discarded")]
)
def test_nothing_follows_a_receiver_that_took_it_or_is_gone(result: Result, status: str) -> None:
    assert after_try(result, 1, NOW, 0.0, 60) == (status, None)


@pytest.mark.parametrize("result", Result)
@pytest.mark.parametrize("tries", [1, 9, 10])
def test_every_fate_is_an_edge_of_the_life_cycle(result: Result, tries: int) -> None:
    DELIVERY.check("pending", after_try(result, tries, NOW, 0.0).status)
