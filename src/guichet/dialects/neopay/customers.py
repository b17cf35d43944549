"""``/api/customers``: list, read, save, update (contract section 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from msgspec import json

from guichet.dialects import validation as rules
from guichet.dialects.neopay.bodies import read_fields
from guichet.dialects.neopay.envelope import asked_page, links_and_meta
from guichet.dialects.neopay.resources import render_customer
from guichet.dialects.validation import Field, Form, Values, parse_uuid
from guichet.domain.access import Caller
from guichet.domain.customers import CUSTOMER_FIELDS, Customer
from guichet.domain.errors import NotFound
from guichet.gateway import Gateway
from guichet.services.customers import (
    list_customers,
    read_customer,
    save_customer,
    update_customer,
)
from guichet.web.asgi import Reply, Request
from guichet.web.strict_json import storable

_TEXTS = tuple(Field(name, (rules.text,)) for name in CUSTOMER_FIELDS if name != "email")

#: A customer always has an e-mail: where one is sent, it must be one.
_WITH_EMAIL = Form(*_TEXTS[:1], Field("email", (rules.email,), rules.required), *_TEXTS[1:])
_WITHOUT_EMAIL = Form(*_TEXTS)
#: An update that names its customer in the body: by id, or by e-mail.
_NAMED = Form(
    Field("id", (rules.uuid,), rules.required_without("email")),
    Field("email", (rules.email,), rules.required_without("id")),
    *_TEXTS,
)
_FILTERS = Form(Field("email", (rules.storable_text,)), Field("name", (rules.storable_text,)))


class Customers:
    """The handlers of customers."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def list(self, request: Request, caller: Caller) -> Reply:
        """GET /api/customers: all of them, or pages when the query asks for one."""
        query = dict(request.query)
        values = _FILTERS.check(query)
        page = asked_page(request) if query.keys() & {"page", "per_page"} else None
        listing = await list_customers(self._gateway, caller, values["email"], values["name"], page)
        body = b'{"data":[%b]' % b",".join(map(render_customer, listing.items))
        if page is None:
            return Reply(200, b'{"customers":%b}}' % body)
        base_url = self._gateway.settings.base_url
        tail = links_and_meta(base_url, request, page, len(listing.items), listing.total)
        return Reply(200, b'{"customers":%b,%b}' % (body, json.encode(tail)[1:]))

    async def show(self, request: Request, caller: Caller) -> Reply:
        """GET /api/customers/{id}."""
        customer = await read_customer(self._gateway, caller, _path_key(request))
        return Reply(200, b'{"customer":%b}' % render_customer(customer))

    async def save(self, request: Request, caller: Caller) -> Reply:
        """POST /api/customers: make one, or change the one of this id or e-mail."""
        body = read_fields(request)
        fields = _sent(_WITH_EMAIL.check(body), body)
        customer = await save_customer(self._gateway, caller, parse_uuid(body.get("id")), fields)
        return _changed("Customer saved successfully!", customer)

    async def update(self, request: Request, caller: Caller) -> Reply:
        """PATCH and PUT /api/customers/{id}; null clears a field."""
        key = _path_key(request)
        return await self._update(caller, key, read_fields(request))

    async def update_named(self, request: Request, caller: Caller) -> Reply:
        """PATCH and PUT /api/customers: the body names the customer by id, else by e-mail."""
        body = read_fields(request)
        values = _NAMED.check(body)
        customer_id = parse_uuid(values["id"])
        if customer_id is not None:
            return await self._update(caller, customer_id, body)
        others = {name: value for name, value in body.items() if name != "email"}
        return await self._update(caller, values["email"], others)

    async def _update(self, caller: Caller, key: UUID | str, body: Mapping[str, Any]) -> Reply:
        form = _WITH_EMAIL if "email" in body else _WITHOUT_EMAIL
        fields = _sent(form.check(body), body)
        customer = await update_customer(self._gateway, caller, key, fields)
        return _changed("Customer updated successfully!", customer)


def _path_key(request: Request) -> UUID | str:
    key = request.parameters["id"]
    customer_id = parse_uuid(key)
    if customer_id is not None:
        return customer_id
    if "@" not in key or not storable(key):
        raise NotFound("customer", key)
    return key


def _sent(values: Values, body: Mapping[str, Any]) -> dict[str, str | None]:
    """The fields that the body names: an absent one stays as it is, a null one is cleared."""
    return {name: values[name] for name in CUSTOMER_FIELDS if name in body}


def _changed(message: str, customer: Customer) -> Reply:
    rendered = render_customer(customer)
    return Reply(200, b'{"message":%b,"customer":%b}' % (json.encode(message), rendered))
