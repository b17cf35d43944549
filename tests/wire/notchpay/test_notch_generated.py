"""Notch Pay's API under requests generated from its document."""

from __future__ import annotations

import pytest

from wire.client import Client
from wire.fuzzing import REQUESTS, Known, fuzz
from wire.notchpay.requests import customer, made
from wire.notchpay.senders import kept, sent

pytestmark = pytest.mark.asyncio(loop_scope="module")

PHONES = ["+237670000000", "237690000000", 237670000001, "670000003"]


async def test_generated_requests_meet_no_defect(sending: Client) -> None:
    payments = [await made(sending, reference=f"order-{n}") for n in range(3)]
    payer = await customer(sending)
    beneficiary = await kept(sending)
    transfer = await sent(sending)
    endpoint = await sending.post(
        "/webhooks", {"url": "https://shop.example/hook", "events": ["*"]}
    )
    references = [payment[key] for payment in payments for key in ("reference", "trxref")]

    tally = await fuzz(
        "notchpay",
        sending,
        Known(
            ids={
                "/payments/": references,
                "/checkout/": references,
                "/verify/": references,
                "/customers/": [payer["id"]],
                "/beneficiaries/": [beneficiary["id"]],
                "/transfers/": [transfer["reference"]],
                "/webhooks/": [endpoint.json()["endpoint"]["id"]],
            },
            fields={
                "amount": [5000, "1500", 250.0],
                "currency": ["XAF", "xaf", "EUR"],
                "channel": ["cm.mtn", "cm.orange", "cm.mobile", "ci.mtn"],
                "phone": PHONES,
                "account_number": PHONES,
                "data": [{"phone": phone} for phone in PHONES],
                "email": ["ada@example.cm"],
                "name": ["Ada"],
                "reference": [None, "", "mine"],
                "customer": [payer["id"], {"email": "x@example.cm"}],
                "beneficiary": [beneficiary["id"], {"phone": PHONES[0]}],
                "payment": references,
                "url": ["https://shop.example/hook"],
                "events": [["payment.complete"], ["*"]],
                "metadata": [None, {}, [], {"1": 2, "a": {"b": 1e300}}],
            },
        ),
        REQUESTS // 2,
    )

    assert tally.statuses.total() >= REQUESTS // 3, tally
    assert {200, 201, 202, 404, 422} <= tally.statuses.keys(), tally
