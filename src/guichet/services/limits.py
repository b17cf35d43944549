"""How much one caller may ask of this process: by rate, by what is under way, and by guesses.

Everything is counted in the process's memory: several serving processes allow as many times the
limit. Nothing is stored for a request that is refused.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Generic, TypeVar
from uuid import UUID

from guichet.domain.access import Application, Environment
from guichet.domain.errors import RateLimited
from guichet.settings import Settings

Now = Callable[[], float]
Key = TypeVar("Key", bound=Hashable)

#: Beyond this many the one longest unused is forgotten: memory is bounded whoever comes.
_KEYS_MAX = 10_000
_WINDOW_SECONDS = 60.0
#: How many seconds' worth of requests may come at once: without keys, and for one page.
_BURST_WITHOUT_KEY_SECONDS = 2
_BURST_OF_PAGE_SECONDS = 4


class TokenBuckets(Generic[Key]):
    """A bucket for each key: full with ``burst`` tokens, filled again at ``per_second``.

    A rate of 0 means no limit.
    """

    def __init__(self, per_second: float, burst: float, now: Now = time.monotonic) -> None:
        self.burst = burst
        self._per_second = per_second
        self._now = now
        self._buckets: dict[Key, tuple[float, float]] = {}

    def take(self, key: Key) -> None:
        """Take a token; raises ``RateLimited`` where there is none."""
        if not self._per_second:
            return
        now = self._now()
        tokens, since = self._buckets.pop(key, (self.burst, now))
        tokens = min(self.burst, tokens + (now - since) * self._per_second)
        is_there = tokens >= 1
        _keep(self._buckets, key, (tokens - is_there, now))
        if not is_there:
            wait_seconds = math.ceil((1 - tokens) / self._per_second)
            raise RateLimited(int(self.burst), max(1, wait_seconds))


class Windows(Generic[Key]):
    """Windows of a minute for each key, begun by its first ``take``; a limit of 0 means none."""

    def __init__(self, now: Now = time.monotonic) -> None:
        self._now = now
        self._windows: dict[Key, tuple[float, int]] = {}

    def take(self, key: Key, limit: int) -> int:
        """Count one; how many are left. Raises ``RateLimited``."""
        now = self._now()
        since, used = self._windows.pop(key, (now, 0))
        if now - since >= _WINDOW_SECONDS:
            since, used = now, 0
        is_within = used < limit or not limit
        _keep(self._windows, key, (since, used + is_within))
        if not is_within:
            raise RateLimited(limit, max(1, math.ceil(since + _WINDOW_SECONDS - now)))
        return limit - used - 1


class CallerLimits:
    """The limits of one process's callers; which of them hold is for the settings to say."""

    def __init__(self, settings: Settings, now: Now = time.monotonic) -> None:
        on = settings.limits_are_on
        sandbox, live = settings.sandbox_requests_per_second, settings.live_requests_per_second
        without_key, page = settings.keyless_requests_per_second, settings.page_requests_per_second
        self._minutes: Windows[UUID] = Windows(now)
        self._buckets: dict[Environment, TokenBuckets[UUID]] = {
            Environment.SANDBOX: TokenBuckets(sandbox * on, sandbox * 2, now),
            Environment.LIVE: TokenBuckets(live * on, live * 2, now),
        }
        self._keyless: TokenBuckets[str] = TokenBuckets(
            without_key * on, without_key * _BURST_WITHOUT_KEY_SECONDS, now
        )
        self._pages: TokenBuckets[tuple[str, str]] = TokenBuckets(
            page * on, page * _BURST_OF_PAGE_SECONDS, now
        )
        self._guesses: Windows[str] = Windows(now)
        self._guesses_max = settings.guesses_per_minute
        self._counts_keys = on
        self._requests_max = settings.application_requests_at_once * on
        self._lists_max = settings.application_lists_at_once * on
        self._requests: Counter[UUID] = Counter()
        self._lists: Counter[UUID] = Counter()

    def take(self, application: Application) -> int | None:
        """Count a request of ``application``: how many its own limit of a minute leaves, None
        where it has none. Raises ``RateLimited``.
        """
        self._buckets[application.environment].take(application.id)
        limit = application.requests_per_minute
        return self._minutes.take(application.id, limit) if limit else None

    def under_way(
        self, application: Application, *, is_list: bool
    ) -> AbstractContextManager[object]:
        """Count a request while the block runs; raises ``RateLimited`` where too many are."""
        if not self._requests_max:
            return nullcontext()
        return _UnderWay(self._requests, self._lists, application.id, self._check, is_list)

    def _check(self, application_id: UUID, is_list: bool) -> None:
        if self._requests[application_id] >= self._requests_max:
            raise RateLimited(self._requests_max, 1)
        if is_list and self._lists_max and self._lists[application_id] >= self._lists_max:
            raise RateLimited(self._lists_max, 1)

    def refused_key(self, network: str, *, is_shown: bool) -> None:
        """Count a request without a key that holds: one that was shown may be a guess.

        Raises ``RateLimited``. Requests with keys that hold are never in the way of these.
        """
        self._keyless.take(network)
        if is_shown and self._counts_keys:
            self._guesses.take(network, self._guesses_max)

    def missed_page(self, network: str) -> None:
        """Count a page that does not exist; raises ``RateLimited``."""
        self._guesses.take(network, self._guesses_max)

    def opened_page(self, network: str, page: str) -> None:
        """Count a look at one payment's or link's pages; raises ``RateLimited``.

        By page and not by address alone: many honest payers share the address of their operator.
        """
        self._pages.take((network, page))


class _UnderWay:
    """Counts a request of an application, and a list among them, from entry to exit."""

    __slots__ = ("_application_id", "_check", "_is_list", "_lists", "_requests")

    def __init__(
        self,
        requests: Counter[UUID],
        lists: Counter[UUID],
        application_id: UUID,
        check: Callable[[UUID, bool], None],
        is_list: bool,
    ) -> None:
        self._requests = requests
        self._lists = lists
        self._application_id = application_id
        self._check = check
        self._is_list = is_list

    def __enter__(self) -> None:
        self._check(self._application_id, self._is_list)
        self._requests[self._application_id] += 1
        self._lists[self._application_id] += self._is_list

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._requests[self._application_id] -= 1
        self._lists[self._application_id] -= self._is_list


Value = TypeVar("Value")


def _keep(kept: dict[Key, Value], key: Key, value: Value) -> None:
    """Put ``value`` last; forget the first where there are too many."""
    if len(kept) >= _KEYS_MAX:
        del kept[next(iter(kept))]
    kept[key] = value
