"""Transfers that a second person must agree to: asked for by the maker, decided by the checker."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from guichet.domain.errors import InsufficientFunds, NotCancellable, NotFound
from guichet.domain.transfers import Transfer
from guichet.gateway import Gateway
from guichet.services.transfers import approve_transfer, cancel_transfer, refuse_transfer
from psp import Psp, connect
from services.charging import SILENCE
from services.conftest import NewMerchant
from services.sending import PAID, Sender, sender, sending_psp

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("sound_books")]

Decide = Callable[[Gateway, Any, Any], Awaitable[Transfer]]
DECISIONS = [approve_transfer, refuse_transfer, cancel_transfer]


@pytest.fixture
def psp(shop: Gateway) -> Psp:
    made = sending_psp()
    connect(shop, made)
    return made


@pytest_asyncio.fixture(loop_scope="module")
async def merchant(shop: Gateway, psp: Psp, new_merchant: NewMerchant) -> Sender:
    """A merchant with 100.50 available, whose transfers wait for a checker."""
    return await sender(shop, psp, await new_merchant(), approves_transfers=True)


async def decide(merchant: Sender, how: Decide, transfer: Transfer) -> Transfer:
    return await how(merchant.gateway, merchant.application, transfer.id)


async def test_money_waits_aside_and_no_rail_is_asked(merchant: Sender, psp: Psp) -> None:
    made = await merchant.send()
    await merchant.check_due(timedelta(days=30))

    assert (made.status, made.approval) == ("initiated", "wanted")
    assert not psp.send_orders
    assert await merchant.available() == PAID - 4_000


async def test_yes_sends(merchant: Sender, psp: Psp) -> None:
    made = await merchant.send()
    decided = await decide(merchant, approve_transfer, made)

    assert (decided.status, decided.approval) == ("completed", "given")
    assert [order.key for order in psp.send_orders] == [made.key]


async def test_yes_without_an_answer_is_for_the_worker(merchant: Sender, psp: Psp) -> None:
    psp.sends = [SILENCE]
    made = await merchant.send()
    await decide(merchant, approve_transfer, made)
    await merchant.check_due()

    assert (await merchant.now_is(made)).status == "completed"


@pytest.mark.parametrize(
    ("how", "approval", "reason"),
    [(refuse_transfer, "refused", "declined"), (cancel_transfer, "wanted", "withdrawn")],
)
async def test_no_gives_the_money_back(
    merchant: Sender, psp: Psp, how: Decide, approval: str, reason: str
) -> None:
    made = await merchant.send()
    decided = await decide(merchant, how, made)

    assert (decided.status, decided.approval, decided.reason) == ("cancelled", approval, reason)
    assert await merchant.available() == PAID
    assert not psp.send_orders
    assert [name for name, *_ in await merchant.events(made)] == [
        "transfer.created",
        "transfer.cancelled",
    ]


@pytest.mark.parametrize("first", DECISIONS)
@pytest.mark.parametrize("second", DECISIONS)
async def test_decision_is_final(merchant: Sender, psp: Psp, first: Decide, second: Decide) -> None:
    made = await merchant.send()
    decided = await decide(merchant, first, made)
    with pytest.raises(NotCancellable):
        await decide(merchant, second, made)

    assert (await merchant.now_is(made)).status == decided.status
    assert len(psp.send_orders) <= 1


@pytest.mark.parametrize("how", DECISIONS)
async def test_transfer_that_needs_no_decision_gets_none(
    shop: Gateway, psp: Psp, new_merchant: NewMerchant, how: Decide
) -> None:
    merchant = await sender(shop, psp, await new_merchant())
    psp.sends = [SILENCE]
    made = await merchant.send()

    with pytest.raises(NotCancellable):
        await decide(merchant, how, made)


@pytest.mark.parametrize("how", DECISIONS)
async def test_nobody_decides_about_anothers_transfer(
    merchant: Sender, shop: Gateway, psp: Psp, new_merchant: NewMerchant, how: Decide
) -> None:
    other = await sender(shop, psp, await new_merchant())
    made = await merchant.send()

    with pytest.raises(NotFound):
        await decide(other, how, made)


async def test_waiting_money_is_not_there_for_another_transfer(merchant: Sender) -> None:
    await merchant.send(PAID)

    with pytest.raises(InsufficientFunds):
        await merchant.send(1)


async def test_yes_and_no_at_once_have_one_result(merchant: Sender, psp: Psp) -> None:
    made = await merchant.send()
    answers = await asyncio.gather(
        *(decide(merchant, DECISIONS[n % 3], made) for n in range(12)), return_exceptions=True
    )

    decided = [answer for answer in answers if isinstance(answer, Transfer)]
    assert len(decided) == 1
    assert all(isinstance(a, NotCancellable) for a in answers if a is not decided[0])
    assert len(psp.send_orders) == (decided[0].approval == "given")
