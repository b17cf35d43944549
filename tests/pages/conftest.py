"""The payer's pages over a real gateway, with rails that answer as each test says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx2
import pytest

from gateways import APPLICATION_ID, caller_of
from guichet.domain.links import Link
from guichet.domain.money import Money
from guichet.domain.outcomes import Outcome
from guichet.domain.payments import CustomerDetails, NewPayment, Payment
from guichet.gateway import Gateway
from guichet.pages.app import build_app
from guichet.services.charges import get_code
from guichet.services.checkout import open_checkout
from guichet.services.payments import checkout_url, create_payment
from guichet.services.settlement import record_outcome
from pages.offers import published
from pages.scripted import ScriptedRail, registry, scripted_bank, scripted_pix


@pytest.fixture
def rail(gateway: Gateway) -> ScriptedRail:
    """The bank; the application can collect by it and by Pix."""
    bank = scripted_bank()
    gateway.rails = registry(bank, scripted_pix())
    return bank


@pytest.fixture
def pix(gateway: Gateway, rail: ScriptedRail) -> ScriptedRail:
    """The PSP that gives codes."""
    psp = scripted_pix()
    gateway.rails = registry(rail, psp)
    return psp


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
NewLinkPage = Callable[..., Awaitable[Link]]


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


@pytest.fixture
def new_charge(gateway: Gateway, pix: ScriptedRail) -> NewCheckout:  # noqa: ARG001 - must stand
    """Makes a payment of R$ 1234.50 by Pix, its code asked for unless told otherwise."""

    async def make(*, begun: bool = True, money: Money | None = None) -> Checkout:
        payer = {"email": "payer@example.com", "name": "Maria", "tax_number": "52998224725"}
        new = NewPayment(
            rail="pix",
            institution_key=None,
            money=money or Money(123450, "BRL"),
            customer=CustomerDetails(None, "payer@example.com", payer),
            reference="JHONDOE-42",
            notify_url="https://shop.example/done",
            request_key=None,
            request_hash=None,
        )
        view = await create_payment(gateway, caller_of(gateway), new)
        if begun:
            view = await get_code(gateway, view)
        payment = view.payment
        return Checkout(gateway, payment, urlsplit(checkout_url(gateway, payment.id)).path)

    return make


@pytest.fixture
def new_link(gateway: Gateway, rail: ScriptedRail) -> NewLinkPage:  # noqa: ARG001 - must stand
    """Publishes a link of £350.41; ``columns`` are fields of ``NewLink``."""

    async def make(**columns: Any) -> Link:
        return await published(gateway, **columns)

    return make
