"""Payments (contract section 6): initialise, list, read, process, cancel."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID

from guichet.dialects.neopay import validation as rules
from guichet.dialects.neopay.validation import Field, Form, ValidationFailed, Values, say
from guichet.dialects.notchpay import fields
from guichet.dialects.notchpay.auth import speaks_v1
from guichet.dialects.notchpay.bodies import read_fields
from guichet.dialects.notchpay.envelope import (
    answer,
    asked_page,
    asked_words,
    listing,
)
from guichet.dialects.notchpay.errors import BlockedCustomer
from guichet.dialects.notchpay.ids import read_id
from guichet.dialects.notchpay.resources import render_payment
from guichet.dialects.notchpay.statuses import payment_states
from guichet.domain.access import Caller
from guichet.domain.channels import CHANNELS
from guichet.domain.errors import NotFound
from guichet.domain.money import parse_money
from guichet.domain.payments import UNDECIDED, CustomerDetails, NewPayment
from guichet.gateway import Gateway
from guichet.services.mobile_payments import cancel_payment, create_open_payment, process_payment
from guichet.services.payers import WantedPayer, find_or_make_payer
from guichet.services.payments import (
    PaymentFilters,
    PaymentView,
    checkout_url,
    list_payments,
    read_payment,
    read_payment_by_request_key,
)
from guichet.services.phones import normalise_phone
from guichet.web.asgi import Reply, Request

#: Contract 15.1: what nobody pays in three hours expires.
_LIFETIME = timedelta(hours=3)
_DESCRIPTION_MAX = 256
#: Merchant references live in a name space that no Idempotency-Key can reach.
_REFERENCE_SPACE = "notch\x1f"
#: What is kept as it came, for the merchant and the page (contract 6.2).
_KEPT = (
    "description",
    "callback",
    "metadata",
    "items",
    "shipping",
    "address",
    "customer_meta",
    "theming",
    "channels",
    "locked_currency",
    "locked_channel",
    "locked_country",
)
_CONFIRM = {"Orange": "#150*50#", "MTN": "*126#"}

_FORM = Form(
    Field("amount", (fields.amount_in("currency"),), rules.required),
    Field("currency", (fields.currency,), rules.required),
    Field("email", (fields.email(512),), fields.required_without_all("phone", "customer")),
    Field("phone", (fields.phone,)),
    Field("customer"),
    Field("name", (fields.text(255),)),
    Field("description", (fields.text(_DESCRIPTION_MAX),)),
    Field("reference", (fields.text(255),)),
    Field("callback", (fields.web_address,)),
    Field("locked_currency", (fields.currency,)),
    Field("locked_channel", (fields.channel,)),
    Field("locked_country", (fields.text(2),)),
    Field("metadata", (fields.mapping,)),
    Field("items", (fields.array,)),
)


class Payments:
    """The handlers of payments."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def create(self, request: Request, caller: Caller) -> Reply:
        """POST /payments, /payments/initialize."""
        body = read_fields(request)
        if isinstance(body.get("currency"), str):
            body["currency"] = body["currency"].upper()
        values = _FORM.check(body)
        customer_id = await self._payer(caller, values)
        reference = values["reference"]
        new = NewPayment(
            rail=UNDECIDED,
            institution_key=None,
            money=parse_money(fields.plain_amount(values["amount"]), values["currency"]),
            customer=CustomerDetails(customer_id, None, {}),
            reference=reference,
            notify_url=None,
            request_key=f"{_REFERENCE_SPACE}{reference}" if reference else None,
            request_hash=b"" if reference else None,
        )
        kept = {
            name: fields.numbers_made(body[name]) for name in _KEPT if body.get(name) is not None
        }
        details = json.dumps(kept | {"geo": request.client_address})
        view = await create_open_payment(self._gateway, caller.application, new, details, _LIFETIME)
        return answer(
            201,
            "Payment initialized",
            "Accepted",
            transaction=render_payment(view.payment),
            authorization_url=checkout_url(self._gateway, view.payment.id),
        )

    async def _payer(self, caller: Caller, values: Values) -> UUID:
        named = values["customer"]
        inner = named if isinstance(named, dict) else {}
        text = named if isinstance(named, str) else inner.get("id")
        customer_id = read_id("customer", str(text)) if text else None
        if text and customer_id is None:
            raise ValidationFailed({"customer": [say("The selected {} is invalid.", "customer")]})
        phone = values["phone"] or fields.as_text(inner.get("phone"))
        payer = await find_or_make_payer(
            self._gateway,
            caller.application,
            WantedPayer(
                id=customer_id,
                email=values["email"] or fields.as_text(inner.get("email")),
                phone=normalise_phone(str(phone), "CM") or str(phone) if phone else None,
                name=values["name"] or fields.as_text(inner.get("name")),
            ),
        )
        if payer.blocked:
            raise BlockedCustomer
        return payer.id

    async def list(self, request: Request, caller: Caller) -> Reply:
        """GET /payments, /payments/search."""
        page = asked_page(request)
        found = await list_payments(self._gateway, caller, _filters(request), page)
        items = [render_payment(view.payment) for view in found.items]
        keys = ("items", "data", "transactions")
        return listing("Payments retrieved", items, page, found.total, keys)

    async def show(self, request: Request, caller: Caller) -> Reply:
        """GET /payments/{ref}."""
        view = await self._find(request, caller)
        rendered = render_payment(view.payment)
        return answer(200, "Transaction retrieved", transaction=rendered, payment=rendered)

    async def process(self, request: Request, caller: Caller) -> Reply:
        """PUT and POST /payments/{ref}: ask the payer's operator to collect."""
        view = await self._find(request, caller)
        channel, phone = fields.channel_and_phone(read_fields(request))
        view = await process_payment(
            self._gateway,
            caller.application,
            view.payment.id,
            channel,
            phone,
            request.client_address,
        )
        message = "Payment processing initiated"
        if speaks_v1(request):
            message = f"Confirm your transaction by dialing {_dial(phone)}"
        rendered = render_payment(view.payment)
        return answer(202, message, transaction=rendered, action="confirm")

    async def cancel(self, request: Request, caller: Caller) -> Reply:
        """DELETE /payments/{ref}."""
        view = await self._find(request, caller)
        await cancel_payment(self._gateway, caller.application, view.payment.id)
        noun = "transaction" if speaks_v1(request) else "payment"
        return answer(202, f"Your {noun} has been canceled")

    async def _find(self, request: Request, caller: Caller) -> PaymentView:
        """By our reference, its other spelling, or the merchant's own; ``NotFound``."""
        key = request.parameters["reference"]
        payment_id = read_id("payment", key)
        if payment_id is not None:
            return await read_payment(self._gateway, caller, payment_id)
        view = await read_payment_by_request_key(self._gateway, caller, _REFERENCE_SPACE + key)
        if view is None:
            raise NotFound("payment", key)
        return view


def _dial(phone: str) -> str:
    channel = fields.channel_of(phone)
    return _CONFIRM.get(channel.operator or "", "*126#") if channel else "*126#"


def _filters(request: Request) -> PaymentFilters:
    words = asked_words(request, "status")
    created_from, created_before = fields.asked_days(request)
    states = [pair for word in words for pair in payment_states(word)] if words else None
    channels = [word for word in asked_words(request, "channels") if word in CHANNELS]
    return PaymentFilters(
        statuses=states,
        channels=channels or None,
        search=request.query_value("search") or request.query_value("query"),
        created_from=created_from,
        created_before=created_before,
    )
