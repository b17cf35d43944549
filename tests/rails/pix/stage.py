"""A stage for the connector: the simulated PSP over mutual TLS, and every request judged."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

from guichet.domain.clock import MovableClock
from guichet.domain.money import Money
from guichet.domain.orders import CollectOrder, Payee, Payer, ProviderAccount, RefundOrder
from guichet.domain.outcomes import Done, Outcome, Refused, ShowCode, TakenBack, Waiting
from guichet.outbound.client import GuardedClient
from guichet.outbound.policy import ANYWHERE
from guichet.rails.pix.brcode import read
from guichet.rails.pix.rail import PixRail
from guichet.simulators.pix import ApiServer, Certificates, build_simulator, make_certificates
from judge import Judge
from outbound.listeners import untrusting
from rails.stage import JudgedClient, after

CLIENT_ID = "guichet-simulator"
SECRET = "guichet-simulator-secret"
PIX_KEY = "7d9f0335-8dcc-4054-9bf9-0dbd61d36906"
PSP_SUBJECT = "CN=Banco Guara webhooks,O=Guichet simulation, not a bank"
PAYEE = Payee(
    id=uuid.UUID(int=1),
    name="Loja Guichê",
    country="BR",
    bank_name="Banco Guará",
    account="",
    bic="",
)


@dataclass(frozen=True)
class Psp:
    """Where the simulated PSP is, and the settings of the account there."""

    site: str
    api: str
    settings: dict[str, str] = field(repr=False)


def new_order(**changes: Any) -> CollectOrder:
    """An order of 122.44 BRL of a payer with a CPF, with a key of its own."""
    order = CollectOrder(
        key=uuid.uuid4().hex,
        environment="sandbox",
        money=Money(12_244, "BRL"),
        payee=PAYEE,
        reference="Pedido 42",
        institution_code="",
        return_url="http://127.0.0.1:9/return/attempt/token",
        expires_at=datetime.now(UTC) + timedelta(minutes=15),
        payer=Payer("Maria Souza", "063.727.713-90"),
        payer_address="203.0.113.7",
    )
    return replace(order, **changes)


def recorded(order: CollectOrder, outcome: Outcome) -> CollectOrder:
    """The order as the core would hand it to the rail next time."""
    order = after(order, outcome)
    if isinstance(outcome, Done):
        received_minor = max(order.received_minor, outcome.received.minor)
        return replace(order, open=False, received_minor=received_minor)
    if isinstance(outcome, TakenBack) and outcome.returned is not None:
        return replace(order, returned_minor=max(order.returned_minor, outcome.returned.minor))
    return replace(order, open=False) if isinstance(outcome, Refused) else order


@dataclass(frozen=True)
class Truth:
    """What the simulator's book says: ``refunded_minor`` went back at our wish, or may still."""

    charges: list[Any]
    payments: list[Any]
    received_minor: int
    refunded_minor: int
    taken_minor: int


@dataclass
class Stage:
    """The simulated PSP, its control API and a connector to it."""

    psp: Psp
    client: JudgedClient
    rail: PixRail
    control_client: GuardedClient
    clock: MovableClock
    account: ProviderAccount

    def __repr__(self) -> str:
        return "<Stage>"  # a failure is no place for keys

    def order(self, **changes: Any) -> CollectOrder:
        return new_order(**{"account": self.account} | changes)

    async def control(self, name: str, method: str = "POST", **asked: Any) -> Any:
        """Call the control API; the answer."""
        answer = await self.control_client.send(
            method,
            f"{self.psp.site}/_control/{name}",
            policy=ANYWHERE,
            timeout_seconds=5,
            body=msgspec.json.encode(asked) if method == "POST" else b"",
            limit_bytes=1_000_000,
        )
        assert answer.status == 200, answer.body
        return msgspec.json.decode(answer.body)

    async def fault(self, operation: str, kind: str, **more: Any) -> None:
        await self.control("faults", operation=operation, kind=kind, **more)

    async def pay(self, order: CollectOrder, **how: Any) -> list[str]:
        """The payer pays the order's charge; the end-to-end ids of what arrived."""
        told = await self.control("pay", txid=order.key, **how)
        return [each["endToEndId"] for each in told["payments"]]

    async def move(self, by: timedelta) -> None:
        """Time passes, here and at the PSP."""
        self.clock.move(by)
        await self.control("clock", advance_seconds=by.total_seconds())

    async def truth(self, order: CollectOrder) -> Truth:
        """What the simulator's own book says about the order."""
        state = await self.control("state", "GET")
        payments = [each for each in state["payments"] if each["txid"] == order.key]
        returns = [back for each in payments for back in each["returns"]]
        return Truth(
            charges=[each for each in state["charges"] if each["txid"] == order.key],
            payments=payments,
            received_minor=sum(_cents(each) for each in payments),
            refunded_minor=sum(
                _cents(back)
                for back in returns
                if back["nature"] == "ORIGINAL" and back["status"] != "NAO_REALIZADO"
            ),
            taken_minor=sum(
                _cents(back)
                for back in returns
                if back["nature"] != "ORIGINAL" and back["status"] == "DEVOLVIDO"
            ),
        )

    async def calls(self) -> dict[str, int]:
        """How often each operation was called."""
        counts: dict[str, int] = (await self.control("state", "GET"))["calls"]
        return counts


