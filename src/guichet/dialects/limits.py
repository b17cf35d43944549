"""How many requests an application may make, in the manner of Laravel's ``throttle:60,1``."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from uuid import UUID

from guichet.domain.access import Application
from guichet.domain.errors import RateLimited

_WINDOW_SECONDS = 60.0


class RequestLimiter:
    """Windows of one minute per application, each begun by its first request.

    Counted in this process: N serving processes allow up to N times the limit.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._windows: dict[UUID, tuple[float, int]] = {}

    def take(self, application: Application) -> int | None:
        """Count one request; the number that is left, or None where there is no limit.

        Raises ``RateLimited``.
        """
        limit = application.requests_per_minute
        if not limit:
            return None
        now = self._now()
        ends_at, used = self._windows.get(application.id, (0.0, 0))
        if now >= ends_at:
            ends_at, used = now + _WINDOW_SECONDS, 0
        if used >= limit:
            raise RateLimited(limit, math.ceil(ends_at - now))
        self._windows[application.id] = (ends_at, used + 1)
        return limit - used - 1


def limit_headers(limit: int, remaining: int) -> list[tuple[str, str]]:
    """Laravel's headers on every answer to a limited application."""
    return [("X-RateLimit-Limit", str(limit)), ("X-RateLimit-Remaining", str(remaining))]
