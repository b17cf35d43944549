"""Payment links: their states as strangers meet them, their room, forms sent twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from conftest import DatabaseUrls
from gateways import OTHER_APPLICATION_ID, caller_of, running_gateway, seed
from guichet.domain.clock import MovableClock
from guichet.domain.errors import Invalid, LinkNotPayable, NotFound
from guichet.domain.links import Link, LinkPayment, NewLink
from guichet.domain.money import Money
from guichet.domain.payments import CustomerDetails
from guichet.gateway import Gateway
from guichet.services.checkout import reserve_attempt
from guichet.services.closing import expire_payment
from guichet.services.link_payments import LinkView, open_link, pay_link
from guichet.services.links import (
    close_link,
    create_link,
    delete_link,
    publish_link,
    read_link,
    unpublish_link,
    update_link,
)
from guichet.services.payments import PaymentView

NONCE = "0123456789abcdef"


def form(nonce: str = NONCE, **changes: Any) -> LinkPayment:
    """What a payer sends; ``changes`` are fields of ``LinkPayment`` or of the customer."""
    fields = {name: changes.pop(name) for name in list(changes) if name not in _FORM}
    email = fields.pop("email", "payer@example.com")
    values: dict[str, Any] = {
        "amount": None,
        "rail": "open_banking",
        "institution_key": "20",
        "customer": CustomerDetails(None, email, fields),
        "nonce": nonce,
    }
    return LinkPayment(**{**values, **changes})


_FORM = {"amount", "rail", "institution_key", "customer", "nonce"}


async def published(gateway: Gateway, **columns: Any) -> Link:
    link = await create_link(gateway, caller_of(gateway), new_link(**columns))
    return await publish_link(gateway, caller_of(gateway), link.id)


def new_link(**columns: Any) -> NewLink:
    values: dict[str, Any] = {
        "product": "Iphone 14 Pro",
        "currency": "GBP",
        "amount_minor": 35041,
        "rails": ("open_banking",),
    }
    return NewLink(**{**values, **columns})


async def test_pay(gateway: Gateway) -> None:
    link = await published(gateway, reference="NEOPAY-IPHONE", payments_limit=1)
    view = await pay_link(gateway, link.slug, form())
    assert view.payment.money == Money(35041, "GBP")
    assert view.payment.reference == "NEOPAY-IPHONE"
    assert view.payment.link_id == link.id
    assert (await open_link(gateway, link.slug)).state == "used_up"
    again = await pay_link(gateway, link.slug, form())
    assert again == view
    other = await pay_link(gateway, link.slug, form(institution_key="7"))
    assert other.payment.id != view.payment.id
    await reserve_attempt(gateway, other.payment.id)
    assert (await pay_link(gateway, link.slug, form())).payment.id == other.payment.id
    with pytest.raises(LinkNotPayable):
        await pay_link(gateway, link.slug, form(NONCE + "x"))
    await delete_link(gateway, caller_of(gateway), link.slug)
    with pytest.raises(NotFound):
        await open_link(gateway, link.slug)
