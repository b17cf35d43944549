"""Parts for tests of the worker: a scripted rail, receivers on sockets, payments to be told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from standardwebhooks.webhooks import Webhook

from documented import judge_notice
from guichet.domain.access import Caller
from guichet.domain.attempts import Attempt
from guichet.domain.institutions import Institution
from guichet.domain.money import Money
from guichet.domain.orders import CollectOrder
from guichet.domain.outcomes import Done, Notice, Outcome, Reason, Redirect, Refused, Reply, Waiting
from guichet.domain.payments import CustomerDetails, NewPayment, Payment
from guichet.gateway import Gateway
from guichet.rails.port import ForgedNotice, Inbound, RailCard, RailUnavailable
from guichet.services import checkout
from guichet.services.payments import create_payment
from guichet.services.settlement import record_outcome
from guichet.store.attempts import latest
from outbound.listeners import Handler, Listener, Writer, answer, listening

RAIL = "open_banking"
SECRET = b"0123456789abcdef0123456789abcdef"


_CARD = RailCard(RAIL, frozenset({"GBP"}), "a header", frozenset({"moved"}), True, 0)


@dataclass
class ScriptedRail:
    """Says what it is told to; notices are believed if they carry the header ``proof``."""

    card: RailCard = _CARD
    says: Outcome = field(default_factory=Waiting)
    is_away: bool = False
    asked: list[Reply | None] = field(default_factory=list)
    cancelled: int = 0

    async def begin(self, order: CollectOrder) -> Outcome:
        return Waiting(
            next_step=Redirect("https://bank.example/login"),
            provider_reference=f"ref-{order.key}",
            look_again_seconds=3600,
        )

    async def advance(self, _order: CollectOrder, reply: Reply | None = None) -> Outcome:
        self.asked.append(reply)
        if self.is_away:
            raise RailUnavailable
        return self.says

    async def cancel(self, _order: CollectOrder) -> Outcome:
        if self.is_away:
            raise RailUnavailable
        self.cancelled += 1
        return Refused(reason=Reason.TIMED_OUT)

    def hear(self, inbound: Inbound) -> Sequence[Notice]:
        if "proof" not in inbound.headers:
            raise ForgedNotice
        return [Notice(**each) for each in json.loads(inbound.body)["named"]]

    async def institutions(self) -> Sequence[Institution]:
        return [
            Institution(
                0, RAIL, "modelo-sandbox", "Modelo", "sandbox", ("GB",), None, None, True, True
            )
        ]


def paid(minor: int = 500) -> Done:
    return Done(received=Money(minor, "GBP"))


async def new_payment(
    gateway: Gateway, application_id: UUID, notify_url: str | None = None
) -> Payment:
    application = gateway.access.application(application_id)
    assert application is not None
    view = await create_payment(
        gateway,
        Caller(application, None),
        NewPayment(
            rail=RAIL,
            institution_key="modelo-sandbox",
            money=Money(500, "GBP"),
            customer=CustomerDetails(None, "payer@example.com", {"email": "payer@example.com"}),
            reference="INV 1",
            notify_url=notify_url,
            request_key=None,
            request_hash=None,
        ),
    )
    return view.payment


async def new_attempt(gateway: Gateway, payment: Payment) -> Attempt:
    token = gateway.vault.token("checkout", payment.id.bytes)
    view = await checkout.start_attempt(gateway, payment.id, token, None)
    assert view.attempt is not None
    return view.attempt


async def completed_payment(gateway: Gateway, application_id: UUID, notify_url: str) -> Payment:
    """A payment that was paid, with its notification waiting to be delivered."""
    payment = await new_payment(gateway, application_id, notify_url)
    attempt = await new_attempt(gateway, payment)
    await record_outcome(gateway, attempt.id, paid())
    return payment


async def attempt_of(gateway: Gateway, payment: Payment) -> Attempt:
    async with gateway.database.connection() as connection:
        attempt = await latest(connection, payment.id)
    assert attempt is not None
    return attempt


async def rows(gateway: Gateway, sql: str, *arguments: object) -> list[dict[str, Any]]:
    async with gateway.database.connection() as connection:
        return [dict(record) for record in await connection.fetch(sql, *arguments)]


@dataclass(frozen=True)
class Received:
    """One request as a receiver saw it; header names are lower-case."""

    headers: dict[str, str]
    body: bytes

    @classmethod
    def parse(cls, request: bytes) -> Received:
        head, _, body = request.partition(b"\r\n\r\n")
        lines = [line.partition(": ") for line in head.decode().split("\r\n")[1:]]
        return cls({name.lower(): value for name, _, value in lines}, body)

    @property
    def payment(self) -> dict[str, Any]:
        payment: dict[str, Any] = json.loads(self.body)["payment"]
        return payment

    def verify(self, secret: bytes = SECRET) -> None:
        """By the reference implementation of Standard Webhooks; raises if anything is wrong."""
        Webhook(secret).verify(self.body, self.headers)


class Receiver:
    """A merchant's server on a real port, answering by ``handler``."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.listener = Listener()
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def url(self) -> str:
        return f"{self.listener.url}/hook"

    @property
    def received(self) -> list[Received]:
        return [Received.parse(request) for request in self.listener.requests]

    async def has(self, count: int) -> None:
        """Wait until ``count`` requests have come."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.listener.requests) >= count)

    async def handle(self, request: bytes, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        async with self._changed:
            self._changed.notify_all()
        try:
            await self.handler(request, writer)
        except asyncio.CancelledError:
            raise ConnectionError from None  # which ends the connection like any other

    async def close(self) -> None:
        """Let go of everyone who still waits for an answer."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def receiving(handler: Handler | None = None) -> AsyncIterator[Receiver]:
    receiver = Receiver(handler or answer())
    async with listening(receiver.handle) as receiver.listener:
        try:
            yield receiver
        finally:
            await receiver.close()
    for each in receiver.received:
        judge_notice(each.headers, each.body)


async def hang(_request: bytes, _writer: Writer) -> None:
    """Take the request and say nothing."""
    await asyncio.Event().wait()
