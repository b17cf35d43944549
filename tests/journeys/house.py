"""A whole server in this process, for journeys: API, pages, worker, simulated bank, one port."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import httpx2

from conftest import DatabaseUrls
from gateways import APPLICATION_ID, SECRET_KEY, TOKEN, seed
from guichet.bootstrap import SIMULATORS_PATH, build_gateway, close_gateway
from guichet.domain.clock import MovableClock
from guichet.gateway import Gateway
from guichet.server.http import HttpServer, bind
from guichet.server.simulation import Simulation
from guichet.server.site import Site
from guichet.settings import Settings
from guichet.simulators.yapily.app import build_app as build_yapily
from guichet.store.audit import findings
from guichet.web.asgi import Receive, Scope, Send
from guichet.worker.loop import Worker
from relay import judging_hooks

Answer = TypeVar("Answer")

_PATIENCE_SECONDS = 30.0
_NOTICE_SECRET = "the-secret-of-the-journeys"


async def until(look: Callable[[], Awaitable[Answer]], holds: Callable[[Answer], bool]) -> Answer:
    """What ``look`` answers once ``holds`` says so; fails when that takes too long."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not holds(answer := await look()):
        assert time.monotonic() < deadline, f"still {answer}"
        await asyncio.sleep(0.05)
    return answer


@dataclass
class Shop:
    """A merchant's own site: takes notifications by POST and payers by GET."""

    url: str = ""
    notifications: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    visits: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        if scope["method"] == "POST":
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            self.notifications.append((headers, body))
        elif scope["path"] == "/done":
            self.visits.append(scope["query_string"].decode())
        html = [(b"content-type", b"text/html")]
        await send({"type": "http.response.start", "status": 200, "headers": html})
        page = b"<!doctype html><html lang=en><title>Shop</title><link rel=icon href=data:,>"
        await send({"type": "http.response.body", "body": page + b"<h1>Thanks</h1>"})

    @property
    def statuses(self) -> list[str]:
        """The payment's status in each notification, in their order."""
        return [json.loads(body)["payment"]["status"] for _, body in self.notifications]

    async def has_heard(self, status: str) -> None:
        """Wait for the notification of ``status``."""

        async def heard() -> list[str]:
            return self.statuses

        await until(heard, lambda statuses: status in statuses)


@asynccontextmanager
async def opened_shop() -> AsyncIterator[Shop]:
    """A shop on a port of its own."""
    shop = Shop()
    listener = bind("127.0.0.1", 0)
    shop.url = f"http://127.0.0.1:{listener.getsockname()[1]}/done"
    server = HttpServer(shop, listener)
    server.start()
    try:
        yield shop
    finally:
        await server.stop()


