"""An operator that answers as a test dictates: what the simulator would never say."""

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
from guichet.rails.gsma.rail import GsmaRail
from guichet.rails.mtn.rail import MtnRail
from outbound.listeners import Writer, listening, untrusting
from rails.mobile.stage import PAYEE, gsma_account, mtn_account
from rails.scripted import NOW, StoppedClock

TOKEN = "canary-of-the-access-token"
STATE_ID = "56a42244-414a-4b52-8c4f-4ad2a50e82fe"
MTN_PHONE, ORANGE_PHONE = "+237670000000", "+237690000000"

Said = tuple[int, Any]


@dataclass
class Script:
    """What is answered to each operation, by the beginning of ``METHOD /path``.

    A list is answered one by one, the last one for ever. Bytes go out as they are.
    """

    rail: MtnRail | GsmaRail
    clock: StoppedClock
    phone: str
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
            payer=Payer(phone=self.phone),
        )
        return replace(order, **changes)

    def accepted(self, **changes: Any) -> CollectOrder:
        """An order that the operator took."""
        memory = {"accepted": str(int(NOW.timestamp()))}
        return self.order(**{"memory": memory} | changes)

    def transfer(self) -> SendOrder:
        to = Destination("Amina", "cm.mtn", self.phone, "CM")
        return SendOrder(uuid.uuid4().hex, "sandbox", Money(5000, "XAF"), to, "42", "Salaire")

    def refund(self) -> RefundOrder:
        collected = self.accepted(provider_reference="7", received_minor=5000)
        return RefundOrder(uuid.uuid4().hex, Money(5000, "XAF"), collected)


def result(order: CollectOrder | SendOrder, status: str, **changes: Any) -> Said:
    """MTN's result of an order."""
    fields = {
        "amount": order.money.text(),
        "currency": order.money.currency,
        "externalId": order.key,
        "status": status,
    }
    return 200, {name: each for name, each in (fields | changes).items() if each is not None}


def state(status: str, **changes: Any) -> Said:
    """GSMA's state of a request."""
    fields = {"serverCorrelationId": STATE_ID, "status": status, "notificationMethod": "polling"}
    return 200, fields | changes


def transaction(order: CollectOrder | SendOrder, status: str, **changes: Any) -> Said:
    """GSMA's transaction."""
    fields = {
        "transactionReference": "7",
        "transactionStatus": status,
        "amount": order.money.text(),
        "currency": order.money.currency,
        "requestingOrganisationTransactionReference": order.key,
    }
    return 200, {name: each for name, each in (fields | changes).items() if each is not None}


def problem(status: int, category: str, code: str, **changes: Any) -> Said:
    """GSMA's error."""
    return status, {"errorCategory": category, "errorCode": code} | changes


def _answer(answers: dict[str, Said | list[Said]], line: str) -> Said:
    beginning = max((each for each in answers if line.startswith(each)), key=len)
    said = answers[beginning]
    if isinstance(said, list):
        return said.pop(0) if len(said) > 1 else said[0]
    return said


@asynccontextmanager
async def scripted(name: str) -> AsyncIterator[Script]:
    answers: dict[str, Said | list[Said]] = {
        "POST /mtn/collection/token/": (200, {"access_token": TOKEN, "expires_in": 3600}),
        "POST /mtn/disbursement/token/": (200, {"access_token": TOKEN, "expires_in": 3600}),
    }
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
        rail: MtnRail | GsmaRail
        if name == "mtn":
            account = mtn_account(server.url)
            rail = MtnRail(client, "sandbox", 2, lambda _: None, account, clock)
            yield Script(rail, clock, MTN_PHONE, answers, calls)
        else:
            own = gsma_account(server.url)
            rail = GsmaRail(client, "sandbox", 2, lambda _: None, own, clock)
            yield Script(rail, clock, ORANGE_PHONE, answers, calls)
