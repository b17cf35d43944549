"""Customers (contract section 9): kept, changed, blocked, and what they paid by."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from guichet.dialects import validation as rules
from guichet.dialects.notchpay import fields
from guichet.dialects.notchpay.bodies import read_fields
from guichet.dialects.notchpay.envelope import answer, as_object, listing
from guichet.dialects.notchpay.ids import read_id
from guichet.dialects.notchpay.queries import asked_days, asked_page, asked_text
from guichet.dialects.notchpay.resources import render_customer, render_method, render_payment
from guichet.dialects.validation import Field, Form, ValidationFailed, Values, say
from guichet.domain import events
from guichet.domain.access import Caller
from guichet.domain.errors import NotFound
from guichet.domain.paging import Page
from guichet.gateway import Gateway
from guichet.services.payers import (
    Payer,
    change_payer,
    list_payers,
    make_payer,
    payer_methods,
    read_payer,
)
from guichet.services.payments import PaymentFilters, list_payments
from guichet.web.asgi import Reply, Request

#: What is kept of a customer beside the core's fields.
_KEPT = ("company_name", "metadata", "address", "billing", "shipping", "description")
_CORE = ("name", "email", "phone", "tax_number")

_FIELDS = (
    Field("name", (fields.text(128),)),
    Field("phone", (fields.phone,)),
    Field("company_name", (fields.text(255),)),
    Field("tax_number", (fields.text(64),)),
    Field("description", (fields.text(255),)),
    Field("metadata", (fields.mapping,)),
    Field("address", (fields.mapping,)),
    Field("billing", (fields.mapping,)),
    Field("shipping", (fields.mapping,)),
)
_EMAIL = (fields.email, fields.text(240))
_NEW = Form(Field("email", _EMAIL, rules.required_without("phone")), *_FIELDS)
_CHANGES = Form(Field("email", _EMAIL), *_FIELDS)


class Customers:
    """The handlers of customers."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def list(self, request: Request, caller: Caller) -> Reply:
        """GET /customers."""
        page = asked_page(request)
        search = asked_text(request, "search", "query")
        created = asked_days(request)
        found = await list_payers(self._gateway, caller.application, search, page, created)
        items = [self._render(caller, payer) for payer in found.items]
        keys = ("items", "data", "customers")
        return listing("Customers retrieved", items, page, found.total, keys)

    async def create(self, request: Request, caller: Caller) -> Reply:
        """POST /customers."""
        body = _body(request)
        values = _NEW.check(body)
        core = {name: fields.as_text(values[name]) for name in _CORE}
        details = json.dumps(_kept(values, {}))
        payer = await make_payer(self._gateway, caller.application, core, details)
        customer = self._render(caller, payer)
        return answer(201, "Customer created successfully", customer=customer)

    async def show(self, request: Request, caller: Caller) -> Reply:
        """GET /customers/{id}."""
        payer = await read_payer(self._gateway, caller.application, _asked_id(request))
        return answer(200, "Customer retrieved", customer=self._render(caller, payer))

    async def update(self, request: Request, caller: Caller) -> Reply:
        """POST, PUT and PATCH /customers/{id}: absent fields stay, ``metadata`` is replaced."""
        payer = await read_payer(self._gateway, caller.application, _asked_id(request))
        body = _body(request)
        if not body.keys() & {*_CORE, *_KEPT}:
            raise ValidationFailed({"name": ["At least one field is required."]})
        values = _CHANGES.check(body)
        core: dict[str, Any] = {
            name: fields.as_text(values[name]) for name in _CORE if name in body
        }
        if not (core.get("email", payer.email) or core.get("phone", payer.phone)):
            raise ValidationFailed(
                {"email": [say("The {} field is required when phone is not present.", "email")]}
            )
        sent = {name: values[name] for name in _KEPT if name in body}
        details = json.dumps(_kept(sent, as_object(payer.details)))
        if as_object(details) != as_object(payer.details):
            core["details"] = details
        changed = await change_payer(
            self._gateway, caller.application, payer.id, events.CUSTOMER_UPDATED, **core
        )
        customer = self._render(caller, changed)
        return answer(202, "Customer updated successfully", customer=customer)

    async def delete(self, request: Request, caller: Caller) -> Reply:
        """DELETE /customers/{id}: off every list; what they paid stays."""
        now = self._gateway.clock.now()
        await change_payer(
            self._gateway,
            caller.application,
            _asked_id(request),
            events.CUSTOMER_DELETED,
            deleted_at=now,
        )
        return answer(202, "Customer deleted successfully", customer=[])

    async def block(self, request: Request, caller: Caller) -> Reply:
        """POST, PUT and PATCH /customers/{id}/block: they cannot pay any more."""
        return await self._set_blocked(request, caller, events.CUSTOMER_BLOCKED, blocked=True)

    async def unblock(self, request: Request, caller: Caller) -> Reply:
        """POST, PUT and PATCH /customers/{id}/unblock."""
        return await self._set_blocked(request, caller, events.CUSTOMER_UNBLOCKED, blocked=False)

    async def _set_blocked(
        self, request: Request, caller: Caller, event: str, *, blocked: bool
    ) -> Reply:
        payer = await change_payer(
            self._gateway, caller.application, _asked_id(request), event, blocked=blocked
        )
        word = "blocked" if blocked else "unblocked"
        customer = self._render(caller, payer)
        return answer(202, f"Customer {word} successfully", customer=customer)

    async def methods(self, request: Request, caller: Caller) -> Reply:
        """GET /customers/{id}/payment_methods: the wallets they have paid by."""
        application, payer_id = caller.application, _asked_id(request)
        payer = await read_payer(self._gateway, application, payer_id)
        used = await payer_methods(self._gateway, application, payer_id)
        items = [render_method(application.environment, payer, method) for method in used]
        page = Page(1, max(len(items), 1))
        keys = ("items", "data", "payment_methods")
        return listing("Payment methods retrieved", items, page, len(items), keys)

    async def payments(self, request: Request, caller: Caller) -> Reply:
        """GET /customers/{id}/payments."""
        page, payer_id = asked_page(request), _asked_id(request)
        await read_payer(self._gateway, caller.application, payer_id)
        filters = PaymentFilters(customer_id=payer_id)
        found = await list_payments(self._gateway, caller, filters, page)
        items = [render_payment(view.payment) for view in found.items]
        keys = ("payments", "items", "data")
        return listing("Customer payments retrieved", items, page, found.total, keys)

    def _render(self, caller: Caller, payer: Payer) -> dict[str, Any]:
        return render_customer(caller.application.environment, payer)


def _body(request: Request) -> dict[str, Any]:
    body = read_fields(request)
    if "meta" in body and "metadata" not in body:
        body["metadata"] = body["meta"]
    return body


def _asked_id(request: Request) -> UUID:
    key = request.parameters["id"]
    payer_id = read_id("customer", key)
    if payer_id is None:
        raise NotFound("customer", key)
    return payer_id


def _kept(sent: Values, before: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept after ``sent``: what it names replaces what was, and is gone if empty."""
    after = dict(before)
    for name in _KEPT:
        if name not in sent:
            continue
        after.pop(name, None)
        if sent[name]:
            after[name] = _without_gaps(fields.numbers_made(sent[name]))
    return after


def _without_gaps(value: Any) -> Any:
    """An address shows the keys alone that were set (contract 9)."""
    if isinstance(value, dict):
        return {name: inner for name, inner in value.items() if inner is not None}
    return value
