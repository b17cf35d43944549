"""No card's number is kept by Neopay's calls either."""

from __future__ import annotations

import json
from typing import Any

import pytest

from wire.client import Client
from wire.neopay import documents

pytestmark = pytest.mark.asyncio(loop_scope="module")

CARD = "5555 5555 5555 4444"


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("reference", {"reference": f"card {CARD}"}),
        ("customer.name", {"customer": {"name": CARD}}),
        ("customer.street", {"customer": {"street": CARD}}),
    ],
)
async def test_card_number_in_a_payment_is_refused_by_the_field_s_name(
    neopay: Client, path: str, change: dict[str, Any]
) -> None:
    body = json.loads(documents.PAYMENT)
    for name, value in change.items():
        body[name] = {**body[name], **value} if isinstance(value, dict) else value

    refused = await neopay.post("/api/payments", body)

    assert (refused.status, list(refused.json()["errors"])) == (422, [path])
    assert refused.json()["errors"][path] == [
        f"The {path.replace('_', ' ')} field must not hold a card number."
    ]


async def test_card_number_in_a_customer_is_refused(neopay: Client) -> None:
    body = {"email": "a@example.com", "name": f"Ada {CARD}"}

    assert (await neopay.post("/api/customers", body)).json()["errors"].keys() == {"name"}
