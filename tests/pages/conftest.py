"""The payer's pages over a real gateway, with a rail that answers as each test says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx2
import pytest

from gateways import APPLICATION_ID, caller_of
from guichet.domain.institutions import Institution
from guichet.domain.money import Money
from guichet.domain.orders import CollectOrder
from guichet.domain.outcomes import Notice, Outcome, Redirect, Reply, Waiting
from guichet.domain.payments import CustomerDetails, NewPayment, Payment
from guichet.gateway import Gateway
from guichet.pages.app import build_app
from guichet.rails.port import Inbound, RailCard, RailUnavailable
from guichet.rails.registry import Registry
from guichet.services.checkout import open_checkout
from guichet.services.payments import checkout_url, create_payment
from guichet.services.settlement import record_outcome

BANK_URL = "https://bank.example/authorise?consent=1"


class ScriptedRail:
    """A rail whose answer to ``begin`` is set by the test; ``orders`` are those it got."""

    card = RailCard(
        name="scripted",
        currencies=frozenset({"GBP"}),
        authenticity="none is needed in a test",
        event_types=frozenset(),
        deduplicates=True,
        visibility_seconds=0,
    )

    def __init__(self) -> None:
        self.answer: Outcome | None = Waiting(next_step=Redirect(BANK_URL))
        self.orders: list[CollectOrder] = []

    async def begin(self, order: CollectOrder) -> Outcome:
        self.orders.append(order)
        if self.answer is None:
            raise RailUnavailable
        return self.answer

    async def advance(self, order: CollectOrder, reply: Reply | None = None) -> Outcome:  # noqa: ARG002
        raise RailUnavailable

    async def cancel(self, order: CollectOrder) -> Outcome:  # noqa: ARG002
        raise RailUnavailable

    def hear(self, inbound: Inbound) -> Sequence[Notice]:  # noqa: ARG002
        return ()

    async def institutions(self) -> Sequence[Institution]:
        return ()


@pytest.fixture
def rail(gateway: Gateway) -> ScriptedRail:
    scripted = ScriptedRail()
    gateway.rails = Registry({("open_banking", "sandbox"): scripted})
    return scripted


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
