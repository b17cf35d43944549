"""Notch Pay's API over one desk: payments, transfers, refunds, endpoints, reference data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from guichet.simulators.common.faults import Faults, faulty
from guichet.simulators.common.wire import Refusal as Unreadable
from guichet.simulators.common.wire import decode, encode

from . import wire
from .access import Keys
from .desk import Conflict, Desk
from .endpoints import Endpoints
from .fields import Fields
from .money_out import MoneyOut, Told, must_be_new
from .people import People
from .records import Order, new_reference
from .wire import Refusal, answer, listing, order_json, refused

_LIMIT, _LIMIT_MAX = 30, 100
_LISTS = {
    "payment": ("Payments retrieved", ("items", "data", "transactions")),
    "transfer": ("Transfers retrieved", ("items", "data", "transfers")),
    "refund": ("Refunds retrieved", ("items", "data", "refunds")),
}
_RESOURCES = {"payment": "transaction", "transfer": "transfer", "refund": "refund"}

#: What an operation does with its request and the fields of its body.
Handler = Callable[[HttpRequest, dict[str, Any]], Response | Told]


class Api:
    """The operations; ``operations`` are their names for faults."""

    def __init__(self, desk: Desk, faults: Faults, keys: Keys, base_url: str) -> None:
        self._desk = desk
        self._faults = faults
        self._keys = keys
        self._base_url = base_url
        self._endpoints = Endpoints(desk)
        self.people = People(desk)
        self._money_out = MoneyOut(desk, self.people)
        self.operations: list[str] = []

    def routes(self) -> list[Route]:
        route = self._route
        payment, transfer, refund = "/payments/{name}", "/transfers/{name}", "/refunds/{name}"
        out = self._money_out
        routes = [
            route("GET", "/payments", "list_payments", self._list("payment")),
            route("POST", "/payments", "create_payment", self._create_payment),
            route("POST", "/payments/initialize", "create_payment", self._create_payment),
            route("GET", payment, "get_payment", self._show("payment")),
            route("PUT", payment, "process_payment", self._process),
            route("POST", payment, "process_payment", self._process),
            route("DELETE", payment, "cancel_payment", self._cancel("payment")),
            route("GET", "/transfers", "list_transfers", self._list("transfer"), grant=True),
            route("POST", "/transfers", "create_transfer", out.create_transfer, grant=True),
            route("GET", transfer, "get_transfer", self._show("transfer"), grant=True),
            route("DELETE", transfer, "cancel_transfer", self._cancel("transfer"), grant=True),
            route("GET", "/refunds", "list_refunds", self._list("refund"), grant=True),
            route("POST", "/refunds", "create_refund", out.create_refund, grant=True),
            route("GET", refund, "get_refund", self._show("refund"), grant=True),
            route("GET", "/balance", "balance", out.balance, grant=True),
            route("GET", "/channels", "channels", self._channels),
            route("GET", "/", "ping", self._ping),
        ]
        for method, path, name, handler in self._endpoints.operations():
            routes.append(route(method, path, name, handler))
        for method, path, name, handler, grant in self.people.operations():
            routes.append(route(method, path, name, handler, grant=grant))
        return routes

    def _route(
        self, method: str, path: str, name: str, handler: Handler, *, grant: bool = False
    ) -> Route:
        if name not in self.operations:
            self.operations.append(name)

        def handle(request: HttpRequest, body: bytes) -> Told:
            try:
                self._keys.identify(request, grant=grant)
                has_body = method in {"POST", "PUT"}
                told = handler(request, _fields(body) if has_body else {})
            except Refusal as refusal:
                return refused(refusal.status, refusal.message, refusal.errors), None
            return told if isinstance(told, tuple) else (told, None)

        told = faulty(name, self._faults, handle, refused)

        async def endpoint(request: HttpRequest) -> Response:
            self._desk.calls[name] += 1
            return await told(request)

        return Route(path, endpoint, methods=[method])

    # Payments -----------------------------------------------------------------------------------

    def _create_payment(self, _request: HttpRequest, body: dict[str, Any]) -> Response:
        fields = Fields(body)
        currency = fields.currency()
        amount = fields.amount(currency)
        locked_channel = fields.channel(currency, "locked_channel", required=False)
        if not any(body.get(name) for name in ("email", "phone", "customer")):
            fields.wrong("email", "The {} field is required when phone is not present.")
        reference = fields.text("reference")
        description = fields.text("description", 256)
        callback = fields.address("callback")
        fields.raise_if_wrong()
        assert amount is not None
        must_be_new(self._desk, "payment", reference)
        metadata = body.get("metadata")
        payment = Order(
            kind="payment",
            reference=new_reference("trx"),
            amount=amount,
            currency=currency,
            created_at=self._desk.book.now(),
            merchant_reference=reference,
            locked_channel=locked_channel,
            party=self._customer(body),
            description=description,
            callback=callback,
            metadata=metadata if isinstance(metadata, dict) else None,
        )
        self._desk.add(payment)
        return answer(
            201,
            "Payment initialized",
            "Accepted",
            transaction=order_json(payment),
            authorization_url=f"{self._base_url}/pay/{payment.token}",
        )

    def _customer(self, body: dict[str, Any]) -> str:
        """Who pays: a customer that is known, or a new one."""
        given = body.get("customer")
        if isinstance(given, str):
            return self.people.find("customer", given).id
        told = given if isinstance(given, dict) else body
        fields = {name: told[name] for name in ("name", "email", "phone") if told.get(name)}
        return self.people.add("customer", fields).id

    def _process(self, request: HttpRequest, body: dict[str, Any]) -> Told:
        payment = self._find("payment", request)
        fields = Fields(body)
        channel = fields.channel(payment.currency)
        number = fields.number(channel, body.get("data"))
        if payment.locked_channel not in {None, channel}:
            fields.wrong("channel", "The selected {} is invalid.")
        fields.raise_if_wrong()
        if payment.status != "pending":
            raise Refusal(422, "Payment cannot be processed")
        assert channel is not None
        fault = self._desk.fault_of(payment, channel, number, "collect")
        told = order_json(payment) | {"status": "processing", "channel": channel}
        if fault is None or fault.when == "after":
            try:
                self._desk.process(payment, channel, number)
            except Conflict as conflict:
                raise Refusal(422, str(conflict)) from conflict
            told["payment_method"] = order_json(payment)["payment_method"]
        message = "Payment processing initiated"
        return answer(202, message, transaction=told, action="confirm"), fault

    # All orders ---------------------------------------------------------------------------------

    def _show(self, kind: str) -> Handler:
        def handler(request: HttpRequest, _body: dict[str, Any]) -> Response:
            order = self._find(kind, request)
            if not self._desk.look(order):
                raise _missing(kind)
            shown = {_RESOURCES[kind]: order_json(order)}
            word = "Transaction" if kind == "payment" else kind.capitalize()
            return answer(200, f"{word} retrieved", None, **shown)

        return handler

    def _list(self, kind: str) -> Handler:
        def handler(request: HttpRequest, _body: dict[str, Any]) -> Response:
            page, limit, query = _page(request)
            search, status = query.get("search", "").strip(), query.get("status")
            rows = [
                order_json(order)
                for order in self._desk.of_kind(kind)
                if _matches(order, search)
                and status in {None, "", order.status}
                and not _is_hidden(order)
            ]
            message, names = _LISTS[kind]
            return listing(message, rows, page, limit, names)

        return handler

    def _cancel(self, kind: str) -> Handler:
        def handler(request: HttpRequest, _body: dict[str, Any]) -> Response:
            order = self._find(kind, request)
            try:
                self._desk.cancel(order)
            except Conflict as conflict:
                raise Refusal(422, str(conflict)) from conflict
            shown = {"transfer": order_json(order)} if kind == "transfer" else {}
            return answer(202, f"Your {kind} has been canceled", None, **shown)

        return handler

    def _find(self, kind: str, request: HttpRequest) -> Order:
        order = self._desk.find(kind, request.path_params["name"])
        if order is None:
            raise _missing(kind)
        return order

    # The rest -----------------------------------------------------------------------------------

    def _channels(self, request: HttpRequest, _body: dict[str, Any]) -> Response:
        query = request.query_params
        rows = [
            each
            for each in wire.channels_json()
            if query.get("country", "").upper() in {"", *each["countries"]}
            and query.get("currency", "").upper() in {"", each["currency"]}
        ]
        return listing("Channels retrieved", rows, 1, _LIMIT_MAX, ("items", "data", "channels"))

    def _ping(self, _request: HttpRequest, _body: dict[str, Any]) -> Response:
        told = {
            "env": "sandbox",
            "code": 200,
            "message": "Welcome",
            "merchant": "Guichet",
            "greeting": "Hello from Notch Pay",
        }
        return Response(encode(told), media_type="application/json")


def _missing(kind: str) -> Refusal:
    return Refusal(404, f"{kind.capitalize()} not found")


def _is_hidden(order: Order) -> bool:
    """Whether the order's number still pretends that there is nothing."""
    request = order.request
    return request is not None and 0 < request.scenario.hidden_looks >= request.looks


def _matches(order: Order, search: str) -> bool:
    texts = (order.reference, order.merchant_reference, order.description, order.why)
    return not search or any(search in text for text in texts if text)


def _page(request: HttpRequest) -> tuple[int, int, dict[str, str]]:
    query = dict(request.query_params)

    def number(name: str, default: int) -> int:
        text = query.get(name, "")
        return max(1, int(text)) if text.isascii() and text.isdigit() else default

    limit = min(number("limit", number("perpage", _LIMIT)), _LIMIT_MAX)
    return number("page", 1), limit, query


def _fields(body: bytes) -> dict[str, Any]:
    if body.strip() in {b"", b"[]"}:
        return {}
    try:
        return decode(body)
    except Unreadable as error:
        raise Refusal(400, "Invalid JSON payload") from error
