"""Webhook endpoints (contract section 10)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from guichet.dialects import validation as rules
from guichet.dialects.notchpay import fields
from guichet.dialects.notchpay.bodies import read_fields
from guichet.dialects.notchpay.envelope import answer, listing
from guichet.dialects.notchpay.event_names import NAMES, core_types, kept_names
from guichet.dialects.notchpay.fields import WEB_ADDRESSES
from guichet.dialects.notchpay.ids import read_id
from guichet.dialects.notchpay.options import WireOption, has_option
from guichet.dialects.notchpay.queries import asked_page
from guichet.dialects.notchpay.resources import render_endpoint
from guichet.dialects.validation import Field, Form, Rule, ValidationFailed, Values, say
from guichet.domain.access import Caller
from guichet.domain.endpoints import PROFILES, Endpoint
from guichet.domain.errors import NotFound
from guichet.gateway import Gateway
from guichet.services.endpoints import (
    NewEndpoint,
    change_endpoint,
    create_endpoint,
    delete_endpoint,
    list_endpoints,
    read_endpoint,
)
from guichet.web.asgi import Reply, Request


def _names(value: Any, _: Values) -> str | None:
    names = _listed(value)
    if names is None:
        return "The {} field must be an array."
    if not names:
        return "The {} field is required."
    if not all(isinstance(name, str) and name in NAMES for name in names):
        return "The selected {} is invalid."
    return None


def _form(address: Rule, *, whole: bool) -> Form:
    need = rules.required if whole else None
    return Form(
        Field("url", (address,), need),
        Field("events", (_names,), need),
        Field("description", (fields.text(255),)),
        Field("active", (fields.boolean,)),
        Field("status", (rules.one_of("active", "inactive"),)),
        Field("signature_profile", (rules.one_of(*PROFILES),)),
    )


_NEW = {kind: _form(rule, whole=True) for kind, rule in WEB_ADDRESSES.items()}
_CHANGES = {kind: _form(rule, whole=False) for kind, rule in WEB_ADDRESSES.items()}
_FIELDS = frozenset({"url", "events", "description", "active", "status", "signature_profile"})


class Endpoints:
    """The handlers of webhook endpoints; each answer has the names of all generations."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def list(self, request: Request, caller: Caller) -> Reply:
        """GET /webhooks."""
        page = asked_page(request)
        found = await list_endpoints(self._gateway, caller.application, page)
        items = [_render(caller, endpoint) for endpoint in found.items]
        keys = ("endpoints", "items", "data")
        return listing("Webhook endpoints retrieved", items, page, found.total, keys)

    async def create(self, request: Request, caller: Caller) -> Reply:
        """POST /webhooks; the answer alone shows the endpoint's secret."""
        body = read_fields(request)
        values = _NEW[caller.application.environment].check(body)
        new = NewEndpoint(url=str(values["url"]), **_changed(body, values))
        made = await create_endpoint(self._gateway, caller.application, new)
        shown = _render(caller, made.endpoint) | {"secret": made.secret}
        message = "Webhook endpoint created successfully"
        return answer(201, message, endpoint=shown, webhook=shown)

    async def show(self, request: Request, caller: Caller) -> Reply:
        """GET /webhooks/{id}."""
        endpoint = await read_endpoint(self._gateway, caller.application, _asked_id(request))
        shown = _render(caller, endpoint)
        return answer(200, "Webhook endpoint retrieved", endpoint=shown, webhook=shown)

    async def update(self, request: Request, caller: Caller) -> Reply:
        """PUT /webhooks/{id}: absent fields stay, ``events`` replaces the list."""
        endpoint_id = _asked_id(request)
        await read_endpoint(self._gateway, caller.application, endpoint_id)
        body = read_fields(request)
        if not body.keys() & _FIELDS:
            raise ValidationFailed({"url": ["At least one field is required."]})
        empty = [name for name in ("url", "events") if name in body and not body[name]]
        if empty:
            raise ValidationFailed(
                {name: [say("The {} field is required.", name)] for name in empty}
            )
        values = _CHANGES[caller.application.environment].check(body)
        changes = _changed(body, values)
        if "url" in body:
            changes["url"] = str(values["url"])
        changed = await change_endpoint(self._gateway, caller.application, endpoint_id, **changes)
        shown = _render(caller, changed)
        message = "Webhook endpoint updated successfully"
        return answer(_code(request), message, endpoint=shown, webhook=shown)

    async def delete(self, request: Request, caller: Caller) -> Reply:
        """DELETE /webhooks/{id}: nothing more is sent to it."""
        await delete_endpoint(self._gateway, caller.application, _asked_id(request))
        message = "Webhook endpoint deleted successfully"
        return answer(_code(request), message, endpoint=[], webhook=[])


def _code(request: Request) -> int:
    """What a changed or deleted endpoint is answered with (contract 18, row 5)."""
    return 200 if has_option(request, WireOption.WEBHOOKS_200) else 202


def _render(caller: Caller, endpoint: Endpoint) -> dict[str, Any]:
    return render_endpoint(caller.application.environment, endpoint)


def _changed(body: dict[str, Any], values: Values) -> dict[str, Any]:
    """What the body says of an endpoint, in the core's words, its address aside."""
    changes: dict[str, Any] = {}
    if values["events"]:
        names = kept_names(str(name) for name in _listed(values["events"]) or ())
        changes |= {"events": names, "event_types": core_types(names)}
    if "description" in body:
        changes["description"] = fields.as_text(values["description"])
    if values["active"] is not None:
        changes["active"] = fields.as_boolean(values["active"])
    elif values["status"] is not None:
        changes["active"] = values["status"] == "active"
    if values["signature_profile"] is not None:
        changes["profile"] = str(values["signature_profile"])
    return changes


def _listed(value: Any) -> list[Any] | None:
    """A list: of JSON, of a form (an object of indexes), or one text with commas."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return list(value.values())
    if type(value) is str:
        return [name.strip() for name in value.split(",") if name.strip()]
    return None


def _asked_id(request: Request) -> UUID:
    key = request.parameters["id"]
    endpoint_id = read_id("endpoint", key)
    if endpoint_id is None:
        raise NotFound("endpoint", key)
    return endpoint_id
