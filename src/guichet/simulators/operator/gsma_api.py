"""GSMA's Mobile Money API 1.2: merchant payments, disbursements, reversals, accounts.

Each operator that speaks it has an address of its own.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import uuid4

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from guichet.simulators.common.faults import Fault, Faults, faulty
from guichet.simulators.common.wire import Refusal as PlainRefusal
from guichet.simulators.common.wire import decode, encode, timestamp

from .book import Book
from .callbacks import hosts_of
from .gsma_wire import (
    Order,
    Refusal,
    account_number_of,
    correlation_id_of,
    date,
    error_json,
    order_of,
    state_json,
    transaction_json,
)
from .operators import OPERATORS, Operator
from .records import Kind, Request
from .scenarios import Scenario

GSMA_OPERATIONS = (
    "gsma_merchantpay",
    "gsma_disbursement",
    "gsma_transaction",
    "gsma_reversal",
    "gsma_state",
    "gsma_response",
    "gsma_account_status",
    "gsma_account_name",
    "gsma_balance",
    "gsma_heartbeat",
)

_KINDS: dict[str, Kind] = {"merchantpay": "collect", "disbursement": "disburse"}


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON answer, and what is to become of it on its way."""

    status: int
    body: dict[str, Any]
    fault: Fault | None = None


Handler = Callable[[Operator, HttpRequest, bytes], Answer]


