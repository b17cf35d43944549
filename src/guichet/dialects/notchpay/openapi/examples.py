"""Example values: what a sandbox answers, with ids and addresses that name nobody."""

from __future__ import annotations

from typing import Any

_ID = "4yAW8iKskhTjJLEgzLCEWu"
PAYMENT_ID = f"trx.test_{_ID}"
CUSTOMER_ID = "cus.test_4yAVFPFQBXsQTZo8uAWvLM"
TRANSFER_ID = "trf.test_4yAWOvRkbCeJCWfXRYnZbC"
BENEFICIARY_ID = "ben.test_4yAWOvQz3nB1LkVgcZrTQe"
REFUND_ID = "ref.test_4yAWSgUOiZk1vXGxKqzWXT"
ENDPOINT_ID = "ep.test_4yAWV0pDbFNRL3NcRFv7ie"
_METHOD_ID = "pm.test_6VrWvyYLmXAGZtRzKQjNbH"
_CREATED, _DONE = "2026-11-26T02:19:28.799335Z", "2026-11-26T02:20:03.104882Z"

NEW_PAYMENT: dict[str, Any] = {
    "amount": 5000,
    "currency": "XAF",
    "phone": "+237670000000",
    "description": "Facture n° 42",
    "reference": "order-42",
    "callback": "https://shop.example/back",
}
PAYMENT: dict[str, Any] = {
    "id": f"pay_test_{_ID}",
    "reference": PAYMENT_ID,
    "merchant_reference": "order-42",
    "trxref": "order-42",
    "amount": 5000,
    "amount_total": 5000,
    "converted_amount": 5000,
    "currency": "XAF",
    "amounts": {"total": 5000, "converted": 5000, "currency": "XAF", "rate": 1},
    "fee": 0,
    "fees": [],
    "charge": "business",
    "status": "pending",
    "failure_reason": None,
    "customer": CUSTOMER_ID,
    "sandbox": 1,
    "description": "Facture n° 42",
    "callback": "https://shop.example/back",
    "metadata": None,
    "geo": "203.0.113.4",
    "locked_currency": None,
    "locked_channel": None,
    "locked_country": None,
    "channel": None,
    "payment_method": None,
    "initiated_at": _CREATED,
    "created_at": _CREATED,
    "updated_at": _CREATED,
    "completed_at": None,
}
AUTHORIZATION_URL = (
    "https://pay.example/pay/a3507512d63d4eef9692563048374200/Y-ieOrxf9BRJh3gSWXmzw0MT"
)
PROCESSING: dict[str, Any] = PAYMENT | {
    "status": "processing",
    "channel": "cm.mtn",
    "payment_method": _METHOD_ID,
}
COMPLETE: dict[str, Any] = PROCESSING | {
    "status": "complete",
    "updated_at": _DONE,
    "completed_at": _DONE,
}
CHARGE: dict[str, Any] = {"channel": "cm.mobile", "data": {"phone": "+237670000000"}}

NEW_CUSTOMER: dict[str, Any] = {
    "name": "Ada Ngo",
    "email": "ada@example.cm",
    "phone": "+237670000000",
    "company_name": "ACME SARL",
    "address": {"country": "CM", "city": "Douala", "address_line1": "123 rue Joss"},
}
CUSTOMER: dict[str, Any] = {
    "id": CUSTOMER_ID,
    "name": "Ada Ngo",
    "email": "ada@example.cm",
    "phone": "+237670000000",
    "company_name": "ACME SARL",
    "tax_number": None,
    "description": None,
    "metadata": None,
    "address": {"country": "CM", "city": "Douala", "address_line1": "123 rue Joss"},
    "billing": None,
    "shipping": None,
    "blocked": False,
    "sandbox": 1,
    "created_at": _CREATED,
    "updated_at": _CREATED,
}
METHOD: dict[str, Any] = {
    "id": _METHOD_ID,
    "type": "Mobile Money",
    "channel": "cm.mtn",
    "email": "ada@example.cm",
    "name": "Ada Ngo",
    "country": "CM",
    "account_number": "237670000000",
    "issuer": "MTN Mobile Money",
    "issuer_code": "cm.mtn",
    "phone": "237670000000",
    "created_at": _CREATED,
}