def _cents(entry: Any) -> int:
    return int(entry["amount"].replace(".", ""))


def code_in(outcome: Outcome) -> str:
    """The code that the payer is shown."""
    assert isinstance(outcome, Waiting)
    assert isinstance(outcome.next_step, ShowCode)
    assert read(outcome.next_step.text).location
    return outcome.next_step.text


async def begun(stage: Stage, **changes: Any) -> CollectOrder:
    """An order whose payer is shown the code."""
    order = stage.order(**changes)
    outcome = await stage.rail.begin(order)
    assert isinstance(outcome, Waiting)
    return recorded(order, outcome)


async def looked(stage: Stage, order: CollectOrder, times: int = 1) -> tuple[CollectOrder, Outcome]:
    """The order and the outcome after so many looks."""
    outcome: Outcome = Waiting()
    for _ in range(times):
        outcome = await stage.rail.advance(order)
        order = recorded(order, outcome)
    return order, outcome


async def paid(stage: Stage, **how: Any) -> CollectOrder:
    """An order that was paid, as the core knows it then."""
    order = await begun(stage)
    await stage.pay(order, **how)
    order, outcome = await looked(stage, order)
    assert isinstance(outcome, Done)
    return order


def refund_of(order: CollectOrder, minor: int = 12_244) -> RefundOrder:
    """A refund with a key of its own."""
    return RefundOrder(uuid.uuid4().hex, Money(minor, order.money.currency), order)


async def asked(stage: Stage, refund: RefundOrder, times: int = 1) -> tuple[RefundOrder, Outcome]:
    """The refund and the outcome after so many calls."""
    outcome: Outcome = Waiting()
    for _ in range(times):
        outcome = await stage.rail.refund(refund)
        reference = outcome.provider_reference or refund.provider_reference
        refund = dataclasses.replace(refund, provider_reference=reference)
    return refund, outcome


def settings_of(certificates: Certificates, api_url: str, token_url: str) -> dict[str, str]:
    """The settings of the account that every simulated PSP begins with."""
    gateway = certificates.gateway
    return {
        "base_url": api_url,
        "token_url": token_url,
        "client_id": CLIENT_ID,
        "client_secret": SECRET,
        "pix_key": PIX_KEY,
        "city": "São Paulo",
        "certificate": gateway.certificate.read_text(),
        "private_key": gateway.key.read_text(),
        "ca": certificates.authority.read_text(),
        "webhook_subject": PSP_SUBJECT,
    }


@contextmanager
def simulated_psp(folder: Path) -> Iterator[Psp]:
    """A PSP on real ports, in a thread of its own."""
    certificates = make_certificates(folder)
    # With the protocol named, or asyncio leaves Nagle on and every answer waits 40 ms.
    with (
        socket.socket(proto=socket.IPPROTO_TCP) as site,
        socket.socket(proto=socket.IPPROTO_TCP) as api,
    ):
        for listener in (site, api):
            listener.bind(("127.0.0.1", 0))
            listener.listen()
        site_url = f"http://127.0.0.1:{site.getsockname()[1]}"
        simulator = build_simulator(
            f"https://127.0.0.1:{api.getsockname()[1]}", site_url, return_seconds=0
        )
        config = uvicorn.Config(
            simulator.site, log_level="critical", lifespan="off", timeout_graceful_shutdown=1
        )
        servers = [uvicorn.Server(config), ApiServer(simulator.api, certificates)]

        async def serve() -> None:
            pairs = zip(servers, (site, api), strict=True)
            await asyncio.gather(*(server.serve([listener]) for server, listener in pairs))

        thread = threading.Thread(target=asyncio.run, args=[serve()])
        thread.start()
        settings = settings_of(certificates, simulator.api_url, simulator.token_url)
        yield Psp(site_url, simulator.api_url, settings)
        for server in servers:
            server.should_exit = True
        thread.join()


@asynccontextmanager
async def staged(psp: Psp, judge: Judge | None, timeout_seconds: float = 5) -> AsyncIterator[Stage]:
    """A connector to the simulated PSP, which forgets all it knew."""
    async with JudgedClient(judge, psp.api) as client, GuardedClient(untrusting()) as control:
        clock = MovableClock()
        rail = PixRail(client, "sandbox", timeout_seconds, clock=clock)
        account = ProviderAccount(uuid.uuid4(), psp.settings)
        stage = Stage(psp, client, rail, control, clock, account)
        await stage.control("reset")
        yield stage
