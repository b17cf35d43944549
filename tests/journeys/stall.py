"""The payer's pages alone on a port, with rails that answer as told: every state can be had."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from conftest import DatabaseUrls
from gateways import SECRET_KEY, caller_of, seed
from guichet.bootstrap import build_gateway, close_gateway
from guichet.domain.clock import MovableClock
from guichet.domain.links import Link
from guichet.domain.money import Money
from guichet.domain.outcomes import Outcome
from guichet.domain.payments import CustomerDetails, NewPayment, Payment
from guichet.gateway import Gateway
from guichet.pages.app import build_app
from guichet.server.http import HttpServer, bind
from guichet.services.charges import get_code
from guichet.services.checkout import CheckoutView, open_checkout, start_attempt
from guichet.services.payments import checkout_url, create_payment
from guichet.services.settlement import record_outcome
from guichet.settings import Settings
from pages.offers import CPF, published
from pages.scripted import ScriptedRail, registry, scripted_bank, scripted_pix


@dataclass
class Stall:
    """The running pages and what stands behind them."""

    gateway: Gateway
    clock: MovableClock
    bank: ScriptedRail
    pix: ScriptedRail
    database_url: str

    async def payment(self, *, by_code: bool = False, begun: bool = False, **changes: Any) -> str:
        """The address of a payment's page."""
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
        url = checkout_url(self.gateway, view.payment.id)
        if begun and not by_code:
            token = url.rpartition("/")[2]
            await start_attempt(self.gateway, view.payment.id, token, None)
        return url

    async def of(self, url: str) -> Payment:
        """The payment behind a page's address."""
        return (await self._view(url)).payment

    async def report(self, url: str, outcome: Outcome) -> None:
        """The rail reports on the payment's newest attempt."""
        view = await self._view(url)
        assert view.attempt is not None
        await record_outcome(self.gateway, view.attempt.id, outcome)

    async def _view(self, url: str) -> CheckoutView:
        identifier, token = url.split("/")[-2:]
        return await open_checkout(self.gateway, UUID(identifier), token)

    async def link(self, **columns: Any) -> tuple[Link, str]:
        """A published link and the address of its page."""
        link = await published(self.gateway, **columns)
        return link, f"{self.gateway.settings.base_url}/links/{link.slug}"


@asynccontextmanager
async def opened_stall(urls: DatabaseUrls) -> AsyncIterator[Stall]:
    """The pages on a port of their own."""
    await seed(urls.owner_url)
    listener = bind("127.0.0.1", 0)
    settings = Settings(port=listener.getsockname()[1])
    clock = MovableClock()
    async with AsyncExitStack() as stack:
        gateway = await build_gateway(settings, urls.serving_url, SECRET_KEY, clock)
        stack.push_async_callback(close_gateway, gateway)
        bank, pix = scripted_bank(), scripted_pix()
        gateway.rails = registry(bank, pix)
        server = HttpServer(build_app(gateway), listener)
        server.start()
        stack.push_async_callback(server.stop)
        yield Stall(gateway, clock, bank, pix, urls.superuser_url)
