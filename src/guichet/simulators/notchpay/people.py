"""Customers and beneficiaries: kept as they are told, found by their ids (contract, 8 and 9)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from guichet.simulators.operator.operators import OPERATORS

from .desk import Desk
from .fields import Fields
from .records import new_reference
from .wire import Refusal, answer, listing, moment, order_json

_CUSTOMER = ("name", "email", "phone", "company_name", "tax_number", "metadata", "address")
_BENEFICIARY = (
    "name", "email", "phone", "account_number", "bank_code", "country", "currency", "type",
    "channel", "metadata", "description", "reference",
)  # fmt: skip
_FIXED = frozenset({"channel", "country", "currency", "type"})

Handler = Callable[[HttpRequest, dict[str, Any]], Response]


@dataclass(slots=True)
class Person:
    """A customer or a beneficiary, with the fields that were told of them."""

    id: str
    kind: str
    fields: dict[str, Any]
    created_at: datetime
    updated_at: datetime

    @property
    def number(self) -> str:
        """Their wallet's or account's number as it was told."""
        return str(self.fields.get("account_number") or self.fields.get("phone") or "")

    def as_json(self) -> dict[str, Any]:
        names = _CUSTOMER if self.kind == "customer" else _BENEFICIARY
        shown = dict.fromkeys(names) | self.fields
        if self.kind == "customer":
            shown |= {"blocked": False, "billing": None}
        else:
            shown["payment_method"] = f"pm.{self.id[-16:]}"
        dates = {"created_at": moment(self.created_at), "updated_at": moment(self.updated_at)}
        return {"id": self.id, **shown, "sandbox": 1, **dates}


class People:
    """Everybody that the merchant told of."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._known: dict[str, Person] = {}

    def reset(self) -> None:
        self._known.clear()

    def find(self, kind: str, name: str) -> Person:
        """A customer or beneficiary by id; raises ``Refusal`` 404."""
        person = self._known.get(name)
        if person is None or person.kind != kind:
            raise Refusal(404, f"{kind.capitalize()} not found")
        return person

    def add(self, kind: str, fields: dict[str, Any]) -> Person:
        """Keep somebody new."""
        now = self._desk.book.now()
        prefix = "cus" if kind == "customer" else "ben"
        person = Person(new_reference(prefix, 16), kind, fields, now, now)
        self._known[person.id] = person
        return person

    def operations(self) -> list[tuple[str, str, str, Handler, bool]]:
        """Method, path, name for faults, handler, and whether the private key is wanted."""
        found: list[tuple[str, str, str, Handler, bool]] = [
            ("GET", "/customers/{name}/payments", "customer_payments", self._payments, False),
            ("GET", "/customers/{name}/payment_methods", "customer_methods", self._methods, False),
        ]
        for kind, path, grant in (
            ("customer", "/customers", False),
            ("beneficiary", "/beneficiaries", True),
            ("beneficiary", "/recipients", True),
        ):
            one = f"{path}/{{name}}"
            found += [
                ("GET", path, f"list_{kind}", self._list(kind), grant),
                ("POST", path, f"create_{kind}", self._create(kind), grant),
                ("GET", one, f"get_{kind}", self._show(kind), grant),
                ("PUT", one, f"update_{kind}", self._update(kind), grant),
                ("POST", one, f"update_{kind}", self._update(kind), grant),
                ("DELETE", one, f"delete_{kind}", self._delete(kind), grant),
            ]
        return found

    def _list(self, kind: str) -> Handler:
        def handler(request: HttpRequest, _body: dict[str, Any]) -> Response:
            query = request.query_params
            rows = [
                each.as_json()
                for each in reversed(self._known.values())
                if each.kind == kind
                and query.get("search", "").lower() in str(each.fields).lower()
                and query.get("country") in {None, each.fields.get("country")}
                and query.get("type") in {None, each.fields.get("type")}
            ]
            plural = "Customers" if kind == "customer" else "Beneficiaries"
            return listing(f"{plural} retrieved", rows, 1, max(1, len(rows)), ("items", "data"))

        return handler

    def _create(self, kind: str) -> Handler:
        def handler(_request: HttpRequest, body: dict[str, Any]) -> Response:
            return _told(201, "created", self.add(kind, _read(kind, body)))

        return handler

    def _show(self, kind: str) -> Handler:
        def handler(request: HttpRequest, _body: dict[str, Any]) -> Response:
            shown = self.find(kind, request.path_params["name"]).as_json()
            return answer(200, f"{kind.capitalize()} retrieved", None, **{kind: shown})

        return handler

    def _update(self, kind: str) -> Handler:
        def handler(request: HttpRequest, body: dict[str, Any]) -> Response:
            person = self.find(kind, request.path_params["name"])
            names = set(_CUSTOMER if kind == "customer" else _BENEFICIARY) - _FIXED
            person.fields |= {name: body[name] for name in names if name in body}
            person.updated_at = self._desk.book.now()
            return _told(202, "updated", person)

        return handler

    def _delete(self, kind: str) -> Handler:
        def handler(request: HttpRequest, _body: dict[str, Any]) -> Response:
            del self._known[self.find(kind, request.path_params["name"]).id]
            gone: dict[str, Any] = {kind: []}
            return answer(202, f"{kind.capitalize()} deleted successfully", None, **gone)

        return handler

    def _payments(self, request: HttpRequest, _body: dict[str, Any]) -> Response:
        person = self.find("customer", request.path_params["name"])
        mine = [each for each in self._desk.of_kind("payment") if each.party == person.id]
        rows = [order_json(each) for each in mine]
        names = ("payments", "items", "data")
        return listing("Customer payments retrieved", rows, 1, max(1, len(rows)), names)

    def _methods(self, request: HttpRequest, _body: dict[str, Any]) -> Response:
        person = self.find("customer", request.path_params["name"])
        mine = [each for each in self._desk.of_kind("payment") if each.party == person.id]
        wallets = {(each.channel or "", each.number): each for each in mine if each.number}
        rows = [
            {
                "id": f"pm.{order.reference[-16:]}",
                "type": "Mobile Money",
                "channel": channel,
                "email": person.fields.get("email"),
                "name": person.fields.get("name"),
                "country": OPERATORS[channel].country if channel in OPERATORS else None,
                "account_number": number,
                "issuer": OPERATORS[channel].name if channel in OPERATORS else None,
                "issuer_code": None,
                "phone": number,
                "created_at": moment(order.created_at),
            }
            for (channel, number), order in wallets.items()
        ]
        names = ("items", "data")
        return listing("Payment methods retrieved", rows, 1, max(1, len(rows)), names)


def _read(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    """The fields of somebody new; raises ``Refusal`` 422."""
    fields = Fields(body)
    if kind == "customer":
        if not (body.get("email") or body.get("phone")):
            fields.wrong("email", "The {} field is required when phone is not present.")
        fields.raise_if_wrong()
        return {name: body[name] for name in _CUSTOMER if body.get(name) is not None}
    fields.text("name", required=True)
    channel = fields.text("channel", required=True)
    number = fields.number(channel)
    fields.raise_if_wrong()
    told = {name: body[name] for name in _BENEFICIARY if body.get(name) is not None}
    operator = OPERATORS.get(channel or "", OPERATORS["cm.mtn"])
    inferred = {"country": operator.country, "currency": operator.currency}
    return inferred | told | {"account_number": number}


def _told(status: int, done: str, person: Person) -> Response:
    shown = person.as_json()
    names = ("customer",) if person.kind == "customer" else ("beneficiary", "recipient")
    message = f"{person.kind.capitalize()} {done} successfully"
    return answer(status, message, None, **dict.fromkeys(names, shown))
