"""What tests of endpoints share: endpoints of a Notch Pay application, and events to tell them."""

from __future__ import annotations

import json
from uuid import uuid4

from guichet.dialects.notchpay.event_names import core_types
from guichet.domain.access import Application
from guichet.gateway import Gateway
from guichet.services.deliveries import deliver
from guichet.services.endpoints import MadeEndpoint, NewEndpoint, create_endpoint
from guichet.services.payers import make_payer
from guichet.store.queue import claim_deliveries
from worker.parts import Receiver

PRIVATE_KEY = "sk_test.the-private-key"


async def endpoint_at(
    gateway: Gateway, shop: Application, url: str, *names: str, profile: str = "all"
) -> MadeEndpoint:
    names = names or ("*",)
    new = NewEndpoint(url, names, core_types(names), profile=profile)
    return await create_endpoint(gateway, shop, new)


async def told(gateway: Gateway, shop: Application) -> None:
    """One event of the application: a new customer."""
    await make_payer(gateway, shop, {"email": f"{uuid4().hex}@example.cm"}, None)


async def deliver_due(gateway: Gateway) -> list[str]:
    due = await claim_deliveries(gateway.database, gateway.clock.now(), 100, 60)
    return [await deliver(gateway, claimed) for claimed in due]


async def told_names(gateway: Gateway, receiver: Receiver) -> list[str]:
    while await deliver_due(gateway):
        pass
    return [json.loads(received.body)["event"] for received in receiver.received]
