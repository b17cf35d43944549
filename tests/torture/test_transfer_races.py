"""Thirty at once for the same money that is to go out, ten rounds of each: never too much of it.

Two gateways share the database and the PSP, so that nothing is settled within a single process.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from itertools import cycle
from typing import Any

import asyncpg
import pytest

from conftest import DatabaseUrls
from gateways import APPLICATION_ID, caller_of
from guichet.domain.errors import DuplicateReference, InsufficientFunds, NotRefundable
from guichet.domain.outcomes import Unknown
from guichet.domain.refunds import Refund
from guichet.domain.transfers import Transfer
from guichet.gateway import Gateway
from guichet.ledger import transfer_rules
from guichet.services.refunds import create_refund
from guichet.services.transfers import approve_transfer, cancel_transfer, create_transfer
from guichet.worker.tasks import check_transfer
from services.sending import wanted
from torture.senders import AT_ONCE, WHOLE, Shop, together, two_gateways

#: A hundred before a release (docs/reliability.md).
ROUNDS = int(os.environ.get("RACE_ROUNDS", "10"))


@pytest.fixture
async def shop(seeded: DatabaseUrls) -> AsyncIterator[Shop]:
    async with two_gateways(seeded) as made:
        yield made


def send(gateway: Gateway, minor: int = WHOLE, **changes: Any) -> Awaitable[Transfer]:
    return create_transfer(gateway, caller_of(gateway).application, wanted(minor, **changes))


async def test_balance_for_one_is_sent_once(shop: Shop) -> None:
    for number in range(1, ROUNDS + 1):
        await shop.paid()
        answers = await together(*(send(gateway) for gateway in shop.in_turn()))
        assert answers == {Transfer: 1, InsufficientFunds: AT_ONCE - 1}
        assert len(shop.psp.sent) == number
        assert await shop.balances() == {}
    assert await shop.is_clean()


async def test_a_ledger_without_its_guard_is_found(
    shop: Shop, seeded: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The race can be lost (G25): nothing looks at the balance, neither rule nor constraint."""
    owner = await asyncpg.connect(seeded.owner_url)
    await owner.execute("ALTER TABLE ledger_accounts DROP CONSTRAINT ledger_accounts_check")
    await owner.close()
    reserve = transfer_rules.entry_of
    monkeypatch.setattr(
        transfer_rules,
        "entry_of",
        lambda transfer, fact, _, now: reserve(transfer, fact, lambda _: transfer.total_minor, now),
    )
    await shop.paid()

    answers = await together(*(send(gateway) for gateway in shop.in_turn()))

    assert answers == {Transfer: AT_ONCE}
    assert (await shop.balances())["merchant_available"] < 0


async def test_one_reference_is_one_transfer(shop: Shop) -> None:
    await shop.paid()
    for number in range(1, ROUNDS + 1):
        answers = await together(
            *(send(gateway, 100, reference=f"same {number}") for gateway in shop.in_turn())
        )
        assert answers == {Transfer: 1, DuplicateReference: AT_ONCE - 1}
        assert len(shop.psp.sent) == number
    assert await shop.is_clean()


async def test_refund_against_transfer_has_one_winner(shop: Shop) -> None:
    winners: Counter[type] = Counter()
    for _ in range(ROUNDS):
        payment = await shop.paid()
        halves = zip(shop.in_turn()[::2], shop.in_turn()[1::2], strict=True)
        answers = await together(
            *(
                call
                for one, other in halves
                for call in (create_refund(one, APPLICATION_ID, payment.id, WHOLE), send(other))
            )
        )
        assert answers[Transfer] + answers[Refund] == 1
        assert answers[InsufficientFunds] + answers[NotRefundable] == AT_ONCE - 1, answers
        assert await shop.balances() == {}
        winners += answers
    assert winners[Transfer] + winners[Refund] == ROUNDS
    assert await shop.is_clean()


async def test_transfer_that_is_asked_about_by_everybody_is_booked_once(shop: Shop) -> None:
    for number in range(1, ROUNDS + 1):
        await shop.paid()
        shop.psp.sends = [Unknown(detail="no answer")]
        made = await send(shop.gateways[0])
        await asyncio.gather(*(check_transfer(gateway, made) for gateway in shop.in_turn()))
        assert len(shop.psp.sent) == number
        assert await shop.balances() == {}
    assert await shop.is_clean()


async def test_checkers_and_makers_at_once_decide_once(shop: Shop) -> None:
    for _ in range(ROUNDS):
        await shop.paid()
        sent = len(shop.psp.sent)
        application = replace(caller_of(shop.gateways[0]).application, approves_transfers=True)
        made = await create_transfer(shop.gateways[0], application, wanted(WHOLE))
        decisions = cycle((approve_transfer, cancel_transfer))
        answers = await together(
            *(
                decide(gateway, application, made.id)
                for gateway, decide in zip(shop.in_turn(), decisions, strict=False)
            )
        )
        assert answers[Transfer] == 1
        gone = len(shop.psp.sent) - sent
        assert await shop.balances() == ({} if gone else {"merchant_available": WHOLE})
        if not gone:
            await send(shop.gateways[0])
    assert await shop.is_clean()
