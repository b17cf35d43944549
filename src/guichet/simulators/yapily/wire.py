"""Yapily's JSON: bodies checked, consents and payments written, amounts digit for digit."""

from __future__ import annotations

import re
from decimal import Decimal
from http import HTTPStatus
from typing import Any
from uuid import UUID, uuid4

from guichet.simulators.common.wire import Refusal as PlainRefusal
from guichet.simulators.common.wire import text_of, timestamp

from .reasons import REASONS, STATUS_NAMES
from .records import Consent, Payment

MEDIA_TYPE = "application/json;charset=UTF-8"

_IDEMPOTENCY_ID = re.compile(r"[A-Za-z0-9]{1,35}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_PAYMENT_TYPES = frozenset({"DOMESTIC_PAYMENT", "DOMESTIC_INSTANT_PAYMENT"})
_ACCOUNTS_BY_CURRENCY = {
    "GBP": ({"SORT_CODE", "ACCOUNT_NUMBER"}, {"IBAN"}),
    "EUR": ({"IBAN"},),
}
_LARGEST = Decimal(10) ** 15


class Refusal(PlainRefusal):
    """An error answer: the HTTP status, a sentence, and who is to blame for it."""

    def __init__(self, status: int, message: str, source: str = "YAPILY") -> None:
        super().__init__(status, message)
        self.source = source


def error_json(refusal: PlainRefusal) -> dict[str, Any]:
    """The body of Yapily's ``ApiResponseError``."""
    error = {
        "tracingId": uuid4().hex,
        "code": refusal.status,
        "status": HTTPStatus(refusal.status).name,
        "source": refusal.source if isinstance(refusal, Refusal) else "YAPILY",
        "message": refusal.message,
    }
    return {"error": error}


def is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def payment_request_of(value: object) -> dict[str, Any]:
    """A ``PaymentRequest`` that a bank would take; raises ``Refusal`` 400 or 424."""
    if not isinstance(value, dict):
        raise Refusal(400, "paymentRequest must be an object")
    idempotency_id = text_of(value, "paymentIdempotencyId") or ""
    if not _IDEMPOTENCY_ID.fullmatch(idempotency_id):
        raise Refusal(400, "paymentIdempotencyId must be 1 to 35 letters and digits")
    kind = text_of(value, "type")
    if kind not in _PAYMENT_TYPES:
        raise Refusal(424, f"The institution does not support payments of type {kind}")
    reference = text_of(value, "reference", required=False)
    if reference is not None and len(reference) > 18:
        raise Refusal(400, "reference must be at most 18 characters long")
    currency = _currency_of(value.get("amount"))
    _check_payee(value.get("payee"), currency)
    return value


def _currency_of(amount: object) -> str:
    if not isinstance(amount, dict):
        raise Refusal(400, "amount must be an object")
    number = amount.get("amount")
    if isinstance(number, bool) or not isinstance(number, int | Decimal):
        raise Refusal(400, "amount.amount must be a number")
    if not 0 < number < _LARGEST:
        raise Refusal(400, "amount.amount must be positive and payable")
    currency = text_of(amount, "currency") or ""
    if not _CURRENCY.fullmatch(currency):
        raise Refusal(400, "amount.currency must be an ISO 4217 code")
    return currency


def _check_payee(payee: object, currency: str) -> None:
    if not isinstance(payee, dict):
        raise Refusal(400, "payee must be an object")
    text_of(payee, "name")
    accounts = payee.get("accountIdentifications")
    if not isinstance(accounts, list) or not all(isinstance(each, dict) for each in accounts):
        raise Refusal(400, "payee.accountIdentifications must be a list of objects")
    kinds = {text_of(each, "type") for each in accounts if text_of(each, "identification")}
    wanted = _ACCOUNTS_BY_CURRENCY.get(currency, ())
    if not kinds or (wanted and not any(each <= kinds for each in wanted)):
        raise Refusal(400, f"payee.accountIdentifications do not name an account for {currency}")


def difference(authorised: dict[str, Any], asked: dict[str, Any]) -> str | None:
    """The first field in which a payment differs from what the payer authorised; None if none.

    Amounts are compared as numbers (12.5 is 12.50), everything else as it stands.
    """
    for name in sorted(authorised.keys() | asked.keys()):
        if authorised.get(name) != asked.get(name):
            return name
    return None


def consent_json(consent: Consent, features: list[str]) -> dict[str, Any]:
    """Yapily's ``Consent``; the token only while it is good for something."""
    body: dict[str, Any] = {
        "id": consent.id,
        "userUuid": consent.user_uuid,
        "institutionId": consent.institution_id,
        "status": consent.status,
        "createdAt": timestamp(consent.created_at),
        "expiresAt": timestamp(consent.expires_at),
        "featureScope": [name for name in features if name.startswith(("INITIATE", "CREATE"))],
        "state": consent.state,
    }
    if consent.application_user_id is not None:
        body["applicationUserId"] = consent.application_user_id
    if consent.status in {"AUTHORIZED", "CONSUMED"} and consent.token is not None:
        body["consentToken"] = consent.token
        body["institutionConsentId"] = f"bank-{consent.id}"
    if consent.authorised_at is not None:
        body["authorizedAt"] = timestamp(consent.authorised_at)
    return body


def payment_json(payment: Payment) -> dict[str, Any]:
    """Yapily's ``PaymentResponse``; ``amount`` is what was paid, else what was asked."""
    request = payment.request
    currency = request["amount"]["currency"]
    details: dict[str, Any] = {
        "status": payment.status,
        "statusUpdateDate": timestamp(payment.changed_at),
        "isoStatus": {"code": payment.iso_code, "name": STATUS_NAMES[payment.iso_code]},
    }
    if payment.reason is not None:
        details["statusReason"] = payment.reason
        details["statusReasonDescription"] = REASONS.get(payment.reason, "The bank gave no reason")
    body: dict[str, Any] = {
        "id": payment.id,
        "institutionConsentId": f"bank-{payment.consent.id}",
        "paymentIdempotencyId": payment.consent.idempotency_id,
        "status": payment.status,
        "statusDetails": details,
        "payeeDetails": request["payee"],
        "amount": payment.paid,
        "currency": currency,
        "amountDetails": {"amount": payment.paid, "currency": currency},
        "createdAt": timestamp(payment.created_at),
    }
    if "reference" in request:
        body["reference"] = request["reference"]
    if payment.consent.payer is not None:
        body["payer"] = payment.consent.payer
        if request.get("readRefundAccount") is True:
            body["refundAccount"] = payment.consent.payer
    return body
