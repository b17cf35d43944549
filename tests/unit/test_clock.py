from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from guichet.domain import clock
from guichet.domain.clock import AnchoredClock

A_MOMENT = timedelta(seconds=5)


@pytest.mark.parametrize("jump", [timedelta(days=2), -timedelta(hours=3)], ids=str)
def test_a_clock_does_not_follow_the_machines_when_it_jumps(
    jump: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    steady, before = AnchoredClock(), datetime.now(UTC)

    monkeypatch.setattr(clock, "machine_time", lambda: datetime.now(UTC) + jump)

    assert abs(steady.now() - before) < A_MOMENT


def test_an_anchor_sets_it_and_says_how_far_off_it_was() -> None:
    steady = AnchoredClock()
    trusted = datetime(2030, 1, 1, tzinfo=UTC)

    behind = steady.anchor(trusted)

    assert behind > timedelta(days=365)
    assert abs(steady.now() - trusted) < A_MOMENT
