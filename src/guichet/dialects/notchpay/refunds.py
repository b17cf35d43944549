"""Refunds (contract 14.2): money of a payment given back to who paid it."""

from __future__ import annotations

from uuid import UUID

from guichet.dialects import validation as rules
from guichet.dialects.notchpay import fields
from guichet.dialects.notchpay.bodies import read_fields
from guichet.dialects.notchpay.envelope import answer, listing
from guichet.dialects.notchpay.ids import read_id
from guichet.dialects.notchpay.money_out import render_refund
from guichet.dialects.notchpay.payments import find_payment
from guichet.dialects.notchpay.queries import asked_page, asked_words
from guichet.dialects.notchpay.statuses import refund_states
from guichet.dialects.validation import Field, Form, ValidationFailed, say
from guichet.domain.access import Caller
from guichet.domain.errors import NotFound
from guichet.domain.money import parse_money
from guichet.gateway import Gateway
from guichet.services.refunds import create_refund, list_all_refunds, read_refund
from guichet.web.asgi import Reply, Request

_WHICH = Form(Field("payment", (fields.text(255),), rules.required))
_HOW = Form(
    Field("amount", (fields.amount_in("paid_in"),)),
    Field("currency", (fields.currency,)),
    Field("reason", (fields.text(255),)),
)


class Refunds:
    """The handlers of refunds."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def create(self, request: Request, caller: Caller) -> Reply:
        """POST /refunds: without an amount, all that is left of the payment."""
        body = read_fields(request)
        for name in ("reference", "transaction"):  # the page of version 2.0 and its samples
            if body.get("payment") is None and body.get(name) is not None:
                body["payment"] = body[name]
        key = _WHICH.check(body)["payment"]
        payment = (await find_payment(self._gateway, caller, key)).payment
        if isinstance(body.get("currency"), str):
            body["currency"] = body["currency"].upper()
        values = _HOW.check(body, {"paid_in": payment.currency})
        if values["currency"] not in {None, payment.currency}:
            sentence = say("The selected {} is invalid.", "currency")
            raise ValidationFailed({"currency": [sentence]})
        minor = None
        if values["amount"] is not None:
            minor = parse_money(fields.plain_amount(values["amount"]), payment.currency).minor
        made = await create_refund(
            self._gateway, caller.application.id, payment.id, minor, note=values["reason"]
        )
        return answer(201, "Refund initiated", "Created", refund=render_refund(made))

    async def list(self, request: Request, caller: Caller) -> Reply:
        """GET /refunds."""
        page = asked_page(request)
        words = asked_words(request, "status")
        states = [state for word in words for state in refund_states(word)] if words else None
        found = await list_all_refunds(self._gateway, caller.application.id, states, page)
        items = [render_refund(refund) for refund in found.items]
        return listing("Refunds retrieved", items, page, found.total, ("items", "data", "refunds"))

    async def show(self, request: Request, caller: Caller) -> Reply:
        """GET /refunds/{id}."""
        found = await read_refund(self._gateway, caller.application.id, _asked_id(request))
        return answer(200, "Refund retrieved", refund=render_refund(found))


def _asked_id(request: Request) -> UUID:
    key = request.parameters["id"]
    refund_id = read_id("refund", key)
    if refund_id is None:
        raise NotFound("refund", key)
    return refund_id
