"""A stage for both connectors: the simulated operators on a real port, and every request judged."""

from __future__ import annotations

import socket
import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import msgspec
import uvicorn

from guichet.domain.clock import MovableClock
from guichet.domain.money import Money
from guichet.domain.orders import (
    CollectOrder,
    Destination,
    Payee,
    Payer,
    ProviderAccount,
    RefundOrder,
    SendOrder,
)
from guichet.domain.outcomes import Done, Outcome, Waiting
from guichet.outbound.client import GuardedClient
from guichet.outbound.policy import ANYWHERE
from guichet.rails.gsma.account import GsmaAccount
from guichet.rails.gsma.rail import GsmaRail
from guichet.rails.mtn.account import MtnAccount
from guichet.rails.mtn.rail import MtnRail
from guichet.simulators.operator import Credentials, build_app
from judge import Judge
from outbound.listeners import untrusting
from rails.stage import JudgedClient

SECRETS = ("canary-of-the-api-key", "canary-of-the-subscription-key")
CREDENTIALS = Credentials("guichet-simulator", *SECRETS)
PAYEE = Payee(
    id=uuid.UUID(int=1),
    name="Boutique Démo",
    country="CM",
    bank_name="Banque Démo",
    account="CM2110002000300277976315008",
    bic="DEMOCMCX",
)
NAMES = ("mtn", "gsma")
Rails = MtnRail | GsmaRail


@dataclass(frozen=True)
class Provider:
    """What differs between the two: numbers, names of the simulator's operations."""

    name: str
    operator: str
    first: int
    order: str
    look: str
    send: str
    refund: str
    refund_look: str

    def number(self, distance: int) -> str:
        """A test number, as E.164."""
        return f"+{self.first + distance}"


PROVIDERS = {
    "mtn": Provider(
        "mtn",
        "cm.mtn",
        237670000000,
        "mtn_request_to_pay",
        "mtn_request_to_pay_status",
        "mtn_transfer",
        "mtn_refund",
        "mtn_refund_status",
    ),
    "gsma": Provider(
        "gsma",
        "cm.orange",
        237690000000,
        "gsma_merchantpay",
        "gsma_state",
        "gsma_disbursement",
        "gsma_reversal",
        "gsma_state",
    ),
}


def mtn_account(url: str, **changes: str) -> MtnAccount:
    user, secret, key = CREDENTIALS.user, CREDENTIALS.secret, CREDENTIALS.key
    account = MtnAccount(
        base_url=f"{url}/mtn",
        target_environment="mtncameroon",
        collection_subscription_key=key,
        collection_api_user=user,
        collection_api_key=secret,
        disbursement_subscription_key=key,
        disbursement_api_user=user,
        disbursement_api_key=secret,
    )
    return replace(account, **changes)


def gsma_account(url: str, **changes: str) -> GsmaAccount:
    account = GsmaAccount(
        base_url=f"{url}/gsma/cm.orange",
        client_id=CREDENTIALS.user,
        client_secret=CREDENTIALS.secret,
        api_key=CREDENTIALS.key,
        currency="XAF",
        merchant="organisationid@boutique",
    )
    return replace(account, **changes)


def after_send(order: SendOrder, outcome: Outcome) -> SendOrder:
    """The order as the core would hand it to the rail next time."""
    return replace(
        order,
        memory=order.memory if outcome.memory is None else outcome.memory,
        provider_reference=outcome.provider_reference or order.provider_reference,
    )


def after_refund(order: RefundOrder, outcome: Outcome, clock: MovableClock) -> RefundOrder:
    """The order as the core would hand it to the rail next time: not for the first time."""
    reference = outcome.provider_reference or order.provider_reference
    asked_at = order.asked_at or clock.now()
    return replace(order, provider_reference=reference, asked_at=asked_at)


def after(order: CollectOrder, outcome: Outcome) -> CollectOrder:
    """The order as the core would hand it to the rail next time."""
    received = outcome.received.minor if isinstance(outcome, Done) else order.received_minor
    return replace(
        order,
        memory=order.memory if outcome.memory is None else outcome.memory,
        provider_reference=outcome.provider_reference or order.provider_reference,
        received_minor=received,
    )


