"""Payments that payment links bore, as merchants see them among the others."""

from __future__ import annotations

from typing import Any

import pytest

from guichet.domain.links import LinkPayment
from guichet.domain.payments import CustomerDetails
from guichet.gateway import Gateway
from guichet.services.link_payments import pay_link
from wire.client import Client
from wire.neopay import documents

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def paid_by_link(gateway: Gateway, neopay: Client) -> tuple[dict[str, Any], str]:
    """A published link, and the id of a payment of it."""
    fields = {"product": "Tea", "amount": 10, "reference": "TEA"}
    fields["callback_url"] = "https://shop.example/hook"
    link = (await neopay.post("/api/links", fields)).json()["data"]
    await neopay.patch(f"/api/links/{link['id']}/publish", b"")
    customer = CustomerDetails(None, "payer@example.com", {})
    form = LinkPayment(None, "open_banking", "20", customer, "0123456789abcdef")
    view = await pay_link(gateway, link["slug"], form)
    return link, str(view.payment.id)


async def test_payment_of_a_link_names_its_link_and_the_service_links(
    gateway: Gateway, neopay: Client
) -> None:
    link, payment_id = await paid_by_link(gateway, neopay)
    payment = (await neopay.get(f"/api/payments/{payment_id}")).json()["payment"]
    shown = [payment[name] for name in ("service", "link_id", "reference", "callback_url")]
    assert shown == ["links", link["id"], "TEA", "https://shop.example/hook"]


async def test_payment_of_no_link_has_no_key_for_one(neopay: Client) -> None:
    payment = (await neopay.post("/api/payments", documents.PAYMENT)).json()["payment"]
    assert "link_id" not in payment


@pytest.mark.parametrize(
    ("query", "of_link"), [("service=links", True), ("service=LINKS", True), ("service=api", False)]
)
async def test_filter_by_service_tells_payments_of_links_apart(
    gateway: Gateway, neopay: Client, query: str, of_link: bool
) -> None:
    _, of_a_link = await paid_by_link(gateway, neopay)
    other = (await neopay.post("/api/payments", documents.PAYMENT)).json()["payment"]["id"]
    body = (await neopay.get(f"/api/payments?{query}")).json()
    assert [payment["id"] for payment in body["data"]] == [of_a_link if of_link else other]
    assert body["meta"]["total"] == 1


async def test_idempotency_key_that_is_no_text_is_refused(gateway: Gateway, neopay: Client) -> None:
    """The keys of links' forms begin with a control character."""
    link, _ = await paid_by_link(gateway, neopay)
    key = f"\x1flink {link['id'].replace('-', '')} 0123456789abcdef"
    answer = await neopay.post("/api/payments", documents.PAYMENT, idempotency_key=key)
    assert (answer.status, list(answer.json()["errors"])) == (422, ["Idempotency-Key"])
