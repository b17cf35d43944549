"""Yapily's webhooks name a payment and prove nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from guichet.domain.outcomes import Notice
from guichet.rails.port import ForgedNotice, UnknownEvent
from guichet.rails.yapily.notices import EVENT_TYPES, hear
from guichet.rails.yapily.rail import YapilyRail

KEY = "0123456789abcdef0123456789abcdef"


def notice(kind: str = "single_payment.status.updated", **event: Any) -> bytes:
    told = {"id": "pv3-1", "paymentIdempotencyId": KEY, "status": "COMPLETED", **event}
    return json.dumps({"id": "n", "type": kind, "applicationId": "a", "event": told}).encode()


@pytest.mark.parametrize("kind", sorted(EVENT_TYPES))
def test_each_kind_names_its_payment(kind: str) -> None:
    assert hear(notice(kind)) == [Notice(attempt_key=KEY, provider_reference="pv3-1")]


def test_the_card_tells_what_is_understood() -> None:
    assert YapilyRail.card.event_types == EVENT_TYPES


@pytest.mark.parametrize(
    "body",
    [notice("consent.updated"), b'{"id":"n","type":"payment.state.success","event":[]}'],
)
def test_other_kinds_are_told_apart(body: bytes) -> None:
    with pytest.raises(UnknownEvent):
        hear(body)


def test_only_handles_of_our_making_are_passed_on() -> None:
    assert hear(notice(paymentIdempotencyId="x' OR 1=1")) == [Notice(provider_reference="pv3-1")]
    assert hear(notice(id="a\nb")) == [Notice(attempt_key=KEY)]
    assert hear(notice(id=None, paymentIdempotencyId=None)) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"<html>",
        b'{"id":"n","type":7}',
        b'{"type":"single_payment.status.updated","event":{}}',
        b'{"id":"n","type":"single_payment.status.updated"}',
        b'{"id":"n","type":"single_payment.status.updated","event":[]}',
        b'{"id":"n","type":"single_payment.status.updated","event":{"id":7}}',
        b'{"id":"n","type":"\xff"}',
        b'{"id":"n","type":"single_payment.status.updated","odd":' + b"[" * 50_000,
    ],
    ids=lambda body: str(body[:40]),
)
def test_what_has_not_the_shape_is_forged(body: bytes) -> None:
    with pytest.raises(ForgedNotice):
        hear(body)
