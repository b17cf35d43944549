"""``/api/links``: payment links, made, changed, published, closed, listed (contract section 7)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from msgspec import json

from guichet.dialects import validation as rules
from guichet.dialects.neopay.bodies import read_fields
from guichet.dialects.neopay.envelope import asked_page, links_and_meta
from guichet.dialects.neopay.link_fields import LinkFields
from guichet.dialects.neopay.resources import number, timestamp
from guichet.dialects.neopay.statuses import SERVICE_OF_RAIL
from guichet.dialects.validation import Field, Form, parse_uuid
from guichet.domain.access import Caller
from guichet.domain.errors import NotFound
from guichet.domain.links import Link, NewLink, is_slug
from guichet.domain.money import exponent
from guichet.domain.paging import Page
from guichet.gateway import Gateway
from guichet.services.links import (
    LinkFilters,
    close_link,
    create_link,
    delete_link,
    link_url,
    list_links,
    publish_link,
    read_link,
    unpublish_link,
    update_link,
)
from guichet.settings import LinksIndexShape
from guichet.web.asgi import Reply, Request

_Change = Callable[[Gateway, Caller, UUID | str], Awaitable[Link]]

_FILTERS = Form(Field("status", (rules.storable_text,)), Field("reference", (rules.storable_text,)))


class Links:
    """The handlers of payment links."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def list(self, request: Request, caller: Caller) -> Reply:
        """GET /api/links; filters ``status`` and ``reference`` are ours."""
        if self._gateway.settings.links_index_shape is LinksIndexShape.DOCUMENTED:
            newest = await list_links(self._gateway, caller, LinkFilters(), Page(1, 1))
            return Reply(200, json.encode({"data": next(map(self._resource, newest.items), None)}))
        values, page = _FILTERS.check(dict(request.query)), asked_page(request)
        status = values["status"].lower() if values["status"] else None
        filters = LinkFilters(status, values["reference"])
        listing = await list_links(self._gateway, caller, filters, page)
        base_url = self._gateway.settings.base_url
        tail = links_and_meta(base_url, request, page, len(listing.items), listing.total)
        return Reply(200, json.encode({"data": [*map(self._resource, listing.items)], **tail}))

    async def show(self, request: Request, caller: Caller) -> Reply:
        """GET /api/links/{id}."""
        return self._reply(await read_link(self._gateway, caller, _path_key(request)))

    async def create(self, request: Request, caller: Caller) -> Reply:
        """POST /api/links."""
        fields = self._fields(request, caller, None)
        return self._reply(await create_link(self._gateway, caller, NewLink(**fields)))

    async def update(self, request: Request, caller: Caller) -> Reply:
        """PATCH and PUT /api/links/{id} (ours): the fields sent, read as for a new link."""

        def change(link: Link) -> Link:
            return link._replace(**self._fields(request, caller, link))

        return self._reply(await update_link(self._gateway, caller, _path_key(request), change))

    async def delete(self, request: Request, caller: Caller) -> Reply:
        """DELETE /api/links/{id} (ours)."""
        return await self._changed(delete_link, request, caller)

    async def publish(self, request: Request, caller: Caller) -> Reply:
        """PATCH /api/links/{id}/publish."""
        return await self._changed(publish_link, request, caller)

    async def unpublish(self, request: Request, caller: Caller) -> Reply:
        """PATCH /api/links/{id}/unpublish."""
        return await self._changed(unpublish_link, request, caller)

    async def close(self, request: Request, caller: Caller) -> Reply:
        """PATCH /api/links/{id}/close."""
        return await self._changed(close_link, request, caller)

    async def _changed(self, change: _Change, request: Request, caller: Caller) -> Reply:
        return self._reply(await change(self._gateway, caller, _path_key(request)))

    def _fields(self, request: Request, caller: Caller, link: Link | None) -> dict[str, Any]:
        body, now = read_fields(request), self._gateway.clock.now()
        return LinkFields(self._gateway, caller.application, body, link, now).check()

    def _reply(self, link: Link) -> Reply:
        return Reply(200, json.encode({"data": self._resource(link)}))

    def _resource(self, link: Link) -> dict[str, Any]:
        """The documented keys in their order, then ours."""
        amount = None
        if link.amount_minor is not None:
            amount = number(link.amount_minor, exponent(link.currency))
        return {
            "id": link.id,
            "application_id": link.application_id,
            "status": link.status,
            "slug": link.slug,
            "product": link.product,
            "amount": amount,
            "description": link.description,
            "communication": link.reference,
            "expired_at": timestamp(link.expires_at) if link.expires_at else None,
            "request_customer_data": link.customer_data or False,
            "show_payee_data": link.shows_payee,
            "enabled": link.enabled,
            "settings": link.settings,
            "created_at": timestamp(link.created_at),
            "updated_at": timestamp(link.updated_at),
            "deleted_at": timestamp(link.deleted_at) if link.deleted_at else None,
            "reference": link.reference,
            "url": link_url(self._gateway, link),
            "currency": link.currency,
            "amount_type": "flexible" if link.amount_minor is None else "fixed",
            "services": [SERVICE_OF_RAIL[rail] for rail in link.rails if rail in SERVICE_OF_RAIL],
            "payments_limit": link.payments_limit,
            "redirection_type": "default" if link.success_url is None else "custom",
            "success_url": link.success_url,
            "error_url": link.error_url,
            "callback_url": link.notify_url,
        }


def _path_key(request: Request) -> UUID | str:
    key = request.parameters["id"]
    link_id = parse_uuid(key)
    if link_id is not None:
        return link_id
    if not is_slug(key):
        raise NotFound("link", key)
    return key
