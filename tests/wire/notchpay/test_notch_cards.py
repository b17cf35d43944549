"""No card's number is taken: not in a text, not deep in metadata, not for a channel of cards."""

from __future__ import annotations

import json
import logging
from typing import Any

import asyncpg
import pytest

from wire.client import Client, encoded
from wire.notchpay.canaries import cells
from wire.notchpay.requests import PAYMENT, customer, made
from wire.notchpay.senders import BENEFICIARY, TRANSFER, broken

pytestmark = pytest.mark.asyncio(loop_scope="module")

CARD = "4242 4242 4242 4242"
DEEP = {"order": {"lines": [{"memo": f"card {CARD}"}]}}


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/payments", {**PAYMENT, "description": f"paid {CARD}"}, "description"),
        ("/payments", {**PAYMENT, "reference": CARD.replace(" ", "")}, "reference"),
        ("/payments", {**PAYMENT, "metadata": DEEP}, "metadata"),
        ("/payments", {**PAYMENT, "metadata": {CARD: 1}}, "metadata"),
        ("/payments", {**PAYMENT, "metadata": {"pan": 4242424242424242}}, "metadata"),
        ("/payments", {**PAYMENT, "theming": DEEP}, "theming"),
        ("/payments", {**PAYMENT, "name": CARD}, "name"),
        ("/customers", {"email": "a@example.cm", "name": CARD}, "name"),
        ("/customers", {"email": "a@example.cm", "address": DEEP}, "address"),
        ("/beneficiaries", {**BENEFICIARY, "description": CARD}, "description"),
        ("/transfers", {**TRANSFER, "metadata": DEEP}, "metadata"),
        ("/transfers", {**TRANSFER, "statement": CARD}, "statement"),
    ],
)
async def test_card_number_in_a_text_is_refused_by_the_field_s_name(
    sending: Client, path: str, body: dict[str, Any], field: str
) -> None:
    refused = await sending.post(path, body)

    assert broken(refused) == {field}
    assert refused.json()["errors"][field] == [f"The {field} field must not hold a card number."]


async def test_phone_may_look_like_a_card(notch: Client) -> None:
    assert (await customer(notch, phone="+237670000000"))["phone"]


async def test_data_of_a_card_is_neither_kept_nor_logged(
    notch: Client, owner: asyncpg.Connection[Any],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    payment = await made(notch)
    data = {"name": "Ada", "card_number": "4242424242424242", "exp": "12/31", "cvc": "967"}

    answer = await notch.call(
        "PUT", f"/payments/{payment['reference']}", encoded({"channel": "card", "data": data})
    )

    assert "channel" in broken(answer)
    assert b"4242424242424242" not in answer.body
    kept = json.dumps([str(cell) for _, cell in await cells(owner)])
    assert "4242424242424242" not in kept
    assert "4242424242424242" not in caplog.text
