"""Identifiers: time-ordered UUIDs in the layout that the documented Neopay ids have."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from uuid import UUID

_TICKS_PER_SECOND = 100_000
_VERSION_BITS = 0x4 << 76 | 0x2 << 62
_RANDOM_BITS = (1 << 80) - 1 & ~(0xF << 76 | 0x3 << 62)
_TICKS_MAX = 2**48 - 1


def new_id(now: datetime) -> UUID:
    """A version-4 UUID whose first 48 bits count units of 10 microseconds since 1970.

    Ids sort by creation time and are valid version 4 UUIDs, so one id serves our tables, the
    wire and the providers that demand version 4 (contracts/neopay.md 3.1). Not a secret: whatever
    must be unguessable carries a token of its own.
    """
    return new_ids(now, 1)[0]


def new_ids(now: datetime, count: int) -> list[UUID]:
    """``count`` ids at once: asking for random bytes is what takes time."""
    time_bits = int(now.timestamp() * _TICKS_PER_SECOND) << 80 | _VERSION_BITS
    entropy = os.urandom(10 * count)
    return [
        UUID(int=time_bits | int.from_bytes(entropy[at : at + 10], "big") & _RANDOM_BITS)
        for at in range(0, 10 * count, 10)
    ]


def created_at(identifier: UUID) -> datetime:
    """The moment an id made by ``new_id`` carries."""
    return datetime.fromtimestamp((identifier.int >> 80) / _TICKS_PER_SECOND, UTC)


def first_id(moment: datetime) -> UUID:
    """The smallest id that ``new_id`` can make at ``moment``: the border of a date filter.

    Moments that no id can carry (before 1970, after 2059) give the nearest that one can.
    """
    ticks = int(moment.timestamp() * _TICKS_PER_SECOND)
    return UUID(int=min(max(ticks, 0), _TICKS_MAX) << 80)
