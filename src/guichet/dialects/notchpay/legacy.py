"""The paths of 2021 (contract 14.5): ``/checkout`` and ``/verify``."""

from __future__ import annotations

from guichet.dialects.notchpay import fields
from guichet.dialects.notchpay.bodies import read_fields
from guichet.dialects.notchpay.envelope import answer, encode
from guichet.dialects.notchpay.payments import Payments
from guichet.dialects.notchpay.resources import render_payment
from guichet.domain.access import Caller
from guichet.domain.payments import OPEN_PAYMENT
from guichet.gateway import Gateway
from guichet.services.payments import checkout_url
from guichet.web.asgi import Reply, Request

#: What was called a gateway then is a channel now.
_CHANNEL_OF_GATEWAY = {
    "mtn": "cm.mtn",
    "orange": "cm.orange",
    "mobile": "cm.mobile",
    "mobile_money": "cm.mobile",
}


class Legacy:
    """The handlers of the first paths, over those of today."""

    def __init__(self, gateway: Gateway, payments: Payments) -> None:
        self._gateway = gateway
        self._payments = payments

    async def create(self, request: Request, caller: Caller) -> Reply:
        """POST /checkout/initialize."""
        view = await self._payments.initialize(request, caller)
        url = checkout_url(self._gateway, view.payment.id)
        return answer(
            201,
            "Payment initialized",
            "Accepted",
            transaction=render_payment(view.payment),
            authorization_url=url,
            redirect_url=url,
        )

    async def process(self, request: Request, caller: Caller) -> Reply:
        """POST /checkout/{ref}: ``gateway`` and ``data``."""
        view = await self._payments.find(request, caller)
        body = read_fields(request)
        named = fields.as_text(body.get("channel") or body.get("gateway"))
        if named is not None:
            body["channel"] = _CHANNEL_OF_GATEWAY.get(named.lower(), named)
        return await self._payments.process_as(view, body, request, caller)

    async def verify(self, request: Request, caller: Caller) -> Reply:
        """GET /verify/{ref}: the payment itself, flat.

        Clients of 2021 know one word for a payment that has no end yet, and stop asking at the
        first other one: what is processed is ``pending`` here.
        """
        view = await self._payments.find(request, caller)
        shown = render_payment(view.payment)
        if view.payment.status in OPEN_PAYMENT:
            shown = shown | {"status": "pending"}
        return Reply(200, encode(shown))
