"""The control API under ``/_control``: decide, break things, move time, look into the desk."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import Any

from starlette.routing import Route

from guichet.simulators.common.commands import command, fault_commands, number_of
from guichet.simulators.common.faults import Faults
from guichet.simulators.common.wire import Refusal, text_of, timestamp
from guichet.simulators.operator.book import Conflict
from guichet.simulators.operator.operators import OPERATORS
from guichet.simulators.operator.reasons import REASONS

from .desk import Desk
from .people import People
from .records import Order
from .webhooks import Webhooks

_DECISIONS = ("approve", "refuse", "expire", "fail")
_SHOWABLE = frozenset(
    {"amount", "currency", "failure_reason", "merchant_reference", "sandbox", "status", "trxref"}
)
_MOST = 10**12


class Control:
    """The control API over one simulator's parts."""

    def __init__(
        self,
        desk: Desk,
        faults: Faults,
        webhooks: Webhooks,
        people: People,
        operations: Collection[str],
    ) -> None:
        self._desk = desk
        self._faults = faults
        self._webhooks = webhooks
        self._people = people
        self._operations = (*operations, "webhook")

    def routes(self) -> list[Route]:
        return [
            command("GET", "state", self._state),
            command("POST", "reset", self._reset),
            command("POST", "decide", self._decide),
            command("POST", "show", self._show),
            command("POST", "clock", self._move_clock),
            command("POST", "balance", self._set_balance),
            *fault_commands(self._faults, self._operations),
        ]

    def _state(self, _asked: dict[str, Any]) -> object:
        return {
            "now": timestamp(self._desk.book.now()),
            "calls": dict(self._desk.calls),
            "orders": [_order(each) for each in self._desk.orders],
            "endpoints": [each.url for each in self._desk.endpoints.values()],
            "faults": self._faults.as_json(),
            "webhooks": list(self._webhooks.sent),
        }

    def _reset(self, _asked: dict[str, Any]) -> object:
        self._desk.reset()
        self._people.reset()
        self._faults.clear()
        self._webhooks.sent.clear()
        return {"reset": True}

    def _decide(self, asked: dict[str, Any]) -> object:
        decision = text_of(asked, "decision")
        if decision not in _DECISIONS:
            raise Refusal(422, f"decision must be one of {', '.join(_DECISIONS)}")
        order, book = self._order(asked), self._desk.book
        if order.request is None:
            raise Refusal(409, "No operator was asked yet")
        try:
            if decision == "approve":
                book.approve(order.request)
            elif decision == "refuse":
                book.refuse(order.request)
            elif decision == "expire":
                book.expire(order.request)
            else:
                book.fail(order.request, _reason(asked))
        except Conflict as conflict:
            raise Refusal(409, str(conflict)) from conflict
        return {"order": _order(order)}

    def _show(self, asked: dict[str, Any]) -> object:
        """Has the API show other fields of an order than its own; none: the truth again."""
        order = self._order(asked)
        fields = {name: value for name, value in asked.items() if name != "order"}
        if wrong := sorted(set(fields) - _SHOWABLE):
            raise Refusal(422, f"{', '.join(wrong)} cannot be shown otherwise")
        order.shown = fields
        return {"order": _order(order), "shown": fields}

    def _move_clock(self, asked: dict[str, Any]) -> object:
        self._desk.book.advance(float(number_of(asked, "advance_seconds", 0, 10**9)))
        return {"now": timestamp(self._desk.book.now())}

    def _set_balance(self, asked: dict[str, Any]) -> object:
        currency = text_of(asked, "currency")
        mine = [each for each in OPERATORS.values() if each.currency == currency]
        if not mine:
            raise Refusal(422, "currency must be one of an operator's")
        amount = Decimal(str(number_of(asked, "balance", 0, _MOST)))
        for index, each in enumerate(mine):
            self._desk.book.floats[each.id] = Decimal(0) if index else amount
        return {"currency": currency, "balance": f"{amount:f}"}

    def _order(self, asked: dict[str, Any]) -> Order:
        name = text_of(asked, "order") or ""
        for kind in ("payment", "transfer", "refund"):
            if (order := self._desk.find(kind, name)) is not None:
                return order
        raise Refusal(404, "There is no such order")


def _reason(asked: dict[str, Any]) -> str:
    reason = text_of(asked, "reason", required=False) or "INTERNAL_PROCESSING_ERROR"
    if reason not in REASONS:
        raise Refusal(422, f"reason must be one of {', '.join(REASONS)}")
    return reason


def _order(order: Order) -> dict[str, Any]:
    return {
        "kind": order.kind,
        "reference": order.reference,
        "merchant_reference": order.merchant_reference,
        "amount": f"{order.amount:f}",
        "currency": order.currency,
        "status": order.status,
        "failure_reason": order.failure_reason,
        "channel": order.channel,
        "number": order.number,
        "why": order.why,
        "original": order.original.reference if order.original else None,
        "moved": f"{order.request.moved:f}" if order.request else "0",
        "movements": [
            {"at": timestamp(moment), "amount": f"{amount:f}"}
            for moment, amount in (order.request.movements if order.request else ())
        ],
        "looks": order.request.looks if order.request else 0,
    }
