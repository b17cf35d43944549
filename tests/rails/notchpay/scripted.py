"""A Notch Pay that answers as a test dictates: what the simulator would never say."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from guichet.domain.money import Money
from guichet.domain.orders import CollectOrder, Destination, Payer, RefundOrder, SendOrder
from guichet.outbound.client import GuardedClient
from guichet.rails.notchpay.rail import NotchpayRail
from outbound.listeners import Writer, listening, untrusting
from rails.mobile.stage import PAYEE
from rails.notchpay.stage import account_at
from rails.scripted import NOW, StoppedClock

TRX = "trx.test_x"
Said = tuple[int, Any]
NOT_FOUND: Said = 404, {"code": 404, "status": "Not Found", "message": "Payment not found"}
NOTHING: Said = 200, {"items": [], "last_page": 1}


@dataclass
class Script:
    """What is answered to each operation, by the beginning of ``METHOD /path``.

    A list is answered one by one, the last one for ever. Bytes go out as they are.
    """

    rail: NotchpayRail
    clock: StoppedClock
    answers: dict[str, Said | list[Said]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def order(self, **changes: Any) -> CollectOrder:
        order = CollectOrder(
            key=uuid.uuid4().hex,
            environment="sandbox",
            money=Money(5000, "XAF"),
            payee=PAYEE,
            reference="Facture 42",
            institution_code="",
            return_url="http://127.0.0.1:9/return/attempt/token",
            expires_at=NOW.replace(hour=17),
            payer=Payer(phone="+237690000000"),
            channel="cm.orange",
        )
        return replace(order, **changes)

    def prompted(self, **changes: Any) -> CollectOrder:
        """An order whose payer was asked."""
        now = str(int(NOW.timestamp()))
        memory = {"accepted": now, "reference": TRX, "prompted": now}
        return self.order(**{"memory": memory} | changes)

    def transfer(self) -> SendOrder:
        to = Destination("Amina", "cm.orange", "+237690000000", "CM")
        return SendOrder(uuid.uuid4().hex, "sandbox", Money(5000, "XAF"), to, "42", "Salaire")

    def refund(self) -> RefundOrder:
        collected = self.prompted(provider_reference=TRX, received_minor=5000)
        return RefundOrder(uuid.uuid4().hex, Money(5000, "XAF"), collected)


def payment(order: CollectOrder | SendOrder, status: str, **changes: Any) -> dict[str, Any]:
    """A payment, or a transfer, as Notch Pay shows it."""
    fields = {
        "reference": TRX,
        "merchant_reference": order.key,
        "amount": order.money.minor,
        "currency": order.money.currency,
        "status": status,
        "sandbox": 1,
    }
    return fields | changes


def shown(order: CollectOrder, status: str, **changes: Any) -> Said:
    return 200, {"transaction": payment(order, status, **changes)}


def problem(status: int, message: str = "no", *fields: str) -> Said:
    """An error with the fields that are wrong."""
    errors = {"errors": {name: ["is wrong"] for name in fields}} if fields else {}
    return status, {"code": status, "status": "A word", "message": message, **errors}


def _answer(answers: dict[str, Said | list[Said]], line: str) -> Said:
    beginning = max((each for each in answers if line.startswith(each)), key=len)
    said = answers[beginning]
    if isinstance(said, list):
        return said.pop(0) if len(said) > 1 else said[0]
    return said


@asynccontextmanager
async def scripted() -> AsyncIterator[Script]:
    answers: dict[str, Said | list[Said]] = {"GET /payments?": NOTHING, "GET /transfers?": NOTHING}
    calls: list[str] = []

    async def handler(request: bytes, writer: Writer) -> None:
        line = request.split(b" HTTP/1.1", 1)[0].decode()
        calls.append(line)
        status, told = _answer(answers, line)
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        head = f"HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\n"
        writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)

    async with listening(handler) as server, GuardedClient(untrusting()) as client:
        clock = StoppedClock()
        rail = NotchpayRail(client, "sandbox", 2, account_at(server.url), clock)
        yield Script(rail, clock, answers, calls)
