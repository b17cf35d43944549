"""Neopay's API under requests generated from its document."""

from __future__ import annotations

import pytest

from wire.client import Client
from wire.fuzzing import REQUESTS, Known, fuzz
from wire.neopay import documents

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.usefixtures("psp")
async def test_generated_requests_meet_no_defect(neopay: Client) -> None:
    payment = (await neopay.post("/api/payments", documents.PAYMENT)).json()["payment"]
    customer = payment["customer"]
    links = [(await neopay.post("/api/links", documents.LINK)).json()["data"] for _ in range(3)]
    await neopay.patch(f"/api/links/{links[0]['id']}/publish", b"")

    tally = await fuzz(
        "neopay",
        neopay,
        Known(
            ids={
                "/api/payments/": [payment["id"]],
                "/api/customers/": [customer["id"], customer["email"]],
                "/api/links/": [link[key] for link in links for key in ("id", "slug")],
                "/api/institutions/": ["7", "cic-sandbox"],
            },
            fields={
                "serviceId": ["api", "pix"],
                "institutionId": [20, "22", "cic-sandbox"],
                "payment": [
                    {"amount": 122.44, "currency": "GBP"},
                    {"amount": "1", "currency": "JPY"},
                ],
                "customer": [
                    {"id": customer["id"], "country": "GB"},
                    {"email": "ada@example.com", "country": "BR", "tax_number": "06372771390"},
                ],
                "reference": [None, "INV-1", ""],
                "callback_url": [None, "https://shop.example/back"],
                "email": ["ada@example.com", customer["email"]],
                "id": [customer["id"]],
                "product": ["Tea"],
                "amount": [1, "3.50"],
                "currency": ["GBP", "EUR"],
                "settings": [None, {"requestCustomerData": True, "theme": {"selected": "red"}}],
            },
        ),
        REQUESTS // 2,
    )

    assert tally.statuses.total() >= REQUESTS // 3, tally
    assert {200, 404, 422} <= tally.statuses.keys(), tally
