"""Every example of Neopay's document does what the document says."""

from __future__ import annotations

import pytest

from guichet.dialects.neopay.openapi import examples
from wire.client import Client
from wire.examples import Shown, call, shown

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.usefixtures("psp")
@pytest.mark.parametrize("one", list(shown("neopay")), ids=lambda one: one.label)
async def test_example_succeeds(neopay: Client, one: Shown) -> None:
    await neopay.post("/api/customers", examples.NEW_CUSTOMER)
    identifier = "7"
    if "/api/payments/" in one.route:
        made = await neopay.post("/api/payments", examples.NEW_PAYMENT)
        identifier = made.json()["payment"]["id"]
    elif "/api/customers/" in one.route:
        identifier = examples.NEW_CUSTOMER["email"]
    elif "/api/links/" in one.route:
        made = await neopay.post("/api/links", examples.NEW_LINK)
        identifier = made.json()["data"]["id"]

    answer = await call(neopay, one, id=identifier)

    assert answer.status in one.successes, answer.body
