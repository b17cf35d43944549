"""The payer's pages alone, with rails that answer as told: every state can be had."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import httpx2

from conftest import DatabaseUrls
from gateways import SECRET_KEY, caller_of, seed
from guichet.bootstrap import build_gateway, close_gateway
from guichet.domain.clock import MovableClock
from guichet.domain.customers import Customer
from guichet.domain.links import Link
from guichet.domain.money import Money
from guichet.domain.outcomes import Outcome, Redirect, ShowCode, Waiting
from guichet.domain.payments import UNDECIDED, CustomerDetails, NewPayment, Payment
from guichet.gateway import Gateway
from guichet.pages.app import build_app
from guichet.server.apis import api_documents
from guichet.services.charges import get_code
from guichet.services.checkout import CheckoutView, open_checkout, start_attempt
from guichet.services.customers import read_customer
from guichet.services.mobile_payments import create_open_payment
from guichet.services.payers import WantedPayer, find_or_make_payer
from guichet.services.payments import checkout_url, create_payment
from guichet.services.settlement import record_outcome
from guichet.settings import Settings
from guichet.web.asgi import Application
from pages.offers import CPF, published
from pages.scripted import BANK_URL, CODE, ScriptedRail, registry, scripted_bank, scripted_pix


@dataclass
class Stall:
    """The pages and what stands behind them."""

    gateway: Gateway
    clock: MovableClock
    bank: ScriptedRail
    pix: ScriptedRail
    app: Application
    database_url: str

    def open(self) -> None:
        """Both rails take orders."""
        self.bank.answer = Waiting(next_step=Redirect(BANK_URL))
        self.pix.answer = Waiting(next_step=ShowCode(CODE))
        self.bank.orders.clear()
        self.pix.orders.clear()

    def url(self, path: str) -> str:
        """The address of a page."""
        return f"{self.gateway.settings.base_url}{path}"

    def browser(self, address: str = "192.0.2.1") -> httpx2.AsyncClient:
        """A browser at an address of its own, without JavaScript, that follows nothing by itself
        and keeps what it is told to remember.
        """
        transport = httpx2.ASGITransport(app=self.app, client=(address, 1234))
        base_url = self.gateway.settings.base_url
        return httpx2.AsyncClient(transport=transport, base_url=base_url)

    async def payment(self, *, by_code: bool = False, begun: bool = False, **changes: Any) -> str:
        """The path of a payment's page."""
        email = "payer@example.com"
        payer = {"email": email, "name": "Maria", "tax_number": CPF}
        values: dict[str, Any] = {
            "rail": "pix" if by_code else "open_banking",
            "institution_key": None if by_code else "20",
            "money": Money(123450, "BRL") if by_code else Money(35041, "GBP"),
            "customer": CustomerDetails(None, email, payer),
            "reference": "JHONDOE-42",
            "notify_url": "https://shop.example/done",
            "request_key": None,
            "request_hash": None,
        }
        new = NewPayment(**{**values, **changes})
        view = await create_payment(self.gateway, caller_of(self.gateway), new)
        if by_code and begun:
            view = await get_code(self.gateway, view)
        path = urlsplit(checkout_url(self.gateway, view.payment.id)).path
        if begun and not by_code:
            await start_attempt(self.gateway, view.payment.id, path.rpartition("/")[2], None)
        return path

    async def handset_payment(self) -> str:
        """The path of the page of a payment of 5000 francs, open to every mobile operator."""
        application = caller_of(self.gateway).application
        wanted = WantedPayer(None, "payer@example.com", None, None)
        payer = await find_or_make_payer(self.gateway, application, wanted)
        new = NewPayment(
            rail=UNDECIDED,
            institution_key=None,
            money=Money(5000, "XAF"),
            customer=CustomerDetails(payer.id, None, {}),
            reference="order-42",
            notify_url=None,
            request_key=None,
            request_hash=None,
        )
        view = await create_open_payment(self.gateway, application, new, None, timedelta(hours=3))
        return urlsplit(checkout_url(self.gateway, view.payment.id)).path

    async def of(self, path: str) -> Payment:
        """The payment behind the path or address of a page."""
        return (await self._view(path)).payment

    async def report(self, path: str, outcome: Outcome) -> None:
        """The rail reports on the payment's newest attempt."""
        view = await self._view(path)
        assert view.attempt is not None
        await record_outcome(self.gateway, view.attempt.id, outcome)

    async def link(self, **columns: Any) -> tuple[Link, str]:
        """A published link and the path of its page."""
        link = await published(self.gateway, **columns)
        return link, f"/links/{link.slug}"

    async def query(self, sql: str, *arguments: object) -> list[Any]:
        """Rows of the database."""
        connection = await asyncpg.connect(self.database_url)
        try:
            return list(await connection.fetch(sql, *arguments))
        finally:
            await connection.close()

    async def customer(self, customer_id: UUID) -> Customer:
        """A payer as the application sees them."""
        return await read_customer(self.gateway, caller_of(self.gateway), customer_id)

    async def payments_of(self, link: Link) -> list[Any]:
        """The rows of the payments that were made from a link, oldest first."""
        return await self.query("SELECT * FROM payments WHERE link_id = $1 ORDER BY id", link.id)

    async def _view(self, path: str) -> CheckoutView:
        identifier, token = path.removesuffix("/bank").split("/")[-2:]
        return await open_checkout(self.gateway, UUID(identifier), token)


@asynccontextmanager
async def opened_stall(
    urls: DatabaseUrls, settings: Settings | None = None
) -> AsyncIterator[Stall]:
    """The pages over a database with the two applications of ``gateways``."""
    await seed(urls.owner_url)
    clock = MovableClock()
    gateway = await build_gateway(settings or Settings(), urls.serving_url, SECRET_KEY, clock)
    bank, pix = scripted_bank(), scripted_pix()
    gateway.rails = registry(bank, pix)
    app = build_app(gateway, api_documents(gateway.settings.base_url))
    try:
        yield Stall(gateway, clock, bank, pix, app, urls.superuser_url)
    finally:
        await close_gateway(gateway)
