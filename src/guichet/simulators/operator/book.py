"""The simulator's own book: the truth about requests, wallets and the money that moved.

Everything is in memory and gone when the process ends. Nothing here knows HTTP.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from guichet.simulators.common.clock import Clock
from guichet.simulators.common.faults import Fault

from .operators import OPERATORS, Operator, operator_of
from .records import PIN, EntryKind, Kind, Request, Wallet
from .scenarios import (
    COMPLETES,
    MTN_PAYEES,
    MTN_PAYERS,
    ON_THE_PHONE,
    Ends,
    Scenario,
    scenario_of,
)

LATE_LOOKS = 3
LATE_SECONDS = 60
FLOAT_AT_START = 10
POLL_LIMIT = 1000
_LATE = timedelta(seconds=LATE_SECONDS)
_PLAIN = {"complete": COMPLETES, "phone": ON_THE_PHONE}

_ENTRIES: dict[Kind, EntryKind] = {
    "collect": "payment",
    "disburse": "transfer",
    "refund": "refund",
}

PinAnswer = Literal["paid", "wrong", "blocked", "short", "late"]


class Conflict(Exception):
    """What was asked is not possible in the present state; the text says why."""


class Book:
    """All requests and wallets of the simulator, the merchant's accounts, and the clock.

    ``on_end(request)`` is called when a request ends. ``plain``: what numbers do that mean
    nothing: ``complete`` at once, or wait for the ``phone``.
    """

    def __init__(
        self, prompt_seconds: int, on_end: Callable[[Request], None], plain: str = "complete"
    ) -> None:
        self._prompt_lifetime = timedelta(seconds=prompt_seconds)
        self._on_end = on_end
        self._plain_at_start = _PLAIN[plain]
        self._clock = Clock()
        self.reset()

    def reset(self) -> None:
        """Forgets everything and goes back to real time."""
        self._clock.reset()
        self.calls: Counter[str] = Counter()
        self.requests: dict[str, Request] = {}
        self.wallets: dict[tuple[str, str], Wallet] = {}
        self.floats: dict[str, Decimal] = {
            each.id: Decimal(FLOAT_AT_START * each.opening_balance) for each in OPERATORS.values()
        }
        self.closed: dict[str, tuple[datetime, datetime]] = {}
        self.poll_limit = POLL_LIMIT
        self._plain = self._plain_at_start
        self._by_key: dict[tuple[str, str], Request] = {}
        self._by_reference: dict[tuple[str, str], Request] = {}
        self._faults_met: set[tuple[str, str]] = set()

    def plain(self, name: str) -> None:
        """Sets what numbers do that mean nothing; raises ``KeyError`` for an unknown word."""
        self._plain = _PLAIN[name]

    def now(self) -> datetime:
        """Simulated time: real time and whatever the control API added."""
        return self._clock.now()

    def advance(self, seconds: float) -> None:
        """Moves the clock forward and lets everything happen that falls due."""
        self._clock.advance(seconds)
        for request in list(self.requests.values()):
            self._let_happen(request)

    def is_closed(self, operator: Operator) -> bool:
        """Whether the operator is in a maintenance window."""
        opens, closes = self.closed.get(operator.id, (None, None))
        return opens is not None and closes is not None and opens <= self.now() < closes

    # Finding ------------------------------------------------------------------------------------

    def by_key(self, space: str, key: str) -> Request | None:
        return self._by_key.get((space, key))

    def by_reference(self, space: str, reference: str) -> Request | None:
        return self._by_reference.get((space, reference))

    def find(self, name: str) -> Request | None:
        """The newest request by any of its ids, or the newest open one of a number."""
        newest = list(reversed(self.requests.values()))
        for request in newest:
            if name in {request.id, request.key, request.reference, request.name}:
                return request
        return next((r for r in newest if r.number == name and r.status == "pending"), None)

    def prompts(self, wallet: Wallet) -> list[Request]:
        """What the wallet's phone asks, oldest first."""
        mine = [
            each
            for each in self.requests.values()
            if each.asks and each.number == wallet.number and each.operator is wallet.operator
        ]
        for request in mine:
            self._let_happen(request)
        return [each for each in mine if each.asks]

    def wallet(self, operator: Operator, number: str) -> Wallet:
        """The wallet of a number, opened with some money on first sight."""
        key = (operator.id, number)
        if key not in self.wallets:
            balance = Decimal(operator.opening_balance)
            scenario = self._scenario_of(operator, number)
            if scenario.reason == "NOT_ENOUGH_FUNDS":
                balance = Decimal(0)
            blocked = scenario.wallet == "blocked"
            self.wallets[key] = Wallet(operator, number, balance, blocked)
        return self.wallets[key]

    # Requests -----------------------------------------------------------------------------------

    def scenario(self, operator: Operator, kind: Kind, number: str) -> Scenario:
        """What a request to this number does."""
        if kind == "collect" and number in MTN_PAYERS and operator.api == "mtn":
            return MTN_PAYERS[number]
        if kind == "disburse" and number in MTN_PAYEES and operator.api == "mtn":
            return MTN_PAYEES[number]
        if not operator.has(number):
            return Scenario("", "", "fails", "PAYER_NOT_FOUND", wallet="none")
        return self._scenario_of(operator, number)

    def _scenario_of(self, operator: Operator, number: str) -> Scenario:
        # In MTN's sandbox, where every number is taken, a number means what it means at home.
        owner = operator_of(number) if operator.environment == "sandbox" else operator
        return scenario_of(owner or operator, number, self._plain)

    def fault_of(self, space: str, key: str, scenario: Scenario) -> Fault | None:
        """The scenario's own fault, for the first order with this key only."""
        if (space, key) in self._faults_met:
            return None
        self._faults_met.add((space, key))
        return scenario.fault

    def expires_at(self) -> datetime:
        """When a request made now ends unless the customer answers."""
        return self.now() + self._prompt_lifetime

    def open(self, request: Request) -> None:
        """Takes an order on and lets happen at once what happens at once."""
        space = request.operator.space
        self.requests[request.id] = request
        self._by_key[space, request.key] = request
        self._by_reference[space, request.reference] = request
        request.ends = self._ends(request)
        if request.kind != "collect" and self.floats[request.operator.id] < request.amount:
            self._fail(request, "NOT_ENOUGH_FUNDS")
        elif request.ends == "fails":
            self._fail(request, _reason(request))
        elif request.ends == "completes":
            self._complete(request)
        elif request.ends == "asks" and self.wallet(request.operator, request.number).blocked:
            self._fail(request, "NOT_ALLOWED")
        else:
            late = request.ends == "late"
            seconds = LATE_SECONDS if late else self._prompt_lifetime.total_seconds()
            loop = asyncio.get_running_loop()
            loop.call_later(seconds + 0.1, self._let_happen, request)

    def _ends(self, request: Request) -> Ends:
        if request.kind == "refund":
            return request.scenario.refunds
        payee_is_asked = request.kind == "disburse" and request.scenario.ends == "asks"
        return "completes" if payee_is_asked else request.scenario.ends

    def refundable(self, original: Request) -> Decimal:
        """What of a completed payment has not been given back, and is not about to be."""
        given = sum(
            each.amount
            for each in self.requests.values()
            if each.original is original and each.status != "failed"
        )
        return original.amount - given if original.status == "completed" else Decimal(0)

    def look(self, request: Request) -> bool:
        """Counts one look; False while the operator pretends to know nothing."""
        request.looks += 1
        if request.looks <= request.scenario.hidden_looks:
            return False
        self._let_happen(request)
        return True

    # Deciding -----------------------------------------------------------------------------------

    def enter_pin(self, request: Request, pin: str) -> PinAnswer:
        """The customer types a PIN; three wrong ones block the wallet and end its prompts."""
        self._let_happen(request)
        wallet = self.wallet(request.operator, request.number)
        if not request.asks:
            return "late"
        if pin == PIN:
            wallet.wrong_pins = 0
            self.approve(request)
            return "short" if request.reason == "NOT_ENOUGH_FUNDS" else "paid"
        wallet.wrong_pins += 1
        if wallet.tries_left > 0:
            return "wrong"
        wallet.blocked = True
        for prompt in self.prompts(wallet):
            self._fail(prompt, "PAYMENT_NOT_APPROVED")
        return "blocked"

    def unblock(self, wallet: Wallet) -> None:
        """Customer care helps after wrong PINs."""
        wallet.blocked, wallet.wrong_pins = False, 0

    def approve(self, request: Request) -> None:
        """The customer says yes: money moves if there is enough."""
        self._must_be_open(request)
        payer, payee = self.wallet(request.operator, request.number).balance, request.operator.id
        there = payer if request.kind == "collect" else self.floats[payee]
        tops_up = request.kind == "collect" and request.ends != "asks"
        if there < request.amount and not tops_up:
            self._fail(request, "NOT_ENOUGH_FUNDS")
        else:
            self._complete(request)

    def refuse(self, request: Request) -> None:
        self.fail(request, "APPROVAL_REJECTED")

    def expire(self, request: Request) -> None:
        self.fail(request, "COULD_NOT_PERFORM_TRANSACTION")

    def fail(self, request: Request, reason: str) -> None:
        self._must_be_open(request)
        self._fail(request, reason)

    def _must_be_open(self, request: Request) -> None:
        self._let_happen(request)
        if request.status != "pending":
            raise Conflict(f"the request has {request.status}")

    def _let_happen(self, request: Request) -> None:
        if request.status != "pending" or self.requests.get(request.id) is not request:
            return
        age = self.now() - request.created_at
        if request.asks and self.now() >= request.expires_at:
            self._fail(request, "COULD_NOT_PERFORM_TRANSACTION")
        elif request.ends == "late" and (request.looks >= LATE_LOOKS or age >= _LATE):
            self._complete(request)

    def _complete(self, request: Request) -> None:
        wallet = self.wallet(request.operator, request.number)
        comes_in = request.kind == "collect"
        now, amount = self.now(), request.amount if comes_in else -request.amount
        if comes_in and wallet.balance < amount:
            wallet.post("cash", amount - wallet.balance, now, "", "")
        wallet.post(_ENTRIES[request.kind], -amount, now, request.payee, request.text)
        self.floats[request.operator.id] += amount
        request.movements.append((now, amount))
        self._end(request, "completed", None)

    def _fail(self, request: Request, reason: str) -> None:
        self._end(request, "failed", reason)

    def _end(
        self, request: Request, status: Literal["completed", "failed"], reason: str | None
    ) -> None:
        request.status, request.reason, request.changed_at = status, reason, self.now()
        self._on_end(request)


def _reason(request: Request) -> str:
    """Why a request fails whose number says that it does."""
    if request.kind == "collect":
        return request.scenario.reason or "INTERNAL_PROCESSING_ERROR"
    if request.scenario.wallet == "none":
        return "PAYEE_NOT_FOUND"
    if request.scenario.wallet == "blocked" or request.scenario.reason is None:
        return "PAYEE_NOT_ALLOWED_TO_RECEIVE"
    return request.scenario.reason
