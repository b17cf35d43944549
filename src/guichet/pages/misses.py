"""How often an address may ask for pages that do not exist."""

from __future__ import annotations

from time import monotonic

_WINDOW_SECONDS = 60.0
#: Beyond this many addresses the oldest is forgotten: memory is bounded, guessing stays hopeless.
_ADDRESSES_MAX = 10_000


class Misses:
    """Counts misses by address over windows of a minute.

    Only misses are refused, never a page that exists: the secret in its address has 128 bits, and
    many honest payers share one address behind their mobile operator.
    """

    def __init__(self, limit: int = 20) -> None:
        self.limit = limit
        self._windows: dict[str, tuple[float, int]] = {}

    def add(self, address: str) -> int:
        """Count a miss; 0 while within the limit, else the seconds to wait."""
        now = monotonic()
        since, count = self._windows.pop(address, (now, 0))
        if now - since >= _WINDOW_SECONDS:
            since, count = now, 0
        elif len(self._windows) >= _ADDRESSES_MAX:
            del self._windows[next(iter(self._windows))]
        self._windows[address] = (since, count + 1)
        return 0 if count < self.limit else max(1, round(since + _WINDOW_SECONDS - now))
