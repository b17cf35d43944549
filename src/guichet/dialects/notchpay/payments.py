"""Payments (contract section 6): initialise, list, read, process, cancel."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from guichet.dialects import validation as rules
from guichet.dialects.notchpay import fields
from guichet.dialects.notchpay.auth import speaks_v1
from guichet.dialects.notchpay.bodies import read_fields
from guichet.dialects.notchpay.envelope import answer, listing
from guichet.dialects.notchpay.ids import read_id
from guichet.dialects.notchpay.queries import asked_days, asked_page, asked_text, asked_words
from guichet.dialects.notchpay.resources import render_payment
from guichet.dialects.notchpay.statuses import payment_states
from guichet.dialects.validation import Field, Form, Rule, ValidationFailed, Values, say
from guichet.domain.access import Caller
from guichet.domain.channels import CHANNELS, DIALLED
from guichet.domain.errors import CustomerBlocked, Invalid, NotFound
from guichet.domain.money import Money, parse_money
from guichet.domain.payments import UNDECIDED, CustomerDetails, NewPayment
from guichet.gateway import Gateway
from guichet.services.mobile_payments import (
    cancel_payment,
    check_bounds,
    create_open_payment,
    process_payment,
)
from guichet.services.payers import WantedPayer, find_or_make_payer
from guichet.services.payments import (
    PaymentFilters,
    PaymentView,
    checkout_url,
    list_payments,
    read_payment,
    read_payment_by_request_key,
)
from guichet.services.phones import channel_of_phone
from guichet.web.asgi import Reply, Request
from guichet.web.strict_json import storable

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
#: What each operator's customers dial, in the words of the first generation (contract 6.4).


def _form(callback: Rule) -> Form:
    return Form(
        Field("amount", (fields.amount_in("currency"),), rules.required),
        Field("currency", (fields.currency,), rules.required),
        Field("email", (fields.email,), fields.required_without_all("phone", "customer")),
        Field("phone", (fields.phone,)),
        Field("customer", (fields.text(255),)),
        Field("name", (fields.text(255),)),
        Field("description", (fields.text(_DESCRIPTION_MAX),)),
        Field("reference", (fields.text(255),)),
        Field("callback", (callback,)),
        Field("locked_currency", (fields.currency,)),
        Field("locked_channel", (fields.channel,)),
        Field("locked_country", (fields.country,)),
        Field("metadata", (fields.mapping,)),
        Field("customer_meta", (fields.array,)),
        Field("items", (fields.array,)),
        Field("shipping", (fields.array,)),
        Field("address", (fields.array,)),
        Field("theming"),
        Field("channels"),
    )


_FORMS = {kind: _form(rule) for kind, rule in fields.WEB_ADDRESSES.items()}
_UPPER = ("currency", "locked_currency", "locked_country")


class Payments:
    """The handlers of payments."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def create(self, request: Request, caller: Caller) -> Reply:
        """POST /payments, /payments/initialize."""
        view = await self.initialize(request, caller)
        return answer(
            201,
            "Payment initialized",
            "Accepted",
            transaction=render_payment(view.payment),
            authorization_url=checkout_url(self._gateway, view.payment.id),
        )

    async def initialize(self, request: Request, caller: Caller) -> PaymentView:
        """The payment that the body asks for, made."""
        body = fields.lifted(read_fields(request), "customer", "name", "email", "phone")
        for name in _UPPER:
            if type(body.get(name)) is str:
                body[name] = body[name].upper()
        values = _FORMS[caller.application.environment].check(body)
        money = parse_money(fields.plain_amount(values["amount"]), values["currency"])
        _check_lock(values["locked_channel"], money)
        customer_id = await self._payer(caller, values)
        reference = values["reference"]
        new = NewPayment(
            rail=UNDECIDED,
            institution_key=None,
            money=money,
            customer=CustomerDetails(customer_id, None, {}),
            reference=reference,
            notify_url=None,
            request_key=f"{_REFERENCE_SPACE}{reference}" if reference else None,
            request_hash=b"" if reference else None,
        )
        details = json.dumps(_kept(body) | {"geo": request.client_address})
        return await create_open_payment(self._gateway, caller.application, new, details, _LIFETIME)

    async def _payer(self, caller: Caller, values: Values) -> UUID:
        named = values["customer"]
        customer_id = read_id("customer", named) if named else None
        if named and customer_id is None:
            raise ValidationFailed({"customer": [say("The selected {} is invalid.", "customer")]})
        wanted = WantedPayer(
            id=customer_id,
            email=values["email"],
            phone=fields.as_text(values["phone"]),
            name=values["name"],
        )
        payer = await find_or_make_payer(self._gateway, caller.application, wanted)
        if payer.blocked:
            raise CustomerBlocked
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
        view = await self.find(request, caller)
        rendered = render_payment(view.payment)
        return answer(200, "Transaction retrieved", transaction=rendered, payment=rendered)

    async def process(self, request: Request, caller: Caller) -> Reply:
        """PUT and POST /payments/{ref}: ask the payer's operator to collect."""
        view = await self.find(request, caller)
        return await self.process_as(view, read_fields(request), request, caller)

    async def process_as(
        self, view: PaymentView, body: Mapping[str, Any], request: Request, caller: Caller
    ) -> Reply:
        """Collect the payment as ``body`` says."""
        channel, phone = fields.channel_and_phone(body)
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
        view = await self.find(request, caller)
        await cancel_payment(self._gateway, caller.application, view.payment.id)
        noun = "transaction" if speaks_v1(request) else "payment"
        return answer(202, f"Your {noun} has been canceled")

    async def find(self, request: Request, caller: Caller) -> PaymentView:
        """The payment by our reference, its other spelling, or the merchant's own; ``NotFound``."""
        return await find_payment(self._gateway, caller, request.parameters["reference"])


async def find_payment(gateway: Gateway, caller: Caller, key: str) -> PaymentView:
    """The payment that any of its names names; raises ``NotFound``."""
    payment_id = read_id("payment", key)
    if payment_id is not None:
        try:
            return await read_payment(gateway, caller, payment_id)
        except NotFound:
            pass  # a merchant's own reference may look like ours
    view = None
    if storable(key):
        view = await read_payment_by_request_key(gateway, caller, _REFERENCE_SPACE + key)
    if view is None:
        raise NotFound("payment", key)
    return view


def _kept(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: fields.numbers_made(body[name]) for name in _KEPT if body.get(name)}


def _check_lock(channel: str | None, money: Money) -> None:
    """A payment that its only channel cannot take is refused when it is made."""
    if channel is None:
        return
    try:
        check_bounds(money, CHANNELS[channel])
    except Invalid as error:
        field = "locked_channel" if error.field == "channel" else error.field
        raise Invalid(field, error.rule) from None


def _dial(phone: str) -> str:
    channel = channel_of_phone(phone)
    return DIALLED.get(channel.operator or "", "*126#") if channel else "*126#"


def _filters(request: Request) -> PaymentFilters:
    words = asked_words(request, "status")
    created_from, created_before = asked_days(request)
    states = [pair for word in words for pair in payment_states(word)] if words else None
    return PaymentFilters(
        statuses=states,
        channels=asked_words(request, "channels") or None,
        search=asked_text(request, "search", "query"),
        created_from=created_from,
        created_before=created_before,
    )
