"""The harness's verifier agrees with the public one, and goes red on each kind of forgery."""

from __future__ import annotations

import hashlib
import hmac
import time
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook

from guichet.torture.signatures import flaw_of

SECRET = "whsec_dGVzdHMgb25seSwgbm90IGEgc2VjcmV0IQ=="
HASH_KEY = "hsk_test.tests"
BODY = b'{"event":"payment.complete"}'
SENT_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def signed() -> dict[str, str]:
    hexadecimal = hmac.new(HASH_KEY.encode(), BODY, hashlib.sha256).hexdigest()
    return {
        "webhook-id": "e1",
        "webhook-timestamp": str(int(SENT_AT.timestamp())),
        "webhook-signature": "v1,b3RoZXI= " + Webhook(SECRET).sign("e1", SENT_AT, BODY.decode()),
        "x-notch-signature": hexadecimal,
        "x-notchpay-signature": hexadecimal,
    }


def flaw(headers: dict[str, str], body: bytes = BODY, late_seconds: float = 0) -> str | None:
    return flaw_of(headers, body, SECRET, HASH_KEY, SENT_AT.timestamp() + late_seconds)


def test_what_the_public_library_signs_is_believed() -> None:
    assert flaw(signed()) is None


@pytest.mark.parametrize("name", ["webhook-id", "webhook-signature", "x-notch-signature"])
def test_a_changed_header_is_not(name: str) -> None:
    assert flaw({**signed(), name: "v1,AAAA"}) is not None


def test_changed_bytes_and_old_ones_are_not() -> None:
    assert flaw(signed(), BODY + b" ") is not None
    assert flaw(signed(), late_seconds=301) is not None
    assert flaw_of(signed(), BODY, SECRET, HASH_KEY, time.time()) is not None
