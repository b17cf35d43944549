"""Random walks of two merchants over HTTP, each answer against a model of what they are owed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from conftest import DatabaseUrls
from gateways import APPLICATION_ID, TOKEN
from guichet.store.audit import findings
from guichet.torture.calls import Answer, Merchant, Shop
from rails.mobile.stage import simulator
from torture.serving import Served, serving
from torture.steps import Do, walk
from wire.notchpay.senders import OPENING, enrich
from wire.notchpay.shops import create_shop

RUNS = int(os.environ.get("MODEL_HTTP_RUNS", "50"))
STEPS = int(os.environ.get("MODEL_HTTP_STEPS", "30"))
_PARTS = 2

#: The sandbox's numbers (contract 16) by what becomes of a payment.
_PAID = {
    "000": "complete",
    "001": "failed",
    "002": "failed",
    "003": "expired",
    "004": "canceled",
    "005": "processing",
}
_SENT = {"000": "complete", "001": "failed", "002": "failed", "005": "processing"}

AMOUNTS = st.integers(100, 400_000)
NUMBERS = st.integers(0, 9)


@dataclass
class Collected:
    """A payment of Notch Pay as the model knows it; amounts in francs."""

    reference: str
    amount: int
    status: str = "pending"
    refunded: int = 0


@dataclass
class Ordered:
    """A payment of Neopay, made under ``key``; ``pence`` as its answer must say."""

    key: str
    pence: int
    body: bytes


@dataclass(frozen=True)
class Stage:
    """A running server and the two merchants' clients."""

    do: Do
    owner: asyncpg.Connection[Any]
    served: Served
    merchant: Merchant

    async def open_shop(self) -> Shop:
        """A new merchant of Notch Pay with the sandbox's opening balance."""
        shop = await create_shop(self.owner)
        await enrich(self.owner, shop)
        await self.served.gateway.access.refresh()
        return Shop(self.served.url, shop.public_key, shop.private_key)


