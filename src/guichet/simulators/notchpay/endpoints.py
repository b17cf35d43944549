"""Webhook endpoints: made, listed, changed, removed (contract, 10)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from .desk import Desk
from .fields import Fields
from .records import Endpoint, new_reference
from .wire import Refusal, answer, endpoint_json, listing

EVENTS = frozenset(
    {
        *(
            f"payment.{word}"
            for word in ("created", "processing", "complete", "failed", "canceled", "expired")
        ),
        *(f"transfer.{word}" for word in ("created", "processing", "complete", "failed")),
        *(f"refund.{word}" for word in ("created", "complete", "failed")),
        *(f"customer.{word}" for word in ("created", "updated")),
        *(f"beneficiary.{word}" for word in ("created", "updated", "deleted")),
        "*",
    }
)

Handler = Callable[[HttpRequest, dict[str, Any]], Response]


class Endpoints:
    """The five operations."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def operations(self) -> list[tuple[str, str, str, Handler]]:
        """Method, path, name for faults, and handler of each."""
        one = "/webhooks/{name}"
        return [
            ("GET", "/webhooks", "list_webhooks", self._list),
            ("POST", "/webhooks", "create_webhook", self._create),
            ("GET", one, "get_webhook", self._show),
            ("PUT", one, "update_webhook", self._update),
            ("DELETE", one, "delete_webhook", self._delete),
        ]

    def _list(self, _request: HttpRequest, _body: dict[str, Any]) -> Response:
        rows = [endpoint_json(each) for each in self._desk.endpoints.values()]
        names = ("endpoints", "items", "data")
        return listing("Webhook endpoints retrieved", rows, 1, max(1, len(rows)), names)

    def _create(self, _request: HttpRequest, body: dict[str, Any]) -> Response:
        url, events = _checked(body, required=True)
        now = self._desk.book.now()
        endpoint = Endpoint(
            id=new_reference("ep", 17),
            url=url or "",
            events=events or [],
            description=body.get("description"),
            active=body.get("active", True) is not False,
            created_at=now,
            updated_at=now,
        )
        self._desk.endpoints[endpoint.id] = endpoint
        return _told(201, "created", endpoint)

    def _show(self, request: HttpRequest, _body: dict[str, Any]) -> Response:
        shown = endpoint_json(self._find(request))
        return answer(200, "Webhook endpoint retrieved", endpoint=shown, webhook=shown)

    def _update(self, request: HttpRequest, body: dict[str, Any]) -> Response:
        endpoint = self._find(request)
        url, events = _checked(body, required=False)
        endpoint.url = url or endpoint.url
        endpoint.events = events or endpoint.events
        endpoint.description = body.get("description", endpoint.description)
        endpoint.active = body.get("active", endpoint.active) is not False
        endpoint.updated_at = self._desk.book.now()
        return _told(202, "updated", endpoint)

    def _delete(self, request: HttpRequest, _body: dict[str, Any]) -> Response:
        del self._desk.endpoints[self._find(request).id]
        return answer(202, "Webhook endpoint deleted successfully", endpoint=[])

    def _find(self, request: HttpRequest) -> Endpoint:
        found = self._desk.endpoints.get(request.path_params["name"])
        if found is None:
            raise Refusal(404, "Webhook endpoint not found")
        return found


def _told(status: int, done: str, endpoint: Endpoint) -> Response:
    shown = endpoint_json(endpoint)
    message = f"Webhook endpoint {done} successfully"
    return answer(status, message, endpoint=shown, webhook=shown)


def _checked(body: dict[str, Any], *, required: bool) -> tuple[str | None, list[str] | None]:
    fields = Fields(body)
    url = fields.address("url", required=required)
    events = body.get("events")
    if events is None and required:
        fields.wrong("events", "The {} field is required.")
    elif events is not None and (not isinstance(events, list) or not events):
        fields.wrong("events", "The {} field must be an array.")
    elif events is not None and not all(
        isinstance(each, str) and each in EVENTS for each in events
    ):
        fields.wrong("events", "The selected {} is invalid.")
    fields.raise_if_wrong()
    return url, events