@dataclass
class OrderStage:
    """A simulator, its control API and one connector to it: what a test of any of them needs."""

    url: str
    client: JudgedClient
    rail: Any
    control_client: GuardedClient
    clock: MovableClock

    async def control(self, name: str, **asked: Any) -> Any:
        """POST to the control API (GET ``state``, DELETE ``no-faults``); the answer."""
        method = {"state": "GET", "no-faults": "DELETE"}.get(name, "POST")
        answer = await self.control_client.send(
            method,
            f"{self.url}/_control/{name.removeprefix('no-')}",
            policy=ANYWHERE,
            timeout_seconds=5,
            body=msgspec.json.encode(asked) if method == "POST" else b"",
            limit_bytes=4_000_000,
        )
        assert answer.status in (200, 409), answer.body
        return msgspec.json.decode(answer.body)

    async def fault(self, operation: str, kind: str, **more: Any) -> None:
        """A fault for one of the simulator's operations."""
        await self.control("faults", operation=operation, kind=kind, **more)

    async def known(self, key: str) -> list[dict[str, Any]]:
        """What the simulator's book says of all that was ordered under our key."""
        raise NotImplementedError

    async def moved(self, key: str) -> int:
        """By how much the merchant's account changed by our order."""
        return sum(int(each["moved"]) for each in await self.known(key))

    async def decide(self, key: str, decision: str, **more: Any) -> None:
        """End what is open of our order."""
        raise NotImplementedError

    def order(self, distance: int = 0, **changes: Any) -> CollectOrder:
        """An order of 5000 XAF from a test number, with a key of its own."""
        order = CollectOrder(
            key=uuid.uuid4().hex,
            environment="sandbox",
            money=Money(5000, "XAF"),
            payee=PAYEE,
            reference="Facture n° 42 de l'été",
            institution_code="",
            return_url="http://127.0.0.1:9/return/attempt/token",
            expires_at=self.clock.now() + timedelta(minutes=15),
            payer=Payer(phone=self.number(distance)),
            channel=self.channel,
        )
        return replace(order, **changes)

    def transfer(self, distance: int = 0, **changes: Any) -> SendOrder:
        """An order to send 5000 XAF to a test number."""
        order = SendOrder(
            key=uuid.uuid4().hex,
            environment="sandbox",
            money=Money(5000, "XAF"),
            destination=Destination("Amina Kamga", self.channel, self.number(distance), "CM"),
            reference="Facture 42",
            description="Salaire d'août",
        )
        return replace(order, **changes)

    @property
    def channel(self) -> str:
        """The operator of the test numbers."""
        raise NotImplementedError

    def number(self, distance: int) -> str:
        """A test number, as E.164."""
        raise NotImplementedError

    async def begun(self, distance: int = 0, **changes: Any) -> tuple[CollectOrder, Outcome]:
        order = self.order(distance, **changes)
        outcome = await self.rail.begin(order)
        return after(order, outcome), outcome

    async def looked(self, order: CollectOrder) -> tuple[CollectOrder, Outcome]:
        outcome = await self.rail.advance(order)
        return after(order, outcome), outcome

    async def paid(self, distance: int = 0) -> CollectOrder:
        """A payment that completed."""
        order, outcome = await self.begun(distance)
        if isinstance(outcome, Waiting):
            order, outcome = await self.looked(order)
        assert isinstance(outcome, Done), outcome
        return order

    def refund(self, collected: CollectOrder, minor: int = 5000) -> RefundOrder:
        """A new refund of a payment."""
        return RefundOrder(uuid.uuid4().hex, Money(minor, collected.money.currency), collected)


@dataclass
class Stage(OrderStage):
    """One of the simulated operators, and the connector to it."""

    provider: Provider
    callback_url: str | None = None

    @property
    def channel(self) -> str:
        return self.provider.operator

    def number(self, distance: int) -> str:
        return self.provider.number(distance)

    async def fault(self, operation: str, kind: str, **more: Any) -> None:
        """A fault for one of the connector's operations: order, look, send, refund…"""
        name = getattr(self.provider, operation, operation)
        await self.control("faults", operation=name, kind=kind, **more)

    async def request(self, key: str) -> dict[str, Any] | None:
        """What the simulator's book says of our order."""
        state = await self.control("state")
        name = str(uuid.UUID(key))
        found = [each for each in state["requests"] if each["key"] == name]
        assert len(found) <= 1
        return found[0] if found else None

    async def known(self, key: str) -> list[dict[str, Any]]:
        request = await self.request(key)
        return [] if request is None else [request]

    async def decide(self, key: str, decision: str, **more: Any) -> None:
        await self.control("decide", request=str(uuid.UUID(key)), decision=decision, **more)


@contextmanager
def simulator() -> Iterator[str]:
    """The simulator under uvicorn in a thread of its own; its address."""
    # With the protocol named, or asyncio leaves Nagle on and every answer waits 40 ms.
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            build_app(url, CREDENTIALS), log_level="critical", lifespan="off", loop="asyncio"
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield url
        server.should_exit = True
        thread.join()


def rail_of(
    name: str,
    url: str,
    client: GuardedClient,
    clock: MovableClock,
    callback_url: str | None = None,
    timeout_seconds: float = 5,
) -> Rails:
    """The connector with the simulator's credentials as its default account."""

    def called_back(_account: ProviderAccount | None) -> str | None:
        return callback_url

    if name == "mtn":
        return MtnRail(client, "sandbox", timeout_seconds, called_back, mtn_account(url), clock)
    return GsmaRail(client, "sandbox", timeout_seconds, called_back, gsma_account(url), clock)


@asynccontextmanager
async def staged(
    name: str, url: str, judge: Judge | None, callback_url: str | None = None
) -> AsyncIterator[Stage]:
    """A connector to the simulator at ``url``, which forgets all it knew."""
    async with JudgedClient(judge) as client, GuardedClient(untrusting()) as control:
        clock = MovableClock()
        rail = rail_of(name, url, client, clock, callback_url)
        stage = Stage(url, client, rail, control, clock, PROVIDERS[name], callback_url)
        await stage.control("reset")
        yield stage
