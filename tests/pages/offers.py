"""Payment links for tests, and what a payer fills in."""

from __future__ import annotations

import base64
from typing import Any

from gateways import caller_of
from guichet.domain.links import Link, NewLink
from guichet.gateway import Gateway
from guichet.services.links import create_link, publish_link

CPF = "529.982.247-25"
NONCE = "0123456789abcdef012345"
#: A red square of one pixel.
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
LOGO = f"data:image/png;base64,{base64.b64encode(PIXEL).decode()}"
#: What ``full_customer`` asks for.
PERSON = {
    "name": "Zoë Doe",
    "phone": "+44 (0)20 7946-0000",
    "street": "Straße des 17. Juni",
    "house_number": "135",
    "zip_code": "10623",
    "city": "Berlin",
    "state": "",
    "country": "DE",
}


def an_offer(**columns: Any) -> NewLink:
    """An iPhone for £350.41, paid from a bank account, unless told otherwise."""
    values: dict[str, Any] = {
        "product": "Iphone 14 Pro",
        "currency": "GBP",
        "amount_minor": 35041,
        "rails": ("open_banking",),
    }
    return NewLink(**{**values, **columns})


async def published(gateway: Gateway, **columns: Any) -> Link:
    """A link that can be paid."""
    link = await create_link(gateway, caller_of(gateway), an_offer(**columns))
    return await publish_link(gateway, caller_of(gateway), link.id)


def filled(**changes: str) -> dict[str, str]:
    """The form of ``an_offer`` as a payer sends it."""
    return {"nonce": NONCE, "email": "payer@example.com", "bank": "20"} | changes