class Walk(RuleBasedStateMachine):
    """One walk: a shop of its own, and a merchant of Neopay whom all walks share."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage
        self._shop = stage.do(stage.open_shop())
        self._available = OPENING
        self._payments: list[Collected] = []
        self._transfers = 0
        self._orders: list[Ordered] = []

    def _call(self, method: str, path: str, **fields: Any) -> Answer:
        return self._stage.do(self._shop.call(method, path, **fields))

    # Money in: Notch Pay -------------------------------------------------------------------------

    @initialize(amount=AMOUNTS)
    def begin(self, amount: int) -> None:
        self.collect(amount, "000")

    @rule(amount=AMOUNTS, end=st.none() | st.sampled_from(sorted(_PAID)))
    def collect(self, amount: int, end: str | None) -> None:
        reference = f"walk-{len(self._payments)}"
        made = self._call(
            *("POST", "/payments"),
            amount=amount,
            currency="XAF",
            email="a@b.cm",
            reference=reference,
        )
        assert made.status == 201, made.body
        self._payments.append(Collected(reference, amount))
        if end is not None:
            self.process(-1, end)

    @precondition(lambda self: self._payments)
    @rule(number=NUMBERS, end=st.sampled_from(sorted(_PAID)))
    def process(self, number: int, end: str) -> None:
        payment = self._payments[number % len(self._payments)]
        data = {"phone": f"+237670000{end}"}
        said = self._call("PUT", f"/payments/{payment.reference}", channel="cm.mobile", data=data)
        if payment.status == "pending":
            assert said.status == 202, said.body
            payment.status = _PAID[end]
            self._available += payment.amount if payment.status == "complete" else 0
        elif payment.status != "processing":
            assert said.status == 422, said.body
        self._agrees_on(payment)

    @precondition(lambda self: self._payments)
    @rule(number=NUMBERS)
    def cancel(self, number: int) -> None:
        payment = self._payments[number % len(self._payments)]
        said = self._call("DELETE", f"/payments/{payment.reference}")
        assert said.status == (202 if payment.status == "pending" else 422), said.body
        if payment.status == "pending":
            payment.status = "canceled"
        self._agrees_on(payment)

    @precondition(lambda self: self._payments)
    @rule(number=NUMBERS)
    def repeat(self, number: int) -> None:
        payment = self._payments[number % len(self._payments)]
        body = {"amount": 100, "currency": "XAF", "email": "a@b.cm"}
        said = self._call("POST", "/payments", **body, reference=payment.reference)
        assert said.status == 409, said.body
        self._agrees_on(payment)

    def _agrees_on(self, payment: Collected) -> None:
        shown = self._call("GET", f"/payments/{payment.reference}").json()["transaction"]
        assert (shown["amount"], shown["status"]) == (payment.amount, payment.status)

    # Money out: Notch Pay ------------------------------------------------------------------------

    @precondition(lambda self: self._payments)
    @rule(number=NUMBERS, amount=st.none() | AMOUNTS)
    def refund(self, number: int, amount: int | None) -> None:
        paid = [each for each in self._payments if each.status == "complete"] or self._payments
        payment = paid[number % len(paid)]
        left = payment.amount - payment.refunded
        wanted = left if amount is None else amount
        body: dict[str, Any] = {"payment": payment.reference}
        if amount is not None:
            body["amount"] = amount
        said = self._call("POST", "/refunds", **body)
        if payment.status == "complete" and 0 < wanted <= min(left, self._available):
            assert said.status == 201, said.body
            payment.refunded += wanted
            self._available -= wanted
        else:
            assert said.status == 422, said.body

    @rule(amount=st.integers(100, 900_000), end=st.sampled_from(sorted(_SENT)))
    def send(self, amount: int, end: str) -> None:
        said = self._call(
            *("POST", "/transfers"),
            amount=amount,
            currency="XAF",
            channel="cm.mtn",
            recipient=f"237670000{end}",
        )
        if amount > self._available:
            assert said.status == 422, said.body
            return
        assert said.status == 201, said.body
        self._transfers += 1
        self._available -= 0 if _SENT[end] == "failed" else amount
        reference = said.json()["transfer"]["reference"]
        shown = self._call("GET", f"/transfers/{reference}").json()["transfer"]
        assert (shown["amount"], shown["status"]) == (amount, _SENT[end])

    # Neopay --------------------------------------------------------------------------------------

    @rule(pence=st.integers(1, 99_999_999))
    def order(self, pence: int) -> None:
        key = str(uuid4())
        said = self._ask(key, pence)
        assert said.status == 200, said.body
        id_ = said.json()["payment"]["id"]
        shown = self._stage.do(self._stage.merchant.get(f"/api/payments/{id_}"))
        assert shown.json()["payment"]["amount"] * 100 == pence
        self._orders.append(Ordered(key, pence, said.body))

    @precondition(lambda self: self._orders)
    @rule(number=NUMBERS, more=st.integers(0, 1))
    def order_again(self, number: int, more: int) -> None:
        order = self._orders[number % len(self._orders)]
        said = self._ask(order.key, order.pence + more)
        if more:
            assert said.status == 422, said.body
        else:
            assert (said.status, said.body) == (200, order.body)

    def _ask(self, key: str, pence: int) -> Answer:
        pounds = f"{pence // 100}.{pence % 100:02}"
        return self._stage.do(self._stage.merchant.create(pounds, key=key))

    # Always --------------------------------------------------------------------------------------

    @invariant()
    def the_balance_is_what_is_owed(self) -> None:
        shown = self._call("GET", "/balance").json()["balance"]
        assert shown["available"] == self._available

    def teardown(self) -> None:
        try:
            assert self._call("GET", "/payments").json()["totals"] == len(self._payments)
            assert self._call("GET", "/transfers").json()["totals"] == self._transfers
            for payment in self._payments:
                self._agrees_on(payment)
        finally:
            self._stage.do(self._shop.close())


@pytest.fixture
def stage(seeded: DatabaseUrls) -> Iterator[Stage]:
    do, stack = Do(), AsyncExitStack()

    async def opened(operators_url: str) -> Stage:
        serve = serving(seeded.serving_url, operators_url=operators_url)
        served = await stack.enter_async_context(serve)
        owner = await asyncpg.connect(seeded.owner_url)
        stack.push_async_callback(owner.close)
        client = Merchant(served.url, APPLICATION_ID, TOKEN)
        merchant = await stack.enter_async_context(client)
        return Stage(do, owner, served, merchant)

    try:
        with simulator() as operators_url:
            try:
                yield do(opened(operators_url))
            finally:
                do(stack.aclose())
    finally:
        do.close()


@pytest.mark.parametrize("part", range(_PARTS))
def test_merchants_and_model_agree_on_every_walk(stage: Stage, part: int) -> None:
    walk(partial(Walk, stage), RUNS // _PARTS, STEPS, part)

    assert stage.do(findings(stage.owner)) == []
