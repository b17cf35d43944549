"""The payer's pages over a real gateway, with rails that answer as each test says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx2
import pytest
import pytest_asyncio

from conftest import fresh_database
from gateways import APPLICATION_ID, caller_of
from guichet.domain.money import Money
from guichet.domain.outcomes import Outcome
from guichet.domain.payments import CustomerDetails, NewPayment, Payment
from guichet.embedded import Endpoints
from guichet.gateway import Gateway
from guichet.pages.app import build_app
from guichet.services.checkout import open_checkout
from guichet.services.payments import checkout_url, create_payment
from guichet.services.settlement import record_outcome
from pages.scripted import ScriptedRail, registry, scripted_bank, scripted_pix
from pages.stall import Stall, opened_stall


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def module_stall(cluster_endpoints: Endpoints) -> AsyncIterator[Stall]:
    """A stall of the module's own: its tests are apart by their payments and links."""
    async with fresh_database(cluster_endpoints) as urls, opened_stall(urls) as stall:
        yield stall


@pytest.fixture
def stall(module_stall: Stall) -> Stall:
    """The same, its rails ready."""
    module_stall.open()
    return module_stall


@pytest_asyncio.fixture(loop_scope="module")
async def payer(stall: Stall) -> AsyncIterator[httpx2.AsyncClient]:
    """A payer's browser, new to everything."""
    async with stall.browser() as browser:
        yield browser


@pytest.fixture
def rail(gateway: Gateway) -> ScriptedRail:
    """The bank of tests that need a gateway of their own."""
    bank = scripted_bank()
    gateway.rails = registry(bank, scripted_pix())
    return bank


@pytest.fixture
async def client(
    gateway: Gateway,
    rail: ScriptedRail,  # noqa: ARG001 - must stand before the application is used
) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser without JavaScript that follows nothing by itself."""
    transport = httpx2.ASGITransport(app=build_app(gateway))
    async with httpx2.AsyncClient(
        transport=transport, base_url=gateway.settings.base_url
    ) as browser:
        yield browser


class Checkout(NamedTuple):
    """A payment and its page."""

    gateway: Gateway
    payment: Payment
    path: str

    async def report(self, outcome: Outcome) -> None:
        """The rail reports on the newest attempt."""
        view = await open_checkout(self.gateway, self.payment.id, self.path.rsplit("/", 1)[1])
        assert view.attempt is not None
        await record_outcome(self.gateway, view.attempt.id, outcome)


NewCheckout = Callable[..., Awaitable[Checkout]]


@pytest.fixture
def new_checkout(gateway: Gateway) -> NewCheckout:
    """Makes a payment of £350.41 at Modelo Sandbox."""

    async def make(
        reference: str | None = "JHONDOE-42",
        notify_url: str | None = "https://shop.example/done?order=7#thanks",
        money: Money | None = None,
    ) -> Checkout:
        new = NewPayment(
            rail="open_banking",
            institution_key="20",
            money=money or Money(35041, "GBP"),
            customer=CustomerDetails(None, "payer@example.com", {"email": "payer@example.com"}),
            reference=reference,
            notify_url=notify_url,
            request_key=None,
            request_hash=None,
        )
        payment = (await create_payment(gateway, caller_of(gateway), new)).payment
        assert payment.application_id == APPLICATION_ID
        return Checkout(gateway, payment, urlsplit(checkout_url(gateway, payment.id)).path)

    return make