class GsmaApi:
    """The operations of the API over one book; all paths begin with ``/gsma/{operator}``."""

    def __init__(
        self, book: Book, faults: Faults, client: tuple[str, str], api_key: str, merchant: str
    ) -> None:
        self._book = book
        self._faults = faults
        credentials = base64.b64encode(":".join(client).encode())
        self._authorization = b"Basic " + credentials
        self._api_key = api_key
        self._merchant = merchant

    def routes(self) -> list[Route]:
        def route(method: str, path: str, name: str, handler: Handler) -> Route:
            address = f"/gsma/{{operator}}{path}"
            return Route(address, self._endpoint(name, handler), methods=[method])

        routes = [
            route("POST", f"/transactions/type/{name}", f"gsma_{name}", self._take(kind))
            for name, kind in _KINDS.items()
        ]
        for account in ("/accounts/{identifierType}/{identifier}", "/accounts/{accountId}"):
            status = f"{account}/status"
            routes += [
                route("GET", status, "gsma_account_status", self._account_status),
                route("GET", f"{account}/accountname", "gsma_account_name", self._account_name),
            ]
        return [
            *routes,
            route("GET", "/transactions/{reference}", "gsma_transaction", self._transaction),
            route("POST", "/transactions/{reference}/reversals", "gsma_reversal", self._reverse),
            route("GET", "/requeststates/{id}", "gsma_state", self._state),
            route("GET", "/responses/{key}", "gsma_response", self._response),
            route("GET", "/accounts/balance", "gsma_balance", self._balance),
            route("GET", "/heartbeat", "gsma_heartbeat", self._heartbeat),
        ]

    def _endpoint(
        self, name: str, handler: Handler
    ) -> Callable[[HttpRequest], Awaitable[Response]]:
        def handle(request: HttpRequest, body: bytes) -> tuple[Response, Fault | None]:
            try:
                operator = self._operator(request)
                if name != "gsma_heartbeat" and self._book.is_closed(operator):
                    raise Refusal("serviceUnavailable", "genericError", "Maintenance")
                answer = handler(operator, request, body)
            except PlainRefusal as refusal:
                return self.refused(refusal), None
            return self._reply(answer), answer.fault

        answer = faulty(name, self._faults, handle, self._fail)

        async def endpoint(request: HttpRequest) -> Response:
            self._book.calls[name] += 1
            return await answer(request)

        return endpoint

    def _operator(self, request: HttpRequest) -> Operator:
        given = request.headers.get("authorization", "").encode()
        key = request.headers.get("x-api-key", "")
        if not secrets.compare_digest(given, self._authorization) or key != self._api_key:
            raise Refusal("authorisation", "clientAuthorisationError", "The client is not known")
        operator = OPERATORS.get(request.path_params["operator"])
        if operator is None or operator.api != "gsma":
            raise Refusal("identification", "identifierError", "There is no such operator")
        return operator

    # Orders -------------------------------------------------------------------------------------

    def _take(self, kind: Kind) -> Handler:
        def handler(operator: Operator, request: HttpRequest, body: bytes) -> Answer:
            asked = decode(body)
            order = order_of(asked, operator, whole=True)
            number, name = order.debit, "debitParty"
            if kind == "disburse":
                number, name = order.credit, "creditParty"
            if number is None:
                message = f"{name} must name an msisdn"
                raise Refusal("validation", "mandatoryValueNotSupplied", message)
            scenario = self._book.scenario(operator, kind, number)
            self._must_have_wallet(scenario)
            new = self._request(operator, request.headers, kind, number, scenario, order, asked)
            return self._open(new)

        return handler

    def _reverse(self, operator: Operator, request: HttpRequest, body: bytes) -> Answer:
        original = self._book.by_reference(operator.space, request.path_params["reference"])
        if original is None or original.kind != "collect":
            raise Refusal("identification", "identifierError", "There is no such transaction")
        asked = decode(body)
        if asked.get("type") not in {"reversal", "adjustment"}:
            raise Refusal("validation", "formatError", "type must be reversal or adjustment")
        order = order_of(asked, operator, whole=False)
        if original.status != "completed":
            raise Refusal("businessRule", "incorrectState", "The transaction is not completed")
        new = self._request(
            operator, request.headers, "refund", original.number, original.scenario, order, asked
        )
        new.original = original
        left = self._book.refundable(original)
        if order.amount is None:
            new.amount = left
        if new.amount > left or left == 0:
            raise Refusal("businessRule", "overPaymentNotAllowed", "More than is left to give back")
        return self._open(new)

    def _request(
        self,
        operator: Operator,
        headers: Mapping[str, str],
        kind: Kind,
        number: str,
        scenario: Scenario,
        order: Order,
        asked: dict[str, Any],
    ) -> Request:
        key = headers.get("x-correlationid")
        if key is not None and self._book.by_key(operator.space, correlation_id_of(key)):
            raise Refusal("businessRule", "duplicateRequest", "The request was seen before")
        callback_url = headers.get("x-callback-url")
        if callback_url is not None and not hosts_of(callback_url):
            raise Refusal("validation", "formatError", "X-Callback-URL must be an address")
        return Request(
            operator=operator,
            kind=kind,
            key=str(uuid4()) if key is None else key.lower(),
            amount=order.amount or Decimal(0),
            number=number,
            scenario=scenario,
            body=asked,
            created_at=self._book.now(),
            expires_at=self._book.expires_at(),
            payee=self._merchant,
            text=order.text or order.reference,
            callback_url=callback_url,
            name=order.reference,
        )

    def _open(self, new: Request) -> Answer:
        fault = None
        if new.kind != "refund":
            fault = self._book.fault_of(new.operator.space, new.key, new.scenario)
        told = state_json(new, self._book.poll_limit)
        if fault is None or fault.when == "after":
            self._book.open(new)
        return Answer(202, told, fault)

    def _must_have_wallet(self, scenario: Scenario) -> None:
        if scenario.wallet == "none":
            raise Refusal("identification", "identifierError", "There is no such account")

    # Looks --------------------------------------------------------------------------------------

    def _state(self, operator: Operator, request: HttpRequest, _body: bytes) -> Answer:
        found = self._book.requests.get(correlation_id_of(request.path_params["id"]))
        if found is None or found.operator is not operator or not self._book.look(found):
            raise Refusal("identification", "identifierError", "There is no such request")
        if found.looks > self._book.poll_limit:
            raise Refusal("businessRule", "rateLimitError", "The poll limit is reached")
        return Answer(200, state_json(found, self._book.poll_limit))

    def _response(self, operator: Operator, request: HttpRequest, _body: bytes) -> Answer:
        key = correlation_id_of(request.path_params["key"])
        found = self._book.by_key(operator.space, key)
        if found is None or not self._book.look(found):
            raise Refusal("identification", "identifierError", "There is no such response")
        if found.status == "completed":
            return Answer(200, {"link": f"/transactions/{found.reference}"})
        return Answer(200, {"link": f"/requeststates/{found.id}"})

    def _transaction(self, operator: Operator, request: HttpRequest, _body: bytes) -> Answer:
        found = self._book.by_reference(operator.space, request.path_params["reference"])
        if found is None or not self._book.look(found):
            raise Refusal("identification", "identifierError", "There is no such transaction")
        return Answer(200, transaction_json(found))

    # Accounts -----------------------------------------------------------------------------------

    def _account_status(self, operator: Operator, request: HttpRequest, _body: bytes) -> Answer:
        number = account_number_of(request.path_params)
        scenario = self._book.scenario(operator, "disburse", number)
        self._must_have_wallet(scenario)
        blocked = self._book.wallet(operator, number).blocked
        return Answer(200, {"accountStatus": "unavailable" if blocked else "available"})

    def _account_name(self, operator: Operator, request: HttpRequest, _body: bytes) -> Answer:
        number = account_number_of(request.path_params)
        self._must_have_wallet(self._book.scenario(operator, "disburse", number))
        first, last = self._book.wallet(operator, number).holder
        name = {"firstName": first, "lastName": last, "fullName": f"{first} {last}"}
        return Answer(200, {"name": name})

    def _balance(self, operator: Operator, _request: HttpRequest, _body: bytes) -> Answer:
        balance = f"{self._book.floats[operator.id]:f}"
        told = {"availableBalance": balance, "currentBalance": balance}
        return Answer(200, told | {"currency": operator.currency, "accountStatus": "available"})

    def _heartbeat(self, operator: Operator, _request: HttpRequest, _body: bytes) -> Answer:
        if not self._book.is_closed(operator):
            return Answer(200, {"serviceStatus": "available"})
        _, opens_at = self._book.closed[operator.id]
        told = {"serviceStatus": "unavailable", "plannedRestorationTime": timestamp(opens_at)}
        return Answer(200, told)

    # Answers ------------------------------------------------------------------------------------

    def refused(self, refusal: PlainRefusal) -> Response:
        """An error as the API answers it."""
        return self._reply(Answer(refusal.status, error_json(refusal, self._book.now())))

    def _fail(self, status: int, message: str) -> Response:
        return self.refused(PlainRefusal(status, message))

    def _reply(self, answer: Answer) -> Response:
        headers = {"X-Date": date(self._book.now())}
        return Response(encode(answer.body), answer.status, headers, "application/json")