NEW_TRANSFER: dict[str, Any] = {
    "amount": 1500,
    "currency": "XAF",
    "channel": "cm.mtn",
    "reference": "salary-7",
    "description": "Salaire d'août",
    "beneficiary_data": {"name": "Amina Kamga", "phone": "+237670000000"},
}
TRANSFER: dict[str, Any] = {
    "id": TRANSFER_ID,
    "reference": TRANSFER_ID,
    "merchant_reference": "salary-7",
    "trxref": "salary-7",
    "amount": 1500,
    "amount_total": 1500,
    "converted_amount": 1500,
    "fee": 0,
    "amounts": {"total": 1500, "converted": 1500, "currency": "XAF", "rate": 1},
    "currency": "XAF",
    "status": "processing",
    "failure_reason": None,
    "beneficiary": BENEFICIARY_ID,
    "beneficary": BENEFICIARY_ID,
    "channel": "cm.mtn",
    "payment_method": _METHOD_ID,
    "description": "Salaire d'août",
    "statement": None,
    "metadata": None,
    "sandbox": 1,
    "initiated_at": _CREATED,
    "created_at": _CREATED,
    "updated_at": _CREATED,
    "completed_at": None,
}
SENT: dict[str, Any] = TRANSFER | {
    "status": "complete",
    "updated_at": _DONE,
    "completed_at": _DONE,
}
WITHDRAWN: dict[str, Any] = TRANSFER | {"status": "canceled", "updated_at": _DONE}

NEW_BENEFICIARY: dict[str, Any] = {
    "name": "Amina Kamga",
    "channel": "cm.mtn",
    "account_number": "+237670000000",
    "email": "amina@example.cm",
}
BENEFICIARY: dict[str, Any] = {
    "id": BENEFICIARY_ID,
    "name": "Amina Kamga",
    "email": "amina@example.cm",
    "phone": "237670000000",
    "account_number": "237670000000",
    "bank_code": None,
    "country": "CM",
    "currency": "XAF",
    "type": "mobile_money",
    "channel": "cm.mtn",
    "metadata": None,
    "sandbox": 1,
    "payment_method": _METHOD_ID,
    "reference": None,
    "description": None,
    "created_at": _CREATED,
    "updated_at": _CREATED,
}
BALANCE: dict[str, Any] = {
    "reserved": 1500,
    "total": 1_000_000,
    "pending": 0,
    "credit": 0,
    "available": 998_500,
    "currency": "XAF",
    "environment": "sandbox",
}

REFUND: dict[str, Any] = {
    "id": REFUND_ID,
    "reference": REFUND_ID,
    "payment": PAYMENT_ID,
    "amount": 2000,
    "currency": "XAF",
    "status": "processing",
    "reason": "Returned goods",
    "failure_reason": None,
    "sandbox": 1,
    "created_at": _CREATED,
    "updated_at": _CREATED,
}

NEW_ENDPOINT: dict[str, Any] = {
    "url": "https://shop.example/webhooks",
    "events": ["payment.complete", "payment.failed"],
    "description": "The shop",
}
ENDPOINT: dict[str, Any] = {
    "id": ENDPOINT_ID,
    "url": "https://shop.example/webhooks",
    "description": "The shop",
    "events": ["payment.complete", "payment.failed"],
    "status": "active",
    "active": True,
    "signature_profile": "all",
    "health": "healthy",
    "sandbox": 1,
    "created_at": _CREATED,
    "updated_at": _CREATED,
}
SECRET = "whsec_bm90IGEgc2VjcmV0LCBhbiBleGFtcGxl"  # noqa: S105 - says itself that it is none

CHANNEL: dict[str, Any] = {
    "name": "MTN Mobile Money",
    "desc": "Pay with MTN Mobile Money",
    "active": True,
    "enabled": True,
    "countries": ["CM"],
    "id": "cm.mtn",
    "slug": "cm.mtn",
    "type": "mobile",
    "reference": "chn.cm.mtn",
    "delivery": None,
    "payment_delivery": None,
    "live": False,
    "min_amount": 100,
    "max_amount": 5_000_000,
    "payout": 1,
    "charge": 1,
    "collect": 1,
    "currency": "XAF",
}
COUNTRY: dict[str, Any] = {"name": "Cameroon", "code": "CM"}
CURRENCY: dict[str, Any] = {
    "name": "Central African CFA Franc",
    "code": "XAF",
    "symbol": "FCFA",
    "fraction": 0,
    "faction": 0,
}


def event(name: str, data: dict[str, Any]) -> dict[str, Any]:
    """An event as endpoints are sent it."""
    return {
        "id": "evt.test_4yAWXq0rF3hCzrbGZUi2sD",
        "event": name,
        "type": name,
        "created_at": _DONE,
        "data": data,
    }
