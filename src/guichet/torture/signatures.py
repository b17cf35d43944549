"""What a receiver does to believe a notification, written from the published recipes alone.

Standard Webhooks 1.0: base64 of HMAC-SHA256 over ``id.timestamp.body``, keyed by what follows
``whsec_``, decoded. Notch Pay: hexadecimal HMAC-SHA256 over the body, keyed by the hash key (text).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping

_TOLERANCE_SECONDS = 300
_PREFIX = "whsec_"
_NOTCH_HEADERS = ("x-notch-signature", "x-notchpay-signature")


def flaw_of(
    headers: Mapping[str, str],
    body: bytes,
    secret: str,
    hash_key: str | None = None,
    now: float | None = None,
) -> str | None:
    """What is wrong with a notification; None: it can be believed.

    ``headers`` have lower-case names; ``hash_key`` is given where Notch Pay's signatures are due.
    """
    try:
        sent_at = int(headers.get("webhook-timestamp", ""))
    except ValueError:
        return "no timestamp"
    if abs((time.time() if now is None else now) - sent_at) > _TOLERANCE_SECONDS:
        return "its timestamp is too far from now"
    signed = f"{headers.get('webhook-id', '')}.{sent_at}.".encode() + body
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    given = headers.get("webhook-signature", "").split()
    if not any(_same(each.removeprefix("v1,"), expected) for each in given):
        return "no matching signature"
    if hash_key is not None:
        hexadecimal = hmac.digest(hash_key.encode(), body, hashlib.sha256).hex()
        if not all(_same(headers.get(name, ""), hexadecimal) for name in _NOTCH_HEADERS):
            return "Notch Pay's signature does not match"
    return None


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
