"""A stage for the connector: the simulated Yapily on a real port, and every request judged."""

from __future__ import annotations

import socket
import ssl
import threading
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import uvicorn

from guichet.domain.clock import MovableClock
from guichet.domain.money import Money
from guichet.domain.orders import CollectOrder, Payee
from guichet.domain.outcomes import Outcome, Reply, Waiting
from guichet.outbound.client import Answer, GuardedClient
from guichet.outbound.policy import ANYWHERE, Policy
from guichet.rails.yapily.rail import YapilyRail
from guichet.simulators.yapily import build_app
from judge import Judge
from outbound.listeners import untrusting

APPLICATION_ID = "application"
SECRET = "canary-of-the-application-secret"
PAYEE = Payee(
    id=uuid.UUID(int=1),
    name="Demo Shop Ltd",
    country="GB",
    bank_name="Demo Bank",
    account="GB33BUKB20201555555555",
    bic="BUKBGB22",
)


@dataclass(frozen=True)
class Sent:
    """One request of the connector."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes


class JudgedClient(GuardedClient):
    """The guarded client, which has every request below ``base_url`` judged before it leaves."""

    def __init__(self, judge: Judge | None, base_url: str = "") -> None:
        super().__init__(untrusting())
        self._judge = judge
        self._base_url = base_url
        self.sent: list[Sent] = []

    async def send(
        self,
        method: str,
        url: str,
        *,
        policy: Policy,
        timeout_seconds: float,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        limit_bytes: int = 65_536,
        identity: ssl.SSLContext | None = None,
        about: str = "other",
    ) -> Answer:
        self.sent.append(Sent(method, url, dict(headers or {}), body))
        if self._judge is not None and url.startswith(self._base_url):
            self._judge.request(method, url, headers=headers, body=body)
        return await super().send(
            method,
            url,
            policy=policy,
            timeout_seconds=timeout_seconds,
            headers=headers,
            body=body,
            limit_bytes=limit_bytes,
            identity=identity,
            about=about,
        )


def new_order(**changes: Any) -> CollectOrder:
    """An order of 122.44 GBP to the demo payee with a key of its own."""
    order = CollectOrder(
        key=uuid.uuid4().hex,
        environment="sandbox",
        money=Money(12_244, "GBP"),
        payee=PAYEE,
        reference="Order 42",
        institution_code="modelo-sandbox",
        return_url="http://127.0.0.1:9/return/attempt/token",
        expires_at=datetime.now(UTC) + timedelta(minutes=15),
        payer_address="203.0.113.7",
    )
    return replace(order, **changes)


def after(order: CollectOrder, outcome: Outcome) -> CollectOrder:
    """The order as the core would hand it to the rail next time."""
    return replace(
        order,
        memory=order.memory if outcome.memory is None else outcome.memory,
        provider_reference=outcome.provider_reference or order.provider_reference,
    )


@dataclass
class Stage:
    """The simulator, its control API and a connector to it."""

    base_url: str
    client: JudgedClient
    rail: YapilyRail
    control_client: GuardedClient
    clock: MovableClock

    async def control(self, name: str, **asked: Any) -> Any:
        """POST to the control API (GET ``state``); the answer."""
        answer = await self.control_client.send(
            "GET" if name == "state" else "POST",
            f"{self.base_url}/_control/{name}",
            policy=ANYWHERE,
            timeout_seconds=5,
            body=b"" if name == "state" else msgspec.json.encode(asked),
            limit_bytes=1_000_000,
        )
        assert answer.status == 200, answer.body
        return msgspec.json.decode(answer.body)

    async def fault(self, operation: str, kind: str, **more: Any) -> None:
        await self.control("faults", operation=operation, kind=kind, **more)

    async def decide(self, decision: str, order: CollectOrder, **more: Any) -> Reply:
        """The payer (or the bank) decides; what the browser then brings back."""
        told = await self.control(
            "decide", decision=decision, paymentIdempotencyId=order.key, **more
        )
        query = urlsplit(told.get("callback") or "").query
        return Reply(parameters=dict(parse_qsl(query)))

    async def movements(self, order: CollectOrder) -> list[Decimal]:
        """What the simulator's own book says was moved for this order."""
        state = await self.control("state")
        return [
            Decimal(movement["amount"])
            for payment in state["payments"]
            if payment["paymentIdempotencyId"] == order.key
            for movement in payment["movements"]
        ]

    async def consent_statuses(self, order: CollectOrder) -> list[str]:
        state = await self.control("state")
        return [
            each["status"]
            for each in state["consents"]
            if each["paymentIdempotencyId"] == order.key
        ]


async def begun(stage: Stage, **changes: object) -> CollectOrder:
    """An order whose payer is at the bank."""
    order = new_order(**changes)
    return after(order, await stage.rail.begin(order))


async def looked(
    stage: Stage, order: CollectOrder, reply: Reply | None = None, times: int = 1
) -> tuple[CollectOrder, Outcome]:
    """The order and the outcome after so many looks."""
    outcome: Outcome = Waiting()
    for _ in range(times):
        outcome = await stage.rail.advance(order, reply)
        order, reply = after(order, outcome), None
    return order, outcome


@contextmanager
def simulator() -> Iterator[str]:
    """The simulator under uvicorn in a thread of its own; its address."""
    # With the protocol named, or asyncio leaves Nagle on and every answer waits 40 ms.
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = build_app(base_url, APPLICATION_ID, SECRET)
        config = uvicorn.Config(app, log_level="critical", lifespan="off", loop="asyncio")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield base_url
        server.should_exit = True
        thread.join()


@asynccontextmanager
async def staged(
    base_url: str, judge: Judge | None, timeout_seconds: float = 5
) -> AsyncIterator[Stage]:
    """A connector to the simulator at ``base_url``, which forgets all it knew."""
    async with JudgedClient(judge) as client, GuardedClient(untrusting()) as control:
        clock = MovableClock()
        rail = YapilyRail(
            client, base_url, APPLICATION_ID, SECRET, "sandbox", timeout_seconds, clock
        )
        stage = Stage(base_url, client, rail, control, clock)
        await stage.control("reset")
        yield stage