@dataclass
class House:
    """The running server, and what a merchant and an operator can do with it."""

    base_url: str
    gateway: Gateway
    clock: MovableClock
    worker: Worker
    client: httpx2.AsyncClient
    database_url: str

    async def create(self, shop: Shop | None = None, **changes: Any) -> dict[str, Any]:
        """A payment as the API answers it: 350.41 GBP at Modelo Sandbox unless told otherwise."""
        order: dict[str, Any] = {
            "serviceId": "api",
            "institutionId": 20,
            "payment": {"amount": 350.41, "currency": "GBP"},
            "customer": {"email": "jhondoe@email.com", "country": "GB"},
            "reference": "JHONDOE-42",
        } | changes
        if shop is not None:
            order["callback_url"] = shop.url
        reply = await self.client.post("/api/payments", json=order)
        assert reply.status_code == 200, reply.text
        made: dict[str, Any] = reply.json()["payment"]
        return made

    async def status(self, payment: dict[str, Any]) -> str:
        """Neopay's word for where the payment stands."""
        reply = await self.client.get(f"/api/payments/{payment['id']}")
        word: str = reply.json()["payment"]["status"]
        return word

    async def becomes(self, payment: dict[str, Any], word: str, **meanwhile: float) -> None:
        """Wait until the API says so; before each look so much time passes."""

        async def look() -> str:
            self.pass_time(**meanwhile)
            return await self.status(payment)

        await until(look, lambda status: status == word)

    async def control(self, method: str, what: str, **asked: Any) -> dict[str, Any]:
        """One call of the simulator's control API."""
        path = f"{SIMULATORS_PATH}/yapily/_control/{what}"
        reply = await self.client.request(method, path, json=asked or None)
        assert reply.status_code == 200, reply.text
        answer: dict[str, Any] = reply.json()
        return answer

    async def hear_the_bank(self) -> None:
        """Let the simulator send its notices to us."""
        url = f"{self.base_url}/notices/yapily/sandbox/{_NOTICE_SECRET}"
        await self.control("POST", "webhook", url=url)

    async def psp(self, method: str, what: str, **asked: Any) -> dict[str, Any]:
        """One call of the PIX simulator's control API."""
        path = f"{SIMULATORS_PATH}/pix/_control/{what}"
        reply = await self.client.request(method, path, json=asked or None)
        assert reply.status_code == 200, reply.text
        answer: dict[str, Any] = reply.json()
        return answer

    async def publish(self, **fields: Any) -> dict[str, Any]:
        """A link as the API answers it, published: an iPhone for 350.41 unless told otherwise."""
        order: dict[str, Any] = {"product": "Iphone 14 Pro", "amount": 350.41} | fields
        reply = await self.client.post("/api/links", json=order)
        assert reply.status_code == 200, reply.text
        reply = await self.client.patch(f"/api/links/{reply.json()['data']['id']}/publish")
        assert reply.status_code == 200, reply.text
        link: dict[str, Any] = reply.json()["data"]
        return link

    async def payments(self) -> list[dict[str, Any]]:
        """The application's payments as the API lists them, newest first."""
        reply = await self.client.get("/api/payments")
        assert reply.status_code == 200, reply.text
        listed: list[dict[str, Any]] = reply.json()["data"]
        return listed

    async def bank_payments(self) -> list[dict[str, Any]]:
        """The bank's own book: each payment with the movements of its money."""
        payments: list[dict[str, Any]] = (await self.control("GET", "state"))["payments"]
        return payments

    async def bank_consents(self) -> list[dict[str, Any]]:
        """The authorisations that were asked for."""
        consents: list[dict[str, Any]] = (await self.control("GET", "state"))["consents"]
        return consents

    def pass_time(self, **by: float) -> None:
        """Move the gateway's clock and let the worker look at once."""
        self.clock.move(timedelta(**by))
        self.worker.wake()

    async def query(self, sql: str, *arguments: object) -> list[Any]:
        """Rows of the database."""
        connection = await asyncpg.connect(self.database_url)
        try:
            return list(await connection.fetch(sql, *arguments))
        finally:
            await connection.close()

    async def books(self) -> dict[str, int]:
        """The balance of every account that is not zero, after an audit that finds nothing."""
        connection = await asyncpg.connect(self.database_url)
        try:
            assert await findings(connection) == []
        finally:
            await connection.close()
        rows = await self.query(
            "SELECT code, balance_minor FROM ledger_accounts WHERE balance_minor <> 0"
        )
        return {row["code"]: row["balance_minor"] for row in rows}


@asynccontextmanager
async def opened_house(
    urls: DatabaseUrls, bank_host: str = "127.0.0.1", folder: Path | None = None
) -> AsyncIterator[House]:
    """The server on a port of its own; its banks are reached under ``bank_host``.

    With a ``folder`` for its certificates there is a PSP for Pix, too.
    """
    await seed(urls.owner_url)
    listener = bind("127.0.0.1", 0)
    port = listener.getsockname()[1]
    settings = Settings(
        port=port, yapily_webhook_secret=_NOTICE_SECRET, data_dir=folder or Path("var")
    )
    path = f"{SIMULATORS_PATH}/yapily"
    yapily = build_yapily(
        f"http://{bank_host}:{port}{path}",
        settings.yapily_sandbox_id,
        settings.yapily_sandbox_secret,
    )
    simulation = Simulation(settings) if folder else None
    settings = simulation.settings if simulation else settings
    site = Site((simulation.mounts if simulation else {}) | {path: yapily})
    server = HttpServer(site, listener)
    clock = MovableClock()
    async with AsyncExitStack() as stack:
        server.start()
        stack.push_async_callback(server.stop)
        if simulation:
            simulation.start(site)
            stack.push_async_callback(simulation.stop)
        gateway = await build_gateway(settings, urls.serving_url, SECRET_KEY, clock)
        stack.push_async_callback(close_gateway, gateway)
        site.open(gateway)
        if simulation:
            await simulation.connect(gateway)
        worker = Worker(gateway)
        work = asyncio.create_task(worker.run())
        stack.push_async_callback(asyncio.wait_for, work, _PATIENCE_SECONDS)
        stack.push_async_callback(worker.stop)
        stack.push_async_callback(server.stop)
        headers = {"x-app-key": str(APPLICATION_ID), "authorization": TOKEN}
        client = await stack.enter_async_context(
            httpx2.AsyncClient(
                base_url=settings.base_url, headers=headers, event_hooks=judging_hooks()
            )
        )
        yield House(settings.base_url, gateway, clock, worker, client, urls.superuser_url)
