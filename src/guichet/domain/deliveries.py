"""Deliveries: an event on its way to a merchant's address, tried on Standard Webhooks' schedule."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

from guichet.domain.lifecycle import Lifecycle

DELIVERY = Lifecycle(
    "delivery",
    start="pending",
    edges={
        "pending": {
            "pending": "the receiver failed, it is tried again later",
            "delivered": "the receiver took it",
            "exhausted": "the last try failed",
            "discarded": "nobody is to have it: the receiver is gone or switched off",
        },
        "delivered": {"pending": "an operator sends it again"},
        "exhausted": {"pending": "an operator sends it again"},
        "discarded": {"pending": "an operator sends it again"},
    },
)

#: Waits after the first, second… failed try: Standard Webhooks' example schedule.
RETRY_DELAYS: tuple[timedelta, ...] = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)

#: A wait grows by up to this part of itself, so that what failed together does not return together.
JITTER = 0.2
#: A receiver may ask for a longer wait, but not for one longer than this.
LONGEST_WAIT = timedelta(hours=24)


class Result(Enum):
    """What a try came to."""

    TAKEN = "taken"
    FAILED = "failed"
    GONE = "gone"


class Fate(NamedTuple):
    """What becomes of a delivery after a try; ``next_attempt_at`` is None once it is closed."""

    status: str
    next_attempt_at: datetime | None


def after_try(
    result: Result, tries: int, now: datetime, chance: float, wait_seconds: float | None = None
) -> Fate:
    """The delivery's fate after its try number ``tries`` (from 1).

    ``chance`` in [0, 1) picks the jitter; ``wait_seconds`` is how long the receiver asked us to
    wait: it can lengthen a wait, within bounds, and never shortens one.
    """
    if result is Result.TAKEN:
        return Fate("delivered", None)
    if result is Result.GONE:
        return Fate("discarded", None)
    if tries > len(RETRY_DELAYS):
        return Fate("exhausted", None)
    wait = RETRY_DELAYS[tries - 1] * (1 + JITTER * chance)
    if wait_seconds is not None:
        wait = max(wait, min(timedelta(seconds=wait_seconds), LONGEST_WAIT))
    return Fate("pending", now + wait)
