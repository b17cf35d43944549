"""Thirty at once for the same money that is to go back, ten rounds of each: never too much of it.

Two gateways share the database and the PSP, so that nothing is settled within a single process.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from datetime import timedelta
from itertools import cycle, islice
from typing import Any

import asyncpg
import pytest

from conftest import DatabaseUrls
from gateways import APPLICATION_ID, running_gateway
from guichet.domain.clock import MovableClock
from guichet.domain.errors import InsufficientFunds, NotRefundable
from guichet.domain.money import Money
from guichet.domain.outcomes import TakenBack, Unknown
from guichet.domain.refunds import Refund
from guichet.gateway import Gateway
from guichet.services.closing import release_payment
from guichet.services.refunds import create_refund
from guichet.services.settlement import record_outcome
from guichet.store.audit import findings
from guichet.worker.tasks import check_refund
from psp import Psp, connect
from services.bookkeeping import Paid, effects, events, paid

#: A hundred before a release (docs/reliability.md).
ROUNDS = int(os.environ.get("RACE_ROUNDS", "10"))
AT_ONCE = 30
WHOLE = 10_000
FORTY_PERCENT = 4_000


class Shop:
    """Two gateways and their PSP; every payment in it is of one merchant."""

    def __init__(self, one: Gateway, other: Gateway, psp: Psp, clock: MovableClock) -> None:
        self.gateways = (one, other)
        self.psp = psp
        self.clock = clock

    def in_turn(self) -> list[Gateway]:
        return list(islice(cycle(self.gateways), AT_ONCE))

    async def paid(self) -> Paid:
        return await paid(self.gateways[0], self.psp, APPLICATION_ID, WHOLE)

    async def is_clean(self) -> bool:
        async with self.gateways[0].database.connection() as connection:
            return await findings(connection) == []


@pytest.fixture
async def shop(seeded: DatabaseUrls) -> AsyncIterator[Shop]:
    clock, psp = MovableClock(), Psp()
    async with (
        running_gateway(seeded.serving_url, clock=clock) as one,
        running_gateway(seeded.serving_url, clock=clock) as other,
    ):
        for gateway in (one, other):
            connect(gateway, psp)
        yield Shop(one, other, psp, clock)


async def together(*calls: Awaitable[Any]) -> Counter[type]:
    """What came of each; an error nobody plans for is told as such by its type."""
    answers = await asyncio.gather(*calls, return_exceptions=True)
    return Counter(type(answer) for answer in answers)


def refund(
    gateway: Gateway, payment: Paid, minor: int, key: str | None = None
) -> Awaitable[Refund]:
    request_hash = b"hash" if key else None
    return create_refund(gateway, APPLICATION_ID, payment.id, minor, key, request_hash)


async def test_forty_percent_go_back_twice(shop: Shop) -> None:
    for number in range(1, ROUNDS + 1):
        payment = await shop.paid()
        answers = await together(
            *(refund(gateway, payment, FORTY_PERCENT) for gateway in shop.in_turn())
        )
        assert answers == {Refund: 2, NotRefundable: AT_ONCE - 2}
        assert len(shop.psp.given_back) == 2 * number
        assert (await payment.now()).refunded_minor == 2 * FORTY_PERCENT
    assert await shop.is_clean()


async def test_one_key_is_one_refund(shop: Shop) -> None:
    for number in range(1, ROUNDS + 1):
        payment = await shop.paid()
        made = await asyncio.gather(
            *(refund(gateway, payment, 100, f"same {number}") for gateway in shop.in_turn())
        )
        assert len({each.id for each in made}) == 1
        assert len(shop.psp.given_back) == number
        assert (await payment.now()).refunded_minor == 100
    assert await shop.is_clean()


async def test_merchants_money_goes_back_once_whichever_payment_it_is_of(shop: Shop) -> None:
    """Two payments could each be refunded; the merchant has the money of one."""
    for _ in range(ROUNDS):
        payments = [await shop.paid(), await shop.paid(), await shop.paid()]
        await refund(shop.gateways[0], payments[2], WHOLE)
        await payments[2].report(TakenBack())
        assert (await effects(*payments)).get("merchant_available", 0) == WHOLE
        answers = await together(
            *(
                refund(gateway, payment, FORTY_PERCENT)
                for gateway, payment in zip(shop.in_turn(), cycle(payments[:2]), strict=False)
            )
        )
        assert answers[Refund] == 2
        assert answers[Refund] + answers[InsufficientFunds] + answers[NotRefundable] == AT_ONCE
        for payment in payments[:2]:  # nothing is left for the next round
            await payment.report(TakenBack())
    assert await shop.is_clean()


async def test_refund_that_is_asked_about_by_everybody_is_paid_once(shop: Shop) -> None:
    for number in range(1, ROUNDS + 1):
        payment = await shop.paid()
        shop.psp.refunds = [Unknown(detail="no answer")]
        made = await create_refund(shop.gateways[0], APPLICATION_ID, payment.id, FORTY_PERCENT)
        await asyncio.gather(*(check_refund(gateway, made) for gateway in shop.in_turn()))
        assert len(shop.psp.given_back) == number
        assert (await payment.now()).refunded_minor == FORTY_PERCENT
        assert (await events(payment)).count("refund.completed") == 1
    assert await shop.is_clean()


async def test_refunds_while_the_rail_takes_back_are_legal_in_any_order(shop: Shop) -> None:
    for _ in range(ROUNDS):
        payment = await shop.paid()
        halves = zip(shop.in_turn()[::2], shop.in_turn()[1::2], strict=True)
        taken = TakenBack(returned=Money(6_000, "GBP"))
        answers = await together(
            *(
                call
                for one, other in halves
                for call in (
                    refund(one, payment, FORTY_PERCENT),
                    record_outcome(other, payment.attempt_id, taken),
                )
            )
        )
        after = await payment.now()
        assert after.returned_minor == 6_000
        assert after.refunded_minor == answers[Refund] * FORTY_PERCENT
        assert answers[Refund] in (1, 2)  # the second only before the rail took its part
        left_minor = WHOLE - 6_000 - after.refunded_minor
        came_to = await effects(payment)
        assert came_to.get("rail_float", 0) == left_minor
        owed_minor = came_to.get("merchant_receivable", 0)
        assert came_to.get("merchant_available", 0) - owed_minor == left_minor
        await settle(shop, payment)
    assert await shop.is_clean()


async def settle(shop: Shop, payment: Paid) -> None:
    """The merchant ends the round with nothing."""
    if (await payment.now()).refundable_minor:
        await refund(shop.gateways[0], payment, (await payment.now()).refundable_minor)


@pytest.fixture
async def patient(seeded: DatabaseUrls) -> None:
    """Money stays pending for a day."""
    owner = await asyncpg.connect(seeded.owner_url)
    await owner.execute("UPDATE applications SET settlement_delay_hours = 24")
    await owner.close()


@pytest.mark.usefixtures("patient")
async def test_refunds_while_the_money_is_released_take_it_from_where_it_is(shop: Shop) -> None:
    for _ in range(ROUNDS):
        payment = await shop.paid()
        assert await effects(payment) == {"rail_float": WHOLE, "merchant_pending": WHOLE}
        shop.clock.move(timedelta(hours=25))
        halves = zip(shop.in_turn()[::2], shop.in_turn()[1::2], strict=True)
        answers = await together(
            *(
                call
                for one, other in halves
                for call in (
                    refund(one, payment, FORTY_PERCENT),
                    release_payment(other, payment.id),
                )
            )
        )
        assert answers[Refund] == 2
        assert await effects(payment) == {"rail_float": 2_000, "merchant_available": 2_000}
    assert await shop.is_clean()
