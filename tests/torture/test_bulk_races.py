"""Thirty bulks at once, or one that is resumed by thirty: each row is sent once, or not at all."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from uuid import UUID, uuid4

import pytest

from conftest import DatabaseUrls
from gateways import caller_of
from guichet.domain.bulk_transfers import Mode
from guichet.domain.errors import DuplicateReference, InsufficientFunds
from guichet.domain.transfers import Transfer
from guichet.gateway import Gateway
from guichet.services.bulk_transfers import Bulk, NewBulk, create_bulk, resume_bulk
from guichet.services.reserving import draft_transfer
from guichet.services.transfers import create_transfer
from guichet.store import transfers
from services.charging import until
from services.sending import bulk_of, wanted
from torture.senders import AT_ONCE, WHOLE, Shop, together, two_gateways

ROUNDS = 3


@pytest.fixture
async def shop(seeded: DatabaseUrls) -> AsyncIterator[Shop]:
    async with two_gateways(seeded) as made:
        yield made


async def create(gateway: Gateway, new: NewBulk) -> Bulk:
    return await create_bulk(gateway, caller_of(gateway).application, new)


async def count(shop: Shop, table: str) -> int:
    async with shop.gateways[0].database.connection() as connection:
        number: int = await connection.fetchval(f"SELECT count(*) FROM {table}")
    return number


async def test_bulk_sent_by_everybody_is_one_bulk(shop: Shop) -> None:
    await shop.paid()
    for number in range(1, ROUNDS + 1):
        rows = [wanted(100, reference=f"{number}-{row}") for row in range(5)]
        # Each sends its rows in another order: nobody may wait for somebody who waits for them.
        orders = [rows[shift % 5 :] + rows[: shift % 5] for shift in range(AT_ONCE)]
        bulks = await asyncio.gather(
            *(
                create(gateway, bulk_of(*order, mode=Mode.ALL_OR_NOTHING))
                for gateway, order in zip(shop.in_turn(), orders, strict=True)
            )
        )
        ids = {frozenset(each.id for each in bulk.transfers) for bulk in bulks}
        assert len(ids) == 1
        assert await count(shop, "transfers") == 5 * number
    assert await shop.is_clean()


async def test_references_are_taken_in_one_order_whatever_the_order_of_the_rows(
    shop: Shop,
) -> None:
    one, other = shop.gateways
    application, now = caller_of(one).application, one.clock.now()
    first, second = (
        draft_transfer(one, application, wanted(100, reference=reference), now)
        for reference in ("a", "b")
    )
    async with one.database.transaction() as ours:
        await transfers.insert(ours, [first], None)
        theirs = asyncio.create_task(insert(other, [second, first]))
        await until(lambda: is_waiting(one))
        # They wait for "a" and hold nothing: had they taken "b", each would wait for the other.
        assert await transfers.insert(ours, [second], None) == {second.id}
    assert await theirs == set()


async def insert(gateway: Gateway, rows: Sequence[Transfer]) -> set[UUID]:
    async with gateway.database.transaction() as tx:
        # Another's rows of the same references, with ids of their own.
        return await transfers.insert(tx, [row._replace(id=uuid4()) for row in rows], None)


async def is_waiting(gateway: Gateway) -> bool:
    async with gateway.database.connection() as connection:
        waits: bool = await connection.fetchval(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
        )
    return waits


async def test_balance_for_one_bulk_is_promised_once(shop: Shop) -> None:
    for _ in range(ROUNDS):
        await shop.paid()
        new = bulk_of(wanted(WHOLE // 2), wanted(WHOLE // 2), mode=Mode.ALL_OR_NOTHING)
        bulks = await asyncio.gather(*(create(gateway, new) for gateway in shop.in_turn()))

        assert Counter(bulk.is_kept for bulk in bulks) == {True: 1, False: AT_ONCE - 1}
    assert (await shop.balances()).get("merchant_available", 0) == 0
    assert await shop.is_clean()


async def test_continuing_bulks_share_the_balance_to_the_last_cent(shop: Shop) -> None:
    for _ in range(ROUNDS):
        await shop.paid()
        new = bulk_of(*(wanted(WHOLE // 20) for _ in range(3)))
        bulks = await asyncio.gather(*(create(gateway, new) for gateway in shop.in_turn()))

        assert sum(len(bulk.transfers) for bulk in bulks) == 20
    assert (await shop.balances()).get("merchant_available", 0) == 0
    assert await shop.is_clean()


async def test_bulk_against_single_transfers_of_its_references(shop: Shop) -> None:
    await shop.paid()
    for number in range(1, ROUNDS + 1):
        rows = [wanted(100, reference=f"{number}-{row}") for row in range(5)]
        gateways = shop.in_turn()
        answers = await together(
            *(create(gateway, bulk_of(*rows)) for gateway in gateways[:10]),
            *(
                create_transfer(gateway, caller_of(gateway).application, rows[place % 5])
                for place, gateway in enumerate(gateways[10:])
            ),
        )
        assert set(answers) <= {Bulk, Transfer, DuplicateReference, InsufficientFunds}
        assert answers[Bulk] == 10
        assert await count(shop, "transfers") == 5 * number
    assert await shop.is_clean()


async def test_bulk_resumed_by_everybody_makes_each_row_once(shop: Shop) -> None:
    for number in range(1, ROUNDS + 1):
        new = bulk_of(*(wanted(WHOLE // 4) for _ in range(4)))
        bulk = await create(shop.gateways[0], new)
        assert len(bulk.refused) == 4
        await shop.paid()
        resumed = await asyncio.gather(
            *(
                resume_bulk(gateway, caller_of(gateway).application, bulk.head.id, new.rows)
                for gateway in shop.in_turn()
            )
        )
        ids = {tuple(each.id for each in one.transfers) for one in resumed}
        assert {len(each) for each in ids} == {4}
        assert len(ids) == 1
        assert await count(shop, "transfers") == 4 * number
    assert (await shop.balances()).get("merchant_available", 0) == 0
    assert await shop.is_clean()


@pytest.mark.parametrize("place", ["bulk_transfers.insert", "transfers.wake_worker"])
async def test_what_dies_before_the_commit_has_done_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    await shop.paid()
    monkeypatch.setattr(f"guichet.store.{place}", _dies)
    with pytest.raises(_DeadError):
        await create(shop.gateways[0], bulk_of(wanted(100), wanted(200)))

    assert await count(shop, "transfers") == await count(shop, "bulk_rows") == 0
    assert await shop.balances() == {"merchant_available": WHOLE}
    assert await shop.is_clean()


class _DeadError(Exception):
    """Where a process was killed."""


async def _dies(*_: object) -> None:
    raise _DeadError
