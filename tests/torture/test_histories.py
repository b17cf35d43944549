"""What holds after (and amid) random histories, sixteen at once: the books, by our own audit and by
sums that know nothing of it.

The seed is new in each run and printed when a test fails; ``GUICHET_TESTS_SEED`` sets it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from guichet.embedded import Endpoints
from guichet.store.audit import findings
from torture.lived import History, lived

pytestmark = pytest.mark.asyncio(loop_scope="module")

_STEPS = 25


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def history(cluster_endpoints: Endpoints) -> AsyncIterator[History]:
    async with lived(cluster_endpoints, _STEPS) as made:
        yield made


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
