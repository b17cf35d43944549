"""Transfers, refunds and the balance they come out of (contract, 7, 12 and 14)."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from guichet.simulators.common.faults import Fault

from . import wire
from .desk import REFUND_WINDOW, Desk
from .fields import Fields
from .people import People
from .records import Order, new_reference
from .wire import Refusal, answer, order_json

#: An answer, and the fault that the order's number asks for.
Told = tuple[Response, Fault | None]


class MoneyOut:
    """The operations by which money leaves."""

    def __init__(self, desk: Desk, people: People) -> None:
        self._desk = desk
        self._people = people

    def create_transfer(self, _request: HttpRequest, body: dict[str, Any]) -> Told:
        fields = Fields(body)
        currency = fields.currency()
        amount = fields.amount(currency)
        channel = fields.channel(currency)
        reference = fields.text("reference")
        description = fields.text("description", 256)
        named = next((body[n] for n in ("beneficiary", "recipient") if body.get(n)), None)
        is_id = isinstance(named, str) and named.startswith("ben.")
        known = self._people.find("beneficiary", str(named)) if is_id else None
        plain = {"phone": known.number if known else named} if isinstance(named, str) else named
        number = fields.number(channel, plain, body.get("beneficiary_data"))
        fields.raise_if_wrong()
        assert amount is not None
        must_be_new(self._desk, "transfer", reference)
        payee = {"channel": channel, "account_number": number, "currency": currency}
        if self._desk.balance(currency) < amount:
            raise Refusal(422, "Insufficient funds", {"amount": ["Insufficient funds"]})
        metadata = body.get("metadata")
        transfer = Order(
            kind="transfer",
            reference=new_reference("trf"),
            amount=amount,
            currency=currency,
            created_at=self._desk.book.now(),
            merchant_reference=reference,
            channel=channel,
            number=number,
            party=(known or self._people.add("beneficiary", {**_told_of(body), **payee})).id,
            description=description,
            metadata=metadata if isinstance(metadata, dict) else None,
        )
        fault = self._desk.fault_of(transfer, channel or "", number, "disburse")
        told = order_json(transfer)
        if fault is None or fault.when == "after":
            self._desk.add(transfer)
            self._desk.send(transfer)
        return answer(201, "Transfer initialized", "Accepted", transfer=told), fault

    def create_refund(self, _request: HttpRequest, body: dict[str, Any]) -> Response:
        fields = Fields(body)
        name = fields.text("payment", required=True)
        reason = fields.text("reason")
        fields.raise_if_wrong()
        payment = self._desk.find("payment", name or "")
        if payment is None:
            raise Refusal(404, "Payment not found")
        amount = fields.amount(payment.currency, required=False)
        fields.raise_if_wrong()
        left = self._desk.refundable(payment)
        amount = left if amount is None else amount
        if payment.status != "complete" or payment.completed_at is None:
            raise Refusal(422, "Payment cannot be refunded")
        if self._desk.book.now() > payment.completed_at + REFUND_WINDOW:
            raise Refusal(422, "Payment cannot be refunded any more")
        if not 0 < amount <= left:
            sentence = f"The amount field must not be greater than {wire.number(left)}."
            raise wire.invalid({"amount": [sentence]})
        if self._desk.balance(payment.currency) < amount:
            raise Refusal(422, "Insufficient funds")
        refund = Order(
            kind="refund",
            reference=new_reference("rfd"),
            amount=amount,
            currency=payment.currency,
            created_at=self._desk.book.now(),
            channel=payment.channel,
            number=payment.number,
            why=reason,
            original=payment,
        )
        self._desk.add(refund)
        told = order_json(refund)
        self._desk.send(refund)
        return answer(201, "Refund initiated", refund=told)

    def balance(self, request: HttpRequest, _body: dict[str, Any]) -> Response:
        currency = request.query_params.get("currency", "XAF").upper()
        amount = wire.number(self._desk.balance(currency))
        balance = {
            "reserved": 0,
            "total": amount,
            "pending": 0,
            "credit": 0,
            "available": amount,
            "currency": currency,
            "environment": "sandbox",
        }
        return answer(200, "Balance retrieved", balance=balance)


def must_be_new(desk: Desk, kind: str, reference: str | None) -> None:
    """Raises ``Refusal`` 409 for a reference that was used before."""
    if reference is not None and desk.find(kind, reference) is not None:
        sentence = "The reference has already been taken."
        message = f"A {kind} with this reference already exists"
        raise Refusal(409, message, {"reference": [sentence]})


def _told_of(body: dict[str, Any]) -> dict[str, Any]:
    """What a transfer tells of its beneficiary."""
    told = body.get("beneficiary_data")
    fields = told if isinstance(told, dict) else {}
    return {"name": "Beneficiary", "country": "CM"} | {
        name: fields[name] for name in ("name", "email", "phone", "country") if fields.get(name)
    }
