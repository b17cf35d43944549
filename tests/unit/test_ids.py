"""Ids carry their creation time, as the documented ones do (contracts/neopay.md 3.1)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guichet.domain.ids import created_at, first_id, new_id

NAIVE = (datetime(2023, 1, 1), datetime(2057, 1, 1))  # noqa: DTZ001 - hypothesis wants them so
MOMENTS = st.datetimes(*NAIVE, timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("identifier", "moment"),
    [
        ("99639165-04a9-4742-b51b-c9dcc4fbc3cb", "2023-06-12T00:20:01.286810"),
        ("99658c35-d9ee-4b04-9bc2-4a963c0bcfc3", "2023-06-12T23:57:10.860620"),
        ("98e878e8-2486-458a-b1f4-878d37398b52", "2023-04-11T19:44:43.142460"),
    ],
)
def test_documented_ids_decode_to_their_documented_time(identifier: str, moment: str) -> None:
    assert created_at(UUID(identifier)).isoformat(timespec="microseconds")[:26] == moment


@given(MOMENTS)
def test_id_is_a_version_4_uuid_that_decodes_to_its_moment(moment: datetime) -> None:
    identifier = new_id(moment)

    assert identifier.version == 4
    assert identifier.variant == "specified in RFC 4122"
    assert abs(created_at(identifier) - moment) < timedelta(microseconds=20)


@given(MOMENTS)
def test_ids_sort_by_time(moment: datetime) -> None:
    assert first_id(moment) <= new_id(moment) < new_id(moment + timedelta(microseconds=20))


def test_ids_of_one_moment_differ() -> None:
    now = datetime(2026, 11, 20, tzinfo=UTC)

    assert len({new_id(now) for _ in range(1000)}) == 1000
