"""MTN's API: provisioning, tokens, collection, disbursement with refunds, account holders.

One address serves all countries; ``X-Target-Environment`` names the one that is meant.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from guichet.simulators.common.faults import Fault, Faults, faulty
from guichet.simulators.common.wire import Refusal as PlainRefusal
from guichet.simulators.common.wire import decode, encode

from .book import Book
from .callbacks import Callbacks, hosts_of
from .mtn_users import TOKEN_SECONDS, ApiUser, Product, Users
from .mtn_wire import (
    Refusal,
    Unauthorised,
    amount_of,
    check_names,
    check_texts,
    error_json,
    party_of,
    reference_of,
    result_json,
)
from .operators import BY_ENVIRONMENT, Operator
from .records import Kind, Request
from .scenarios import MTN_HOLDERS, MTN_REFUNDS, Scenario

MTN_OPERATIONS = (
    "mtn_create_user",
    "mtn_get_user",
    "mtn_create_key",
    "mtn_token",
    "mtn_request_to_pay",
    "mtn_request_to_pay_status",
    "mtn_transfer",
    "mtn_transfer_status",
    "mtn_refund",
    "mtn_refund_status",
    "mtn_holder_active",
    "mtn_holder_name",
    "mtn_balance",
)

_ORDER = {"amount", "currency", "externalId", "payerMessage", "payeeNote"}
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?")
_KINDS: dict[str, Kind] = {
    "requesttopay": "collect",
    "transfer": "disburse",
    "refund": "refund",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer and what is to become of it on its way; ``body`` None is no body at all."""

    status: int
    body: dict[str, Any] | None = None
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and where the order goes."""

    user: ApiUser
    operator: Operator


Handler = Callable[[HttpRequest, bytes], Answer]


class MtnApi:
    """The operations of the API over one book; all paths begin with ``/mtn``."""

    def __init__(
        self,
        book: Book,
        faults: Faults,
        callbacks: Callbacks,
        users: Users,
        subscription_key: str,
        merchant: str,
    ) -> None:
        self._book = book
        self._faults = faults
        self._callbacks = callbacks
        self._users = users
        self._subscription_key = subscription_key
        self._merchant = merchant

    def routes(self) -> list[Route]:
        def route(method: str, path: str, name: str, handler: Handler) -> Route:
            return Route(f"/mtn{path}", self._endpoint(name, handler), methods=[method])

        own = [
            route("POST", "/v1_0/apiuser", "mtn_create_user", self._create_user),
            route("GET", "/v1_0/apiuser/{id}", "mtn_get_user", self._get_user),
            route("POST", "/v1_0/apiuser/{id}/apikey", "mtn_create_key", self._create_key),
            self._order("collection/v1_0", "requesttopay", "mtn_request_to_pay"),
            self._status("collection/v1_0", "requesttopay", "mtn_request_to_pay_status"),
            self._order("disbursement/v1_0", "transfer", "mtn_transfer"),
            self._status("disbursement/v1_0", "transfer", "mtn_transfer_status"),
            self._order("disbursement/v1_0", "refund", "mtn_refund"),
            self._order("disbursement/v2_0", "refund", "mtn_refund"),
            self._status("disbursement/v1_0", "refund", "mtn_refund_status"),
        ]
        for product in ("collection", "disbursement"):
            holder = f"/{product}/v1_0/accountholder/{{kind}}/{{holder}}"
            balance = f"/{product}/v1_0/account/balance"
            own += [
                route("POST", f"/{product}/token/", "mtn_token", self._token),
                route("GET", f"{holder}/active", "mtn_holder_active", self._active),
                route("GET", f"{holder}/basicuserinfo", "mtn_holder_name", self._name),
                route("GET", balance, "mtn_balance", self._balance),
                route("GET", f"{balance}/{{currency}}", "mtn_balance", self._balance),
            ]
        return own

    def _order(self, product: str, resource: str, name: str) -> Route:
        def handler(request: HttpRequest, body: bytes) -> Answer:
            return self._take_order(request, body, _KINDS[resource])

        return Route(f"/mtn/{product}/{resource}", self._endpoint(name, handler), methods=["POST"])

    def _status(self, product: str, resource: str, name: str) -> Route:
        def handler(request: HttpRequest, _body: bytes) -> Answer:
            return self._look(request, _KINDS[resource])

        path = f"/mtn/{product}/{resource}/{{id}}"
        return Route(path, self._endpoint(name, handler), methods=["GET"])

    def _endpoint(
        self, name: str, handler: Handler
    ) -> Callable[[HttpRequest], Awaitable[Response]]:
        def handle(request: HttpRequest, body: bytes) -> tuple[Response, Fault | None]:
            try:
                self._check_subscription(request.headers)
                answer = handler(request, body)
            except PlainRefusal as refusal:
                return refused(refusal), None
            return _reply(answer), answer.fault

        answer = faulty(name, self._faults, handle, _fail)

        async def endpoint(request: HttpRequest) -> Response:
            self._book.calls[name] += 1
            return await answer(request)

        return endpoint

    # Who calls ----------------------------------------------------------------------------------

    def _check_subscription(self, headers: Mapping[str, str]) -> None:
        if headers.get("ocp-apim-subscription-key") != self._subscription_key:
            raise Unauthorised("Access denied due to invalid subscription key")

    def _caller(self, request: HttpRequest) -> Caller:
        authorization = request.headers.get("authorization", "")
        user = self._users.user(authorization, _product(request), self._book.now())
        environment = request.headers.get("x-target-environment", "")
        operator = BY_ENVIRONMENT.get(environment)
        if operator is None or not (user.everywhere or environment == "sandbox"):
            raise Refusal("NOT_ALLOWED_TARGET_ENVIRONMENT")
        if self._book.is_closed(operator):
            raise Refusal("SERVICE_UNAVAILABLE")
        return Caller(user, operator)

    def _create_user(self, request: HttpRequest, body: bytes) -> Answer:
        reference = reference_of(request.headers.get("x-reference-id"))
        asked = decode(body)
        check_names(asked, {"providerCallbackHost"})
        host = asked.get("providerCallbackHost")
        if not isinstance(host, str) or not _HOST.fullmatch(host):
            raise Refusal("BAD_REQUEST", "providerCallbackHost must be the name of a host")
        self._users.create(reference, host)
        return Answer(201)

    def _get_user(self, request: HttpRequest, _body: bytes) -> Answer:
        user = self._users.get(request.path_params["id"])
        host = user.callback_host or ""
        return Answer(200, {"providerCallbackHost": host, "targetEnvironment": "sandbox"})

    def _create_key(self, request: HttpRequest, _body: bytes) -> Answer:
        return Answer(
            201, {"apiKey": self._users.new_key(self._users.get(request.path_params["id"]))}
        )

    def _token(self, request: HttpRequest, body: bytes) -> Answer:
        if body:
            raise Refusal("BAD_REQUEST", "This request takes no body")
        authorization = request.headers.get("authorization", "")
        token = self._users.token(authorization, _product(request), self._book.now())
        if token is None:
            return Answer(401, {"error": "login_failed"})
        told = {"access_token": token, "token_type": "access_token", "expires_in": TOKEN_SECONDS}
        return Answer(200, told)

    # Orders -------------------------------------------------------------------------------------

    def _take_order(self, request: HttpRequest, body: bytes, kind: Kind) -> Answer:
        caller = self._caller(request)
        key = reference_of(request.headers.get("x-reference-id"))
        callback_url = _callback_of(request.headers, caller.user)
        if self._book.by_key("mtn", key) is not None:
            raise Refusal(
                "RESOURCE_ALREADY_EXIST", "Duplicated reference id. Creation of resource failed."
            )
        order = self._read_order(caller, decode(body), kind)
        order.key, order.callback_url = key, callback_url
        fault = self._book.fault_of("mtn", key, order.scenario) if kind != "refund" else None
        if fault is None or fault.when == "after":
            self._book.open(order)
        return Answer(202, None, fault)

    def _read_order(self, caller: Caller, asked: dict[str, Any], kind: Kind) -> Request:
        own = {"collect": "payer", "disburse": "payee", "refund": "referenceIdToRefund"}[kind]
        check_names(asked, _ORDER | {own})
        amount = amount_of(asked, caller.operator)
        check_texts(asked)
        original = None
        if kind == "refund":
            original, scenario = self._original(asked, caller.operator)
            number = "" if original is None else original.number
            if original is not None and amount > self._book.refundable(original):
                raise Refusal("NOT_ALLOWED", "More than was paid cannot be refunded")
        else:
            number = party_of(asked.get(own), own)
            scenario = self._book.scenario(caller.operator, kind, number)
        return Request(
            operator=caller.operator,
            kind=kind,
            key="",
            amount=amount,
            number=number or caller.operator.first,
            scenario=scenario,
            body=asked,
            created_at=self._book.now(),
            expires_at=self._book.expires_at(),
            payee=self._merchant,
            text=asked.get("payerMessage") or asked["externalId"],
            original=original,
            name=asked["externalId"],
        )

    def _original(
        self, asked: dict[str, Any], operator: Operator
    ) -> tuple[Request | None, Scenario]:
        name = asked.get("referenceIdToRefund")
        if name in MTN_REFUNDS and name != "1":
            scenario = MTN_REFUNDS[name]
            return None, replace(scenario, refunds=scenario.ends)
        original = self._book.by_key("mtn", reference_of(name)) if name != "1" else None
        if original is None or original.kind != "collect" or original.operator is not operator:
            raise Refusal("RESOURCE_NOT_FOUND", "The transaction to refund was not found.")
        return original, original.scenario

    def _look(self, request: HttpRequest, kind: Kind) -> Answer:
        self._caller(request)
        order = self._book.by_key("mtn", reference_of(request.path_params["id"]))
        if order is None or order.kind != kind or not self._book.look(order):
            raise Refusal("RESOURCE_NOT_FOUND", "Requested resource was not found.")
        return Answer(200, result_json(order, self._callbacks.reason_form))

    # Accounts -----------------------------------------------------------------------------------

    def _active(self, request: HttpRequest, _body: bytes) -> Answer:
        caller = self._caller(request)
        holder = self._holder(request)
        word = MTN_HOLDERS.get(holder)
        if word is not None and word != "INACTIVE":
            raise Refusal(word)
        scenario = self._book.scenario(caller.operator, "collect", holder)
        active = scenario.wallet == "open" and word is None
        if active:
            active = not self._book.wallet(caller.operator, holder).blocked
        return Answer(200, {"result": active})

    def _name(self, request: HttpRequest, _body: bytes) -> Answer:
        caller = self._caller(request)
        holder = self._holder(request)
        if self._book.scenario(caller.operator, "disburse", holder).wallet == "none":
            raise Refusal("RESOURCE_NOT_FOUND", "Requested resource was not found.")
        first, last = self._book.wallet(caller.operator, holder).holder
        return Answer(200, {"given_name": first, "family_name": last, "status": "ACTIVE"})

    def _holder(self, request: HttpRequest) -> str:
        kind, holder = request.path_params["kind"].upper(), request.path_params["holder"]
        return party_of({"partyIdType": kind, "partyId": holder}, "accountHolder")

    def _balance(self, request: HttpRequest, _body: bytes) -> Answer:
        operator = self._caller(request).operator
        currency = request.path_params.get("currency", operator.currency)
        if currency != operator.currency:
            raise Refusal("INVALID_CURRENCY")
        balance = f"{self._book.floats[operator.id]:f}"
        return Answer(200, {"availableBalance": balance, "currency": currency})


def _product(request: HttpRequest) -> Product:
    return "disbursement" if "/disbursement/" in request.url.path else "collection"


def _callback_of(headers: Mapping[str, str], user: ApiUser) -> str | None:
    url = headers.get("x-callback-url")
    if url is None:
        return None
    hosts = hosts_of(url)
    if not hosts:
        raise Refusal("BAD_REQUEST", "X-Callback-Url must be an http or https address")
    if user.callback_host is not None and user.callback_host not in hosts:
        raise Refusal("INVALID_CALLBACK_URL_HOST")
    return url


def refused(refusal: PlainRefusal) -> Response:
    """An error as MTN answers it."""
    return _reply(Answer(refusal.status, error_json(refusal)))


def _fail(status: int, message: str) -> Response:
    return refused(PlainRefusal(status, message))


def _reply(answer: Answer) -> Response:
    if answer.body is None:
        return Response(status_code=answer.status)
    return Response(encode(answer.body), answer.status, media_type="application/json")
