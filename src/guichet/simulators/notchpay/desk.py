"""The aggregator's desk: orders of one merchant, carried out by the operators behind it.

Everything is in memory and gone when the process ends. Nothing here knows HTTP.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from guichet.simulators.common.faults import Fault
from guichet.simulators.operator.book import Book
from guichet.simulators.operator.operators import OPERATORS, Operator, operator_of
from guichet.simulators.operator.records import Kind as RequestKind
from guichet.simulators.operator.records import Request

from .records import Endpoint, Order, Status

#: A payment that nobody pays ends after this.
LIFETIME = timedelta(hours=3)
REFUND_WINDOW = timedelta(days=90)
ANY_MOBILE = "cm.mobile"

_REQUESTS: dict[str, RequestKind] = {
    "payment": "collect",
    "transfer": "disburse",
    "refund": "refund",
}
_CANCELED = frozenset({"APPROVAL_REJECTED", "PAYMENT_NOT_APPROVED", "TRANSACTION_CANCELED"})
_EXPIRED = frozenset({"EXPIRED", "COULD_NOT_PERFORM_TRANSACTION"})
#: What operators say, in the aggregator's words; everything else is the provider's error.
_WORDS = {
    "NOT_ENOUGH_FUNDS": "INSUFFICIENT_BALANCE",
    "PAYER_NOT_FOUND": "UNREGISTERED_PHONE",
    "PAYEE_NOT_FOUND": "UNREGISTERED_PHONE",
    **dict.fromkeys(_CANCELED, "CANCELLED_BY_USER"),
    **dict.fromkeys(_EXPIRED, "TIMEOUT"),
}


class Conflict(Exception):
    """What was asked is not possible in the present state; the text says why."""


class Desk:
    """All orders, endpoints and what was called, over the operators' own ``book``.

    ``tell(event, order)`` is called for every event.
    """

    def __init__(
        self, tell: Callable[[str, Order], None], merchant: str, prompt_seconds: int, plain: str
    ) -> None:
        self._tell = tell
        self._merchant = merchant
        self.book = Book(prompt_seconds, self._ended, plain)
        self._forget()

    def _forget(self) -> None:
        self.calls: Counter[str] = Counter()
        self.orders: list[Order] = []
        self.endpoints: dict[str, Endpoint] = {}
        self._of_request: dict[str, Order] = {}

    def reset(self) -> None:
        """Forgets everything but the endpoints, and goes back to real time."""
        endpoints = self.endpoints
        self.book.reset()
        self._forget()
        self.endpoints = endpoints

    # Finding ------------------------------------------------------------------------------------

    def find(self, kind: str, name: str) -> Order | None:
        """The order of a kind by any of its references; the newest of a merchant's."""
        for order in reversed(self.orders):
            if order.kind == kind and order.goes_by(name):
                self._let_happen(order)
                return order
        return None

    def of_kind(self, kind: str) -> list[Order]:
        """The orders of a kind, newest first."""
        found = [order for order in reversed(self.orders) if order.kind == kind]
        for order in found:
            self._let_happen(order)
        return found

    def look(self, order: Order) -> bool:
        """Counts a look; False while the order's number pretends that there is nothing."""
        return order.request is None or self.book.look(order.request)

    def balance(self, currency: str) -> Decimal:
        """What the merchant has: all operators' money together."""
        mine = (each for each in OPERATORS.values() if each.currency == currency)
        return sum((self.book.floats[each.id] for each in mine), Decimal(0))

    def refundable(self, payment: Order) -> Decimal:
        """What of a complete payment is not given back, nor about to be."""
        if payment.status != "complete":
            return Decimal(0)
        given = sum(
            order.amount
            for order in self.orders
            if order.original is payment and order.status != "failed"
        )
        return payment.amount - given

    # Orders -------------------------------------------------------------------------------------

    def add(self, order: Order) -> None:
        """Takes an order on; nobody is asked yet."""
        self.orders.append(order)
        self._tell(f"{order.kind}.created", order)

    def process(self, payment: Order, channel: str, number: str) -> None:
        """Asks the payer by a channel; raises ``Conflict`` unless the payment is pending."""
        if payment.status != "pending":
            raise Conflict("Payment cannot be processed")
        payment.channel, payment.number = channel, number
        self._ask(payment)

    def send(self, order: Order) -> None:
        """Has the operator carry a transfer or a refund out."""
        self._ask(order)

    def cancel(self, order: Order) -> None:
        """Withdraws a pending order; raises ``Conflict`` for any other."""
        if order.status != "pending":
            raise Conflict(f"{order.kind.capitalize()} cannot be canceled")
        self._move(order, "canceled")

    def fault_of(self, order: Order, channel: str, number: str, kind: RequestKind) -> Fault | None:
        """What becomes of the answer because of the number, for the first order of its name."""
        operator = operator_for(channel, number)
        if operator is None:
            return None
        name = order.merchant_reference or order.reference
        return self.book.fault_of("notchpay", name, self.book.scenario(operator, kind, number))

    def _ask(self, order: Order) -> None:
        number = order.number or ""
        operator = operator_for(order.channel or "", number)
        if operator is None:
            self._move(order, "failed", "INVALID_PHONE")
            return
        kind = _REQUESTS[order.kind]
        now = self.book.now()
        request = Request(
            operator=operator,
            kind=kind,
            key=order.reference,
            amount=order.amount,
            number=number,
            scenario=self.book.scenario(operator, kind, number),
            body={},
            created_at=now,
            expires_at=self.book.expires_at(),
            payee=self._merchant,
            text=order.description or "",
            original=order.original.request if order.original else None,
            name=order.merchant_reference or "",
        )
        order.request = request
        self._of_request[request.id] = order
        self._move(order, "processing")
        if kind != "collect":
            self._gather(operator, order.amount)
        self.book.open(request)

    def _gather(self, operator: Operator, amount: Decimal) -> None:
        """The balance is one: what an operator lacks the others have."""
        for other in OPERATORS.values():
            lacking = amount - self.book.floats[operator.id]
            if lacking <= 0:
                return
            if other is not operator and other.currency == operator.currency:
                part = min(lacking, self.book.floats[other.id])
                self.book.floats[other.id] -= part
                self.book.floats[operator.id] += part

    def _ended(self, request: Request) -> None:
        order = self._of_request.get(request.id)
        if order is None:
            return
        if request.status == "completed":
            order.completed_at = self.book.now()
            self._move(order, "complete")
            return
        reason = request.reason or ""
        status: Status = "failed"
        if order.kind == "payment" and reason in _CANCELED:
            status = "canceled"
        elif order.kind == "payment" and reason in _EXPIRED:
            status = "expired"
        self._move(order, status, _WORDS.get(reason, "PROVIDER_ERROR"))

    def _move(self, order: Order, status: Status, reason: str | None = None) -> None:
        order.status, order.failure_reason, order.changed_at = status, reason, self.book.now()
        self._tell(f"{order.kind}.{status}", order)

    def _let_happen(self, order: Order) -> None:
        over = self.book.now() >= order.created_at + LIFETIME
        if order.kind == "payment" and order.status == "pending" and over:
            self._move(order, "expired", "TIMEOUT")


def operator_for(channel: str, number: str) -> Operator | None:
    """The operator of a channel; for the collective one, of the number."""
    return operator_of(number) if channel == ANY_MOBILE else OPERATORS.get(channel)
