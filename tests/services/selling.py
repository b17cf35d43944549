"""Payment links and what payers send from their pages, as tests need them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from gateways import caller_of
from guichet.domain.links import Link, LinkPayment, NewLink
from guichet.domain.outcomes import Outcome
from guichet.domain.payments import CustomerDetails
from guichet.gateway import Gateway
from guichet.services.checkout import reserve_attempt
from guichet.services.links import create_link, publish_link
from guichet.services.settlement import record_outcome

NONCE = "0123456789abcdef"
_FORM = {"amount", "rail", "institution_key", "nonce"}


def new_link(**columns: Any) -> NewLink:
    """A link that sells a telephone by open banking."""
    values = {
        "product": "Iphone 14 Pro",
        "currency": "GBP",
        "amount_minor": 35041,
        "rails": ("open_banking",),
        "reference": "NEOPAY-IPHONE",
    }
    return NewLink(**{**values, **columns})


async def published(gateway: Gateway, **columns: Any) -> Link:
    """The same, on offer."""
    link = await create_link(gateway, caller_of(gateway), new_link(**columns))
    return await publish_link(gateway, caller_of(gateway), link.id)


def form(**changes: Any) -> LinkPayment:
    """What a payer sends; ``changes`` are fields of the form, else of the customer."""
    fields = {name: changes.pop(name) for name in list(changes) if name not in _FORM}
    email = fields.pop("email", "payer@example.com")
    values: dict[str, Any] = {
        "amount": None,
        "rail": "open_banking",
        "institution_key": "20",
        "customer": CustomerDetails(None, email, fields),
        "nonce": NONCE,
    }
    return LinkPayment(**{**values, **changes})


async def payments_of(gateway: Gateway, link: Link) -> int:
    """How many payments the link made."""
    async with gateway.database.connection() as connection:
        count: int = await connection.fetchval(
            "SELECT count(*) FROM payments WHERE link_id = $1", link.id
        )
    return count


async def settle(gateway: Gateway, payment_id: UUID, outcome: Outcome) -> None:
    """Begin to pay, and have the rail report."""
    started = await reserve_attempt(gateway, payment_id)
    assert started is not None
    await record_outcome(gateway, started[1].id, outcome)
