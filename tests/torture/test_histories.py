"""What holds after (and amid) random histories, sixteen at once: the books, by our own audit and by
sums that know nothing of it.

The seed is new in each run and printed when a test fails; ``GUICHET_TESTS_SEED`` sets it.
"""

from __future__ import annotations

import os
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from conftest import DatabaseUrls, fresh_database
from gateways import FEE_RULE_ID, running_gateway, seed
from guichet.domain.clock import MovableClock
from guichet.embedded import Endpoints
from guichet.store.audit import findings
from psp import connect
from torture.fickle import FicklePsp
from torture.histories import World, walk_all

pytestmark = pytest.mark.asyncio(loop_scope="module")

_SEED = int(os.environ.get("GUICHET_TESTS_SEED") or secrets.randbits(32))
#: Without a fee, with one, and with one and a day's delay before money is available.
_APPLICATIONS = ((None, 0), (FEE_RULE_ID, 0), (FEE_RULE_ID, 24))


@dataclass
class History:
    """What happened, and a look at the database that it left."""

    world: World
    urls: DatabaseUrls
    owner: asyncpg.Connection[Any]

    async def rows(self, sql: str) -> list[asyncpg.Record]:
        return await self.owner.fetch(sql)

    async def sums(self, sql: str) -> Counter[Any]:
        """The query's last column by its first ones; what is nothing is left out."""
        return Counter({tuple(key): minor for *key, minor in await self.rows(sql) if minor})


async def _add_applications(owner: asyncpg.Connection[Any]) -> list[UUID]:
    """Applications like the seeded one, with fees and delays."""
    made = []
    for fee_rule_id, delay_hours in _APPLICATIONS:
        made.append(uuid4())
        await owner.execute(
            "INSERT INTO applications (id, fee_rule_id, transfer_fee_rule_id,"
            " settlement_delay_hours, merchant_id, name, dialect, environment, payee_id, currency,"
            " requests_per_minute, lenient_json, webhook_secret, created_at)"
            " SELECT $1, $2, $2, $3, merchant_id, name, dialect, environment, payee_id, currency,"
            " requests_per_minute, lenient_json, webhook_secret, created_at FROM applications"
            " WHERE fee_rule_id IS NULL LIMIT 1",
            *(made[-1], fee_rule_id, delay_hours),
        )
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def history(cluster_endpoints: Endpoints) -> AsyncIterator[History]:
    async with AsyncExitStack() as stack:
        urls = await stack.enter_async_context(fresh_database(cluster_endpoints))
        await seed(urls.owner_url)
        owner = await asyncpg.connect(urls.owner_url)
        stack.push_async_callback(owner.close)
        applications = await _add_applications(owner)
        clock, psp = MovableClock(), FicklePsp(Random(f"{_SEED} rail"))
        gateways = [
            await stack.enter_async_context(running_gateway(urls.serving_url, clock=clock))
            for _ in range(2)
        ]
        for gateway in gateways:
            connect(gateway, psp)
        world = World(gateways, psp, clock, applications)
        await walk_all(world, _SEED)
        yield History(world, urls, owner)


@pytest.fixture(autouse=True)
def told_seed() -> None:
    print(f"GUICHET_TESTS_SEED={_SEED}")  # noqa: T201 -- pytest shows it when the test fails


async def test_no_call_fails_but_as_planned(history: History) -> None:
    assert history.world.surprises == []


async def test_every_invariant_holds_at_every_moment(history: History) -> None:
    assert history.world.did["audit"] > 0
    assert history.world.found == []


async def test_every_invariant_holds_at_the_end(history: History) -> None:
    assert await findings(history.owner) == []


async def test_what_is_asked_twice_at_once_is_done_once(history: History) -> None:
    assert history.world.doubled == []


async def test_rail_holds_what_the_books_say(history: History) -> None:
    books = await history.sums(
        "SELECT currency, sum(balance_minor)::bigint FROM ledger_accounts"
        " WHERE code IN ('rail_float', 'bank') GROUP BY 1"
    )

    assert books == {(currency,): minor for currency, minor in history.world.psp.holds().items()
                     if minor}  # fmt: skip


async def test_nothing_is_under_way_at_the_end(history: History) -> None:
    left = await history.sums(
        "SELECT code, sum(balance_minor)::bigint FROM ledger_accounts"
        " WHERE code LIKE '%in_flight' OR code = 'merchant_pending' GROUP BY 1"
    )

    assert left == {}


#: What each merchant should have, from the rows alone: payments less fees, refunds and what was
#: taken back (a reversed payment's fee comes back), less transfers that arrived, and their fees.
_DESERVED = """
SELECT application_id, currency, sum(minor)::bigint FROM (
    SELECT application_id, currency, amount_minor - refunded_minor - returned_minor
        - CASE status WHEN 'reversed' THEN 0 ELSE fee_minor END AS minor
    FROM payments WHERE completed_at IS NOT NULL
    UNION ALL
    SELECT application_id, currency, -amount_minor - fee_minor
    FROM transfers WHERE status = 'completed'
) moved GROUP BY 1, 2
"""


async def test_every_merchant_has_what_the_payments_and_transfers_leave(history: History) -> None:
    books = await history.sums(
        "SELECT application_id, currency, sum(CASE code WHEN 'merchant_receivable'"
        " THEN -balance_minor ELSE balance_minor END)::bigint FROM ledger_accounts"
        " WHERE application_id IS NOT NULL GROUP BY 1, 2"
    )

    assert books == await history.sums(_DESERVED)


async def test_fees_are_those_of_what_was_kept_and_sent(history: History) -> None:
    books = await history.sums(
        "SELECT currency, sum(balance_minor)::bigint FROM ledger_accounts"
        " WHERE code = 'fee_income' GROUP BY 1"
    )

    assert books == await history.sums(
        "SELECT currency, sum(fee_minor)::bigint FROM ("
        " SELECT currency, fee_minor FROM payments"
        " WHERE completed_at IS NOT NULL AND status <> 'reversed'"
        " UNION ALL SELECT currency, fee_minor FROM transfers WHERE status = 'completed'"
        ") taken GROUP BY 1"
    )


async def test_the_history_touched_every_account_and_rule(history: History) -> None:
    accounts = await history.rows("SELECT DISTINCT code FROM ledger_accounts WHERE version > 0")
    rules = await history.rows("SELECT DISTINCT event FROM ledger_entries")

    assert {row["code"] for row in accounts} >= {
        "rail_float", "merchant_pending", "merchant_available", "merchant_receivable", "suspense",
        "fee_income", "refunds_in_flight", "transfers_in_flight", "payouts_in_flight", "bank",
    }  # fmt: skip
    assert {row["event"] for row in rules} >= {
        "payment.completed", "payment.fee", "payment.released", "payment.reversed",
        "payment.partially_reversed", "suspense.received", "suspense.returned",
        "refund.initiated", "refund.completed", "refund.failed", "transfer.initiated",
        "transfer.sent", "transfer.failed", "payout.initiated", "payout.sent",
    }  # fmt: skip
