"""Notch Pay's face towards merchants (contract 11 and 17): what endpoints and payers are sent."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from guichet.dialects.notchpay.envelope import as_object, encode, timestamp
from guichet.dialects.notchpay.event_names import EVERYTHING, wire_name
from guichet.dialects.notchpay.ids import write_id
from guichet.dialects.notchpay.money_out import render_beneficiary, render_refund, render_transfer
from guichet.dialects.notchpay.resources import (
    render_customer,
    render_endpoint,
    render_payment,
)
from guichet.dialects.notchpay.statuses import payment_word
from guichet.domain.beneficiaries import Beneficiary
from guichet.domain.endpoints import Endpoint
from guichet.domain.events import Event
from guichet.domain.payments import Payment
from guichet.domain.refunds import EVENT_OF_STATUS as EVENT_OF_REFUND
from guichet.domain.transfers import Transfer
from guichet.gateway import Gateway
from guichet.services.face import SigningKeys
from guichet.services.payers import Payer
from guichet.services.subjects import RefundRow, Subject

#: A refund's event has the status of its payment; its own is in the name.
_REFUND_STATUSES = {type_: status for status, type_ in EVENT_OF_REFUND.items()}


def render_event(
    gateway: Gateway, event: Event, subject: Subject, wanted: Sequence[str] | None
) -> bytes | None:
    """``{"id", "event", "type", "created_at", "data"}``: ``data`` is the resource in the state
    that the event tells of.
    """
    name = wire_name(event, wanted if wanted is not None else (EVERYTHING,))
    application = gateway.access.application(event.application_id)
    if name is None or application is None:
        return None
    environment = application.environment
    body = {
        "id": write_id("event", environment, event.id),
        "event": name,
        "type": name,
        "created_at": timestamp(event.occurred_at),
        "data": _data(environment, event, subject),
    }
    return encode(body)


def _data(environment: str, event: Event, subject: Subject) -> dict[str, Any]:
    at, is_done = event.occurred_at, event.status == "completed"
    if isinstance(subject, Payer):
        is_blocked = subject.blocked if event.status == "deleted" else event.status == "blocked"
        return render_customer(environment, subject._replace(blocked=is_blocked, updated_at=at))
    if isinstance(subject, Beneficiary):
        return render_beneficiary(subject._replace(updated_at=at))
    if isinstance(subject, Endpoint):
        return render_endpoint(environment, subject) | {"health": event.status}
    if isinstance(subject, RefundRow):
        status = _REFUND_STATUSES[event.type]
        reason = subject.refund.reason if status == "failed" else None
        return render_refund(subject.refund._replace(status=status, reason=reason, updated_at=at))
    if isinstance(subject, Transfer):
        then = subject._replace(status=event.status, reason=event.reason, updated_at=at)
        return render_transfer(then if is_done else then._replace(completed_at=None))
    payment = subject.payment._replace(status=event.status, reason=event.reason, updated_at=at)
    return render_payment(payment if is_done else payment._replace(completed_at=None))


def signature_headers(
    keys: SigningKeys, body: bytes, event_id: str, timestamp: datetime
) -> Mapping[str, str]:
    """The headers of one try, signed as the endpoint's profile says: in Notch Pay's manner, hex
    HMAC-SHA256 of the body with the hash key (under both names) and with the private key, and in
    that of Standard Webhooks 1.0 with each of the endpoint's secrets.
    """
    headers = {"Content-Type": "application/json"}
    if keys.profile != "standard":
        signature = hmac.digest(keys.application, body, hashlib.sha256).hex()
        headers |= {"x-notch-signature": signature, "X-Notchpay-Signature": signature}
        if keys.private_key is not None:
            by_private = hmac.digest(keys.private_key, body, hashlib.sha256).hex()
            headers["x-noth-signature"] = by_private
    if keys.profile != "notch" and keys.endpoint:
        moment = str(int(timestamp.timestamp()))
        signed = f"{event_id}.{moment}.".encode() + body
        headers |= {
            "webhook-id": event_id,
            "webhook-timestamp": moment,
            "webhook-signature": " ".join(_standard(secret, signed) for secret in keys.endpoint),
        }
    return headers


def _standard(secret: bytes, signed: bytes) -> str:
    return f"v1,{base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()}"


def return_url(payment: Payment) -> str | None:
    """The payment's ``callback``."""
    url = as_object(payment.details).get("callback")
    return url if isinstance(url, str) else None


def payer_query(payment: Payment) -> Mapping[str, str]:
    """What the payer's browser takes along to ``callback``: every name that clients read."""
    reference = write_id("payment", payment.environment, payment.id)
    theirs = payment.reference or reference
    return {
        "reference": reference,
        "trxref": theirs,
        "notchpay_trxref": theirs,
        "txnref": theirs,
        "notchpay_txnref": theirs,
        "status": payment_word(payment.status, payment.reason),
    }
