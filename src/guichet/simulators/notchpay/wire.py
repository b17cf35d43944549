"""Notch Pay's JSON: orders, endpoints, channels, lists and errors (contract, 5 to 14)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from starlette.responses import Response

from guichet.simulators.common.wire import encode
from guichet.simulators.operator.operators import OPERATORS, Operator

from .desk import ANY_MOBILE
from .records import Endpoint, Order

_STATUSES = {
    200: "OK",
    201: "Created",
    202: "Accepted",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
}
_AMOUNT_MIN, _AMOUNT_MAX = 100, 5_000_000


class Refusal(Exception):
    """An error answer; ``errors`` are sentences by field."""

    def __init__(
        self, status: int, message: str, errors: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors


def invalid(errors: Mapping[str, Sequence[str]]) -> Refusal:
    """A 422 in Laravel's words."""
    sentences = [sentence for each in errors.values() for sentence in each]
    more = len(sentences) - 1
    rest = f" (and {more} more error{'s' if more > 1 else ''})" if more else ""
    return Refusal(422, sentences[0] + rest, errors)


def answer(status: int, message: str, word: str | None = None, **resources: Any) -> Response:
    """A success; ``word`` is the body's ``status`` where it is not the HTTP one's."""
    body = {"code": status, "status": word or _STATUSES[status], "message": message, **resources}
    return Response(encode(body), status, media_type="application/json")


def refused(status: int, message: str, errors: object = None) -> Response:
    """An error."""
    body = {"code": status, "status": _STATUSES.get(status, "Error"), "message": message}
    if errors:
        body["errors"] = errors
    return Response(encode(body), status, media_type="application/json")


def listing(
    message: str, rows: Sequence[Any], page: int, limit: int, names: Sequence[str]
) -> Response:
    """A page of a list, its array under every name that clients read."""
    shown = rows[(page - 1) * limit : page * limit]
    return answer(
        200,
        message,
        None,
        totals=len(rows),
        last_page=max(1, -(-len(rows) // limit)),
        current_page=page,
        selected=len(shown),
        **dict.fromkeys(names, shown),
    )


def moment(at: datetime | None) -> str | None:
    """``2024-06-17T07:27:11.000000Z``."""
    return None if at is None else at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def number(amount: Decimal) -> int | Decimal:
    """An amount as JSON has it: whole ones without decimals."""
    return int(amount) if amount == amount.to_integral_value() else amount


def order_json(order: Order) -> dict[str, Any]:
    """Any order, with what the control API has it show instead of the truth."""
    make = {"payment": _payment, "transfer": _transfer, "refund": _refund}[order.kind]
    return make(order) | order.shown


def _common(order: Order) -> dict[str, Any]:
    amount = number(order.amount)
    return {
        "id": order.id,
        "reference": order.reference,
        "merchant_reference": order.merchant_reference,
        "trxref": order.merchant_reference,
        "amount": amount,
        "amount_total": amount,
        "converted_amount": amount,
        "amounts": {
            "total": amount,
            "converted": amount,
            "currency": order.currency,
            "rate": 1,
        },
        "currency": order.currency,
        "fee": 0,
        "fees": [],
        "status": order.status,
        "failure_reason": order.failure_reason,
        "channel": order.channel,
        "description": order.description,
        "metadata": order.metadata,
        "sandbox": 1,
        "initiated_at": moment(order.created_at),
        "created_at": moment(order.created_at),
        "updated_at": moment(order.changed_at),
        "completed_at": moment(order.completed_at),
        "payment_method": f"pm.{order.reference[-16:]}" if order.number else None,
    }


def _payment(order: Order) -> dict[str, Any]:
    return _common(order) | {
        "charge": "business",
        "customer": order.party,
        "callback": order.callback,
        "geo": None,
        "locked_currency": None,
        "locked_channel": order.locked_channel,
        "locked_country": None,
    }


def _transfer(order: Order) -> dict[str, Any]:
    return _common(order) | {
        "beneficiary": order.party,
        "beneficary": order.party,
        "statement": None,
    }


def _refund(order: Order) -> dict[str, Any]:
    payment = order.original
    return {
        "id": order.reference,
        "reference": order.reference,
        "payment": payment.reference if payment else None,
        "amount": number(order.amount),
        "currency": order.currency,
        "status": order.status,
        "reason": order.why,
        "failure_reason": order.failure_reason,
        "sandbox": 1,
        "created_at": moment(order.created_at),
        "updated_at": moment(order.changed_at),
    }


def endpoint_json(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "description": endpoint.description,
        "events": endpoint.events,
        "status": "active" if endpoint.active else "inactive",
        "active": endpoint.active,
        "sandbox": 1,
        "created_at": moment(endpoint.created_at),
        "updated_at": moment(endpoint.updated_at),
    }


def channels_json() -> list[dict[str, Any]]:
    """The channels: one for each operator that Notch Pay names, and the collective one."""
    mine = [each for each in OPERATORS.values() if each.id != "mtn.sandbox"]
    return [
        *(_channel(each.id, each.wallet, each) for each in mine),
        _channel(ANY_MOBILE, "Mobile Money", OPERATORS["cm.mtn"]),
    ]


def _channel(name: str, wallet: str, operator: Operator) -> dict[str, Any]:
    return {
        "name": wallet,
        "desc": f"Pay with {wallet}",
        "active": True,
        "countries": [operator.country],
        "id": name,
        "slug": name,
        "type": "mobile",
        "reference": f"chn.{name}",
        "delivery": None,
        "payment_delivery": None,
        "live": True,
        "min_amount": _AMOUNT_MIN,
        "max_amount": _AMOUNT_MAX,
        "payout": 1,
        "charge": 1,
        "collect": 1,
        "currency": operator.currency,
    }
