"""Yapily's webhooks: hints that name a payment, nothing more.

Yapily publishes no recipe for their signature: what proves them is the secret in our address,
checked by whoever receives the request, and what they cause is only a look at the payment.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from guichet.domain.outcomes import Notice
from guichet.rails.port import ForgedNotice, UnknownEvent
from guichet.rails.yapily import wire

#: https://docs.yapily.com/payments/payment-resources/payment-notifications
EVENT_TYPES = frozenset(
    {
        "single_payment.status.updated",
        "single_payment.status.completed",
        "single_payment.iso_status.updated",
    }
)
_ATTEMPT_KEY = re.compile(r"[0-9a-f]{32}")
_PAYMENT_ID = re.compile(r"[\x21-\x7e]{1,128}")


def hear(body: bytes) -> Sequence[Notice]:
    """The payment that the notice names.

    Raises ``ForgedNotice`` for a body that is no notice of Yapily's, and ``UnknownEvent``.
    """
    try:
        kind = msgspec.json.decode(body, type=_Kind).type
        if kind not in EVENT_TYPES:
            raise UnknownEvent(kind)
        event = msgspec.json.decode(body, type=wire.EventNotice).event
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ForgedNotice("not the shape of a notice") from None
    key, payment_id = event.payment_idempotency_id or "", event.id or ""
    notice = Notice(
        attempt_key=key if _ATTEMPT_KEY.fullmatch(key) else None,
        provider_reference=payment_id if _PAYMENT_ID.fullmatch(payment_id) else None,
    )
    return [notice] if notice != Notice() else []


class _Kind(wire.Wire):
    id: str
    type: str
