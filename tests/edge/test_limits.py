"""Buckets, windows and counts, by a clock of the test's own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.callers import application
from guichet.domain.access import Environment
from guichet.domain.errors import RateLimited
from guichet.services import limits
from guichet.services.limits import CallerLimits, TokenBuckets, Windows
from guichet.settings import LimitsMode, Settings
from guichet.web.proxies import network_of

ON = Settings(limits=LimitsMode.ON)


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def taken(buckets: TokenBuckets[str], key: str = "a", tries: int = 1000) -> int:
    """How many tokens there are."""
    for count in range(tries):
        try:
            buckets.take(key)
        except RateLimited:
            return count
    return tries


def test_a_bucket_holds_its_burst_and_fills_at_its_rate() -> None:
    time = Time()
    buckets: TokenBuckets[str] = TokenBuckets(50, 100, time)
    assert taken(buckets) == 100
    time.now += 0.5
    assert taken(buckets) == 25
    time.now += 3600
    assert taken(buckets) == 100
    assert taken(buckets, "another") == 100


def test_a_refusal_says_when_the_next_token_is_there() -> None:
    time = Time()
    buckets: TokenBuckets[str] = TokenBuckets(0.25, 1, time)
    buckets.take("a")
    time.now += 1
    with pytest.raises(RateLimited) as refused:
        buckets.take("a")
    assert refused.value.retry_after_seconds == 3
    time.now += refused.value.retry_after_seconds
    buckets.take("a")


def test_a_window_opens_again_after_a_minute() -> None:
    time = Time()
    windows: Windows[str] = Windows(time)
    assert [windows.take("a", 2) for _ in range(2)] == [1, 0]
    time.now += 59.5
    with pytest.raises(RateLimited) as refused:
        windows.take("a", 2)
    assert (refused.value.limit, refused.value.retry_after_seconds) == (2, 1)
    assert windows.take("b", 2) == 1
    time.now += 0.5
    assert windows.take("a", 2) == 1


def test_the_longest_unused_key_is_forgotten_when_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "_KEYS_MAX", 2)
    windows: Windows[str] = Windows()
    for key in "abc":
        windows.take(key, 1)
    windows.take("a", 1)
    with pytest.raises(RateLimited):
        windows.take("c", 1)


@pytest.mark.parametrize(
    ("environment", "burst"), [(Environment.SANDBOX, 50), (Environment.LIVE, 100)]
)
def test_each_application_has_a_bucket_of_its_environment(
    environment: Environment, burst: int
) -> None:
    callers = CallerLimits(ON, Time())
    caller, neighbour = application(environment), application(environment)
    for _ in range(burst):
        assert callers.take(caller) is None
    with pytest.raises(RateLimited) as refused:
        callers.take(caller)
    assert refused.value.limit == burst
    callers.take(neighbour)


def test_an_applications_own_limit_holds_beside_it() -> None:
    callers = CallerLimits(replace(ON, limits=LimitsMode.OFF), Time())
    caller = application(requests_per_minute=2)
    assert [callers.take(caller) for _ in range(2)] == [1, 0]
    with pytest.raises(RateLimited):
        callers.take(caller)


def test_so_many_requests_are_under_way_and_so_many_lists_among_them() -> None:
    callers = CallerLimits(replace(ON, application_requests_at_once=3, application_lists_at_once=1))
    caller = application()
    with (
        callers.under_way(caller, is_list=True),
        callers.under_way(caller, is_list=False),
    ):
        with pytest.raises(RateLimited), callers.under_way(caller, is_list=True):
            pass
        with (
            callers.under_way(caller, is_list=False),
            pytest.raises(RateLimited),
            callers.under_way(caller, is_list=False),
        ):
            pass
        with callers.under_way(application(), is_list=True):
            pass
    with callers.under_way(caller, is_list=True):
        pass


def test_wrong_keys_are_fewer_than_missing_ones() -> None:
    callers = CallerLimits(ON, Time())
    for _ in range(20):
        callers.refused_key("a", is_shown=False)
    with pytest.raises(RateLimited):
        callers.refused_key("a", is_shown=False)

    time = Time()
    callers = CallerLimits(ON, time)
    for _ in range(20):
        callers.refused_key("a", is_shown=True)
        time.now += 1
    with pytest.raises(RateLimited) as refused:
        callers.refused_key("a", is_shown=True)
    assert refused.value.retry_after_seconds == 40
    callers.refused_key("b", is_shown=True)


def test_a_look_at_a_page_is_limited_by_the_page() -> None:
    callers = CallerLimits(ON, Time())
    for _ in range(20):
        callers.opened_page("a", "one")
    with pytest.raises(RateLimited):
        callers.opened_page("a", "one")
    callers.opened_page("a", "another")
    callers.opened_page("b", "one")


@pytest.mark.parametrize(
    ("mode", "host", "public_url", "on"),
    [
        ("auto", "127.0.0.1", "", False),
        ("auto", "127.0.0.1", "https://pay.example.com", True),
        ("auto", "0.0.0.0", "http://localhost:8000", True),
        ("on", "127.0.0.1", "", True),
        ("off", "0.0.0.0", "https://pay.example.com", False),
    ],
)
def test_developers_are_not_limited_on_their_own_machine(
    mode: str, host: str, public_url: str, on: bool
) -> None:
    settings = Settings(limits=LimitsMode(mode), host=host, public_url=public_url)
    assert settings.limits_are_on is on


def test_without_limits_nobody_is_refused() -> None:
    callers = CallerLimits(Settings(limits=LimitsMode.OFF))
    caller = application()
    for _ in range(500):
        callers.take(caller)
        callers.refused_key("a", is_shown=True)
        callers.opened_page("a", "one")
        callers.under_way(caller, is_list=True).__enter__()


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_one_client_is_an_ipv4_address_or_a_64(address: str, network: str) -> None:
    assert network_of(address) == network
