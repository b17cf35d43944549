"""Notch Pay's API under bodies that no honest client sends."""

from __future__ import annotations

import pytest

from wire.client import Client
from wire.notchpay.requests import PAYMENT, customer, made
from wire.notchpay.senders import BENEFICIARY, TRANSFER, kept
from wire.probes import Target, probe

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_raw_bytes_meet_no_defect(sending: Client) -> None:
    payment, payer = await made(sending), await customer(sending)
    beneficiary = await kept(sending)
    targets = [
        Target("POST", "/payments", PAYMENT),
        Target("PUT", f"/payments/{payment['reference']}", {"channel": "cm.mtn", "data": {}}),
        Target("POST", "/customers", {"name": "Ada", "email": "ada@example.cm"}),
        Target("POST", f"/customers/{payer['id']}", {"name": "Ada", "metadata": {"a": 1}}),
        Target("POST", "/transfers", TRANSFER),
        Target("POST", "/beneficiaries", BENEFICIARY),
        Target("PUT", f"/beneficiaries/{beneficiary['id']}", {"name": "Ada", "metadata": {}}),
        Target("POST", "/refunds", {"payment": payment["reference"], "amount": 5}),
        Target("POST", "/webhooks", {"url": "https://shop.example/", "events": ["*"]}),
    ]

    statuses = await probe(sending, targets)

    assert statuses.total() >= 250
    assert {400, 415, 422} <= statuses.keys()
