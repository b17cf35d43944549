"""Requests and calls that many tests make."""

from __future__ import annotations

import re
from typing import Any

from wire.client import Answer, Client, encoded

PAYMENT: dict[str, Any] = {
    "amount": 5000,
    "currency": "XAF",
    "email": "ada@example.cm",
    "description": "Facture n° 42 de l’été",
}
COMPLETES = "+237670000000"
#: What the Python client's models demand of every payment, and what others read (contract 6.1).
PAYMENT_KEYS = [
    "id", "reference", "merchant_reference", "trxref", "amount", "amount_total",
    "converted_amount", "currency", "amounts", "fee", "fees", "charge", "status",
    "failure_reason", "customer", "sandbox", "description", "callback", "metadata", "geo",
    "locked_currency", "locked_channel", "locked_country", "channel", "payment_method",
    "initiated_at", "created_at", "updated_at", "completed_at",
]  # fmt: skip
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


async def made(client: Client, **changes: Any) -> dict[str, Any]:
    """A new payment's transaction."""
    answer = await client.post("/payments", {**PAYMENT, **changes})
    assert answer.status == 201, answer.body
    transaction: dict[str, Any] = answer.json()["transaction"]
    return transaction


async def processed(client: Client, reference: str, phone: str = COMPLETES) -> Answer:
    body = {"channel": "cm.mobile", "data": {"phone": phone}}
    return await client.call("PUT", f"/payments/{reference}", encoded(body))


async def shown(client: Client, reference: str) -> dict[str, Any]:
    answer = await client.get(f"/payments/{reference}")
    assert answer.status == 200, answer.body
    transaction: dict[str, Any] = answer.json()["transaction"]
    return transaction


async def customer(client: Client, **fields: Any) -> dict[str, Any]:
    """A new customer."""
    answer = await client.post("/customers", {"email": "ada@example.cm", **fields})
    assert answer.status == 201, answer.body
    found: dict[str, Any] = answer.json()["customer"]
    return found
