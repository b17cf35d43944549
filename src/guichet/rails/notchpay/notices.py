"""Notch Pay's webhooks: signed with the account's hash key, and hints all the same.

``x-notch-signature`` is the hexadecimal HMAC-SHA256 of the raw body. There is no time in it, so a
recording can be played again: it makes us ask, and the answer is what counts.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

import msgspec

from guichet.domain.outcomes import Notice
from guichet.rails.mobile_money import key_of
from guichet.rails.notchpay import wire
from guichet.rails.port import ForgedNotice, Inbound, UnknownEvent, UnprovableNotice

#: What we ask Notch Pay to tell us of; refunds are heard of, too.
REGISTERED = (
    "payment.complete",
    "payment.failed",
    "payment.canceled",
    "payment.expired",
    "transfer.complete",
    "transfer.failed",
)
EVENT_TYPES = frozenset({*REGISTERED, "payment.processing", "refund.complete", "refund.failed"})

_HEADERS = ("x-notch-signature", "x-notchpay-signature")


def hear(inbound: Inbound, hash_key: str) -> Sequence[Notice]:
    """The order that a webhook names; raises ``ForgedNotice`` unless it is signed with the key.

    Raises ``UnprovableNotice`` without a key, and ``UnknownEvent`` for what tells of other things
    than orders (customers, beneficiaries).
    """
    if not hash_key:
        raise UnprovableNotice
    if not _is_signed(inbound, hash_key):
        raise ForgedNotice
    try:
        event = msgspec.json.decode(inbound.body, type=wire.Event)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ForgedNotice from None
    kind = event.name.partition(".")[0]
    subject = event.data
    if subject is None or kind not in {"payment", "transaction", "transfer", "refund"}:
        raise UnknownEvent(event.name)
    if kind == "refund":
        return [Notice(provider_reference=subject.id)] if subject.id else []
    names = (subject.merchant_reference, subject.trxref, subject.reference)
    key = next((found for name in names if (found := key_of(name))), None)
    if key is None and subject.reference is None:
        return []
    return [Notice(attempt_key=key, provider_reference=subject.reference)]


def _is_signed(inbound: Inbound, hash_key: str) -> bool:
    expected = hmac.new(hash_key.encode(), inbound.body, hashlib.sha256).hexdigest()
    given = next((inbound.headers[name] for name in _HEADERS if name in inbound.headers), "")
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())
