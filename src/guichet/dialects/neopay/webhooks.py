"""Neopay's face towards merchants (contract 9.1): what ``callback_url`` receives, by both ways."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from guichet.dialects.neopay.resources import Shape, render_payment
from guichet.dialects.neopay.statuses import status_word
from guichet.domain.events import Event
from guichet.domain.payments import Payment
from guichet.gateway import Gateway
from guichet.services.face import SigningKeys
from guichet.services.subjects import RefundRow, Subject
from guichet.store.payments import PaymentRow

#: Texts are passed over whole, whatever they hold.
_STRING_OR_NUMBER = re.compile(rb'"(?:[^"\\]|\\.)*"|(?P<number>[0-9]+\.[0-9]+)')


def render_event(
    gateway: Gateway, event: Event, view: Subject, wanted: Sequence[str] | None = None
) -> bytes | None:
    """``{"payment": resource}`` in the state that the event tells of; of payments and refunds."""
    if isinstance(view, RefundRow):
        view = view.paid
    if wanted is not None or not isinstance(view, PaymentRow):
        return None
    payment = view.payment._replace(
        status=event.status, reason=event.reason, updated_at=event.occurred_at
    )
    return b'{"payment":%b}' % without_closing_zeros(
        render_payment(gateway, view._replace(payment=payment), Shape.LISTED)
    )


def without_closing_zeros(document: bytes) -> bytes:
    """The same JSON with ``122.40`` as ``122.4`` and ``100.00`` as ``100``, as JavaScript writes
    numbers: a receiver that lost the raw body and stringifies it anew finds the signature right.
    """
    return _STRING_OR_NUMBER.sub(_shortened, document)


def _shortened(token: re.Match[bytes]) -> bytes:
    number = token["number"]
    return token[0] if number is None else number.rstrip(b"0").rstrip(b".")


def signature_headers(
    keys: SigningKeys, body: bytes, event_id: str, timestamp: datetime
) -> Mapping[str, str]:
    """The headers of one try, signed twice with the same secret: in Neopay's manner, over
    ``<t>.<body>``, and in that of Standard Webhooks 1.0, over ``<id>.<t>.<body>``.
    """
    secret = keys.application
    moment = str(int(timestamp.timestamp()))
    ours = hmac.digest(secret, f"{moment}.".encode() + body, hashlib.sha256).hex()
    standard = hmac.digest(secret, f"{event_id}.{moment}.".encode() + body, hashlib.sha256)
    return {
        "Content-Type": "application/json",
        "X-Neopay-Event": "payment.updated",
        "X-Neopay-Signature": f"t={moment},v1={ours}",
        "webhook-id": event_id,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{base64.b64encode(standard).decode()}",
    }


def return_url(payment: Payment) -> str | None:
    """The payer goes back to the address that the notices go to."""
    return payment.notify_url


def payer_query(payment: Payment) -> Mapping[str, str]:
    """What the payer's browser takes along to ``callback_url``, by GET where the notice is a POST.

    A convenience for the merchant's page, never proof: the truth is one GET of the payment away.
    """
    return {
        "payment_id": str(payment.id),
        "status": status_word(payment.status, payment.reason),
        "reference": payment.reference or "",
    }
