"""The control API under ``/_control``: decide, break things, move time, look into the book."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from starlette.routing import Route

from guichet.simulators.common.commands import command, fault_commands, number_of
from guichet.simulators.common.faults import Faults
from guichet.simulators.common.wire import Refusal, text_of, timestamp

from .book import Book, Conflict
from .callbacks import Callbacks
from .gsma_api import GSMA_OPERATIONS
from .mtn_api import MTN_OPERATIONS
from .mtn_users import Users
from .operators import OPERATORS, Operator
from .reasons import REASONS
from .records import Request, Wallet

OPERATIONS = (*MTN_OPERATIONS, *GSMA_OPERATIONS, "callback")

_DECISIONS = ("approve", "refuse", "expire", "fail")
_SETTINGS = {
    "plain": ("complete", "phone"),
    "mtn_callback": ("PUT", "POST"),
    "mtn_reason": ("object", "text"),
}


class Control:
    """The control API over one simulator's parts."""

    def __init__(self, book: Book, faults: Faults, callbacks: Callbacks, users: Users) -> None:
        self._book = book
        self._faults = faults
        self._callbacks = callbacks
        self._users = users

    def routes(self) -> list[Route]:
        return [
            command("GET", "state", self._state),
            command("POST", "reset", self._reset),
            command("POST", "decide", self._decide),
            command("POST", "clock", self._move_clock),
            command("POST", "float", self._set_float),
            command("POST", "wallet", self._set_wallet),
            command("POST", "maintenance", self._close),
            command("POST", "settings", self._set),
            *fault_commands(self._faults, OPERATIONS),
        ]

    def _state(self, _asked: dict[str, Any]) -> object:
        return {
            "now": timestamp(self._book.now()),
            "calls": dict(self._book.calls),
            "requests": [_request(each) for each in self._book.requests.values()],
            "wallets": [_wallet(each) for each in self._book.wallets.values()],
            "floats": {name: f"{amount:f}" for name, amount in self._book.floats.items()},
            "maintenance": {
                name: {"from": timestamp(start), "until": timestamp(end)}
                for name, (start, end) in self._book.closed.items()
            },
            "faults": self._faults.as_json(),
            "callbacks": list(self._callbacks.sent),
        }

    def _reset(self, _asked: dict[str, Any]) -> object:
        self._book.reset()
        self._faults.clear()
        self._callbacks.reset()
        self._users.reset()
        return {"reset": True}

    def _decide(self, asked: dict[str, Any]) -> object:
        decision = text_of(asked, "decision")
        if decision not in _DECISIONS:
            raise Refusal(422, f"decision must be one of {', '.join(_DECISIONS)}")
        request = self._book.find((text_of(asked, "request") or "").removeprefix("+"))
        if request is None:
            raise Refusal(404, "There is no such request")
        try:
            if decision == "approve":
                self._book.approve(request)
            elif decision == "refuse":
                self._book.refuse(request)
            elif decision == "expire":
                self._book.expire(request)
            else:
                self._book.fail(request, _reason(asked))
        except Conflict as conflict:
            raise Refusal(409, str(conflict)) from conflict
        return {"request": _request(request)}

    def _move_clock(self, asked: dict[str, Any]) -> object:
        self._book.advance(float(number_of(asked, "advance_seconds", 0, 10**9)))
        return {"now": timestamp(self._book.now())}

    def _set_float(self, asked: dict[str, Any]) -> object:
        operator = _operator(asked)
        self._book.floats[operator.id] = _amount(asked, "balance", operator)
        return {"operator": operator.id, "balance": f"{self._book.floats[operator.id]:f}"}

    def _set_wallet(self, asked: dict[str, Any]) -> object:
        operator = _operator(asked)
        number = (text_of(asked, "number") or "").removeprefix("+")
        if not operator.has(number):
            raise Refusal(422, f"number must be one of {operator.name}")
        wallet = self._book.wallet(operator, number)
        if "balance" in asked:
            wallet.balance = _amount(asked, "balance", operator)
        if "blocked" in asked:
            if not isinstance(asked["blocked"], bool):
                raise Refusal(422, "blocked must be true or false")
            self._book.unblock(wallet)
            wallet.blocked = asked["blocked"]
        return _wallet(wallet)

    def _close(self, asked: dict[str, Any]) -> object:
        operator = _operator(asked)
        seconds = float(number_of(asked, "lasts_seconds", 0, 10**7))
        start = self._book.now() + timedelta(
            seconds=float(number_of(asked, "starts_in_seconds", 0, 10**7, 0))
        )
        self._book.closed[operator.id] = (start, start + timedelta(seconds=seconds))
        return {"operator": operator.id, "from": timestamp(start), "lasts_seconds": seconds}

    def _set(self, asked: dict[str, Any]) -> object:
        settings = dict(asked)
        if "poll_limit" in settings:
            self._book.poll_limit = int(number_of(settings, "poll_limit", 1, 10**6))
            del settings["poll_limit"]
        for name, value in settings.items():
            words = _SETTINGS.get(name)
            if words is None:
                raise Refusal(422, f"settings are {', '.join(_SETTINGS)}, poll_limit")
            if value not in words:
                raise Refusal(422, f"{name} must be one of {', '.join(words)}")
        if "plain" in asked:
            self._book.plain(asked["plain"])
        self._callbacks.mtn_verb = asked.get("mtn_callback", self._callbacks.mtn_verb)
        self._callbacks.reason_form = asked.get("mtn_reason", self._callbacks.reason_form)
        return asked


def _operator(asked: dict[str, Any]) -> Operator:
    operator = OPERATORS.get(text_of(asked, "operator") or "")
    if operator is None:
        raise Refusal(422, f"operator must be one of {', '.join(OPERATORS)}")
    return operator


def _amount(asked: dict[str, Any], name: str, operator: Operator) -> Decimal:
    try:
        amount = Decimal(str(asked.get(name)))
    except ArithmeticError as error:
        raise Refusal(422, f"{name} must be a number, or a text that is one") from error
    if (
        not amount.is_finite()
        or not 0 <= amount < 10**15
        or amount != round(amount, operator.places)
    ):
        raise Refusal(422, f"{name} must be an amount in {operator.currency}")
    return amount


def _reason(asked: dict[str, Any]) -> str:
    reason = text_of(asked, "reason", required=False) or "INTERNAL_PROCESSING_ERROR"
    if reason not in REASONS:
        raise Refusal(422, f"reason must be one of {', '.join(REASONS)}")
    return reason


def _request(request: Request) -> dict[str, Any]:
    return {
        "id": request.id,
        "operator": request.operator.id,
        "kind": request.kind,
        "key": request.key,
        "reference": request.reference,
        "name": request.name,
        "number": request.number,
        "amount": f"{request.amount:f}",
        "currency": request.operator.currency,
        "status": request.status,
        "reason": request.reason,
        "original": None if request.original is None else request.original.key,
        "moved": f"{request.moved:f}",
        "movements": [
            {"at": timestamp(moment), "amount": f"{amount:f}"}
            for moment, amount in request.movements
        ],
        "looks": request.looks,
        "createdAt": timestamp(request.created_at),
        "expiresAt": timestamp(request.expires_at),
    }


def _wallet(wallet: Wallet) -> dict[str, Any]:
    return {
        "operator": wallet.operator.id,
        "number": wallet.number,
        "holder": " ".join(wallet.holder),
        "balance": f"{wallet.balance:f}",
        "blocked": wallet.blocked,
        "entries": [
            {"at": timestamp(each.at), "kind": each.kind, "amount": f"{each.amount:f}"}
            for each in wallet.entries
        ],
    }
