"""Neopay's API under bodies that no honest client sends."""

from __future__ import annotations

import json

import pytest

from wire.client import Client
from wire.neopay import documents
from wire.probes import Target, probe

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_raw_bytes_meet_no_defect(neopay: Client) -> None:
    link = (await neopay.post("/api/links", documents.LINK)).json()["data"]
    targets = [
        Target("POST", "/api/payments", json.loads(documents.PAYMENT)),
        Target("POST", "/api/customers", json.loads(documents.CUSTOMER)),
        Target("PATCH", "/api/customers", json.loads(documents.CUSTOMER_UPDATE)),
        Target("POST", "/api/links", json.loads(documents.LINK)),
        Target("PATCH", f"/api/links/{link['id']}", json.loads(documents.LINK)),
    ]

    statuses = await probe(neopay, targets)

    assert statuses.total() >= 250
    assert {415, 422} <= statuses.keys()
