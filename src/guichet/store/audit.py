"""The books' invariants as queries, each answering what breaks it (docs/ledger.md).

They hold whatever was killed when: a row in an answer is a defect or damage.
"""

from __future__ import annotations

from typing import NamedTuple

from guichet.domain.errors import GuichetError
from guichet.store.database import Connection

_FINDINGS_MAX = 20


def _in_flight(purpose: str) -> str:
    """An application's account of money under way is the sum of what is."""
    return f"""
        SELECT format('application %s: account %s %s, {purpose}s %s', application_id,
            sum(account_minor), currency, sum(transfers_minor))
        FROM (
            SELECT environment, application_id, currency, balance_minor AS account_minor,
                0 AS transfers_minor
            FROM ledger_accounts WHERE code = '{purpose}s_in_flight'
            UNION ALL
            SELECT environment, application_id, currency, 0, amount_minor + fee_minor
            FROM transfers WHERE purpose = '{purpose}' AND status IN ('initiated', 'sent')
        ) both_sides
        GROUP BY environment, application_id, currency
        HAVING sum(account_minor) <> sum(transfers_minor)
    """


INVARIANTS: dict[str, str] = {
    "every entry balances in every currency": """
        SELECT format('entry %s is off by %s %s', e.key, sum(signed.minor), signed.currency)
        FROM ledger_entries e JOIN (
            SELECT p.entry_id, a.currency,
                CASE p.direction WHEN 'debit' THEN p.amount_minor ELSE -p.amount_minor END AS minor
            FROM ledger_postings p JOIN ledger_accounts a ON a.id = p.account_id
        ) signed ON signed.entry_id = e.id
        GROUP BY e.key, signed.currency HAVING sum(signed.minor) <> 0
    """,
    "every entry has postings": """
        SELECT format('entry %s has no postings', e.key) FROM ledger_entries e
        WHERE NOT EXISTS (SELECT FROM ledger_postings p WHERE p.entry_id = e.id)
    """,
    "the trial balance is zero": """
        SELECT what FROM books_at_a_glance WHERE invariant = 'the trial balance is zero'
    """,
    "an account's balance is the sum of its postings": """
        SELECT format('account %s (%s) says %s, its postings say %s', a.id, a.code,
            a.balance_minor, coalesce(sum(moved.minor), 0))
        FROM ledger_accounts a LEFT JOIN (
            SELECT p.account_id,
                CASE WHEN (p.direction = 'debit') = (k.kind IN ('asset', 'expense'))
                    THEN p.amount_minor ELSE -p.amount_minor END AS minor
            FROM ledger_postings p JOIN ledger_accounts k ON k.id = p.account_id
        ) moved ON moved.account_id = a.id
        GROUP BY a.id HAVING a.balance_minor <> coalesce(sum(moved.minor), 0)
    """,
    "an account's versions are counted without a gap": """
        SELECT format('account %s (%s) is at version %s with %s postings up to %s', a.id, a.code,
            a.version, count(p.account_version), coalesce(max(p.account_version), 0))
        FROM ledger_accounts a LEFT JOIN ledger_postings p ON p.account_id = a.id
        GROUP BY a.id
        HAVING a.version <> count(p.account_version)
            OR a.version <> coalesce(max(p.account_version), 0)
    """,
    "each posting's balance follows from the one before": """
        SELECT format('account %s, version %s: %s after %s and a posting of %s', account_id,
            account_version, balance_after_minor, before_minor, moved_minor)
        FROM (
            SELECT p.account_id, p.account_version, p.balance_after_minor,
                coalesce(lag(p.balance_after_minor) OVER w, 0) AS before_minor,
                CASE WHEN (p.direction = 'debit') = (a.kind IN ('asset', 'expense'))
                    THEN p.amount_minor ELSE -p.amount_minor END AS moved_minor
            FROM ledger_postings p JOIN ledger_accounts a ON a.id = p.account_id
            WINDOW w AS (PARTITION BY p.account_id ORDER BY p.account_version)
        ) chain
        WHERE balance_after_minor <> before_minor + moved_minor
    """,
    "merchant_pending is what payments have unreleased": """
        SELECT format('application %s: account %s %s, payments %s', application_id,
            sum(account_minor), currency, sum(payments_minor))
        FROM (
            SELECT environment, application_id, currency, balance_minor AS account_minor,
                0 AS payments_minor
            FROM ledger_accounts WHERE code = 'merchant_pending'
            UNION ALL
            SELECT environment, application_id, currency, 0, unreleased_minor
            FROM payments WHERE unreleased_minor <> 0
        ) both_sides
        GROUP BY environment, application_id, currency
        HAVING sum(account_minor) <> sum(payments_minor)
    """,
    "suspense is what could not be placed": """
        SELECT format('%s %s: account %s %s, attempts and lost orders %s', environment, rail,
            sum(account_minor), currency, sum(attempts_minor))
        FROM (
            SELECT environment, rail, currency, balance_minor AS account_minor, 0 AS attempts_minor
            FROM ledger_accounts WHERE code = 'suspense'
            UNION ALL
            SELECT a.environment, a.rail, a.received_currency, 0,
                a.received_minor - a.placed_minor - a.returned_minor
                    + CASE WHEN a.placed_minor > 0 THEN p.returned_minor ELSE 0 END
            FROM attempts a JOIN payments p ON p.id = a.payment_id
            WHERE a.status IN ('done', 'reversed')
            UNION ALL
            SELECT environment, rail, currency, 0, received_minor - returned_minor
            FROM unclaimed_receipts WHERE payment_id IS NULL
        ) both_sides
        GROUP BY environment, rail, currency
        HAVING sum(account_minor) <> sum(attempts_minor)
    """,
    "refunds_in_flight is what payments have on its way back": """
        SELECT format('application %s: account %s %s, payments %s', application_id,
            sum(account_minor), currency, sum(payments_minor))
        FROM (
            SELECT environment, application_id, currency, balance_minor AS account_minor,
                0 AS payments_minor
            FROM ledger_accounts WHERE code = 'refunds_in_flight'
            UNION ALL
            SELECT environment, application_id, currency, 0, refunding_minor
            FROM payments WHERE refunding_minor <> 0
        ) both_sides
        GROUP BY environment, application_id, currency
        HAVING sum(account_minor) <> sum(payments_minor)
    """,
    "what payments say of refunds is the sum of their refunds": """
        SELECT format('payment %s says %s under way and %s refunded, its refunds %s and %s', p.id,
            p.refunding_minor, p.refunded_minor,
            coalesce(sum(r.amount_minor) FILTER (WHERE r.status IN ('initiated', 'sent')), 0),
            coalesce(sum(r.amount_minor) FILTER (WHERE r.status = 'completed'), 0))
        FROM payments p LEFT JOIN refunds r ON r.payment_id = p.id
        WHERE p.refunding_minor <> 0 OR p.refunded_minor <> 0 OR r.id IS NOT NULL
        GROUP BY p.id HAVING p.refunding_minor <>
                coalesce(sum(r.amount_minor) FILTER (WHERE r.status IN ('initiated', 'sent')), 0)
            OR p.refunded_minor <>
                coalesce(sum(r.amount_minor) FILTER (WHERE r.status = 'completed'), 0)
    """,
    "every refund is booked as its status says": """
        SELECT format('refund %s is %s and its entries are: %s', r.id, r.status,
            coalesce(string_agg(e.event, ', '), 'none'))
        FROM refunds r LEFT JOIN ledger_entries e ON e.key = ANY (ARRAY[
            format('refund:%s:initiated', r.id), format('refund:%s:completed', r.id),
            format('refund:%s:failed', r.id)])
        GROUP BY r.id HAVING count(*) FILTER (WHERE e.event = 'refund.initiated') <> 1
            OR count(*) FILTER (WHERE e.event = 'refund.completed')
                <> (r.status = 'completed')::integer
            OR count(*) FILTER (WHERE e.event = 'refund.failed') <> (r.status = 'failed')::integer
    """,
    "every refund's entries move what it says": """
        SELECT format('entry %s moves %s, its refund is of %s', e.key, moved.minor, r.amount_minor)
        FROM refunds r
            JOIN ledger_entries e ON e.key = ANY (ARRAY[
                format('refund:%s:initiated', r.id), format('refund:%s:completed', r.id),
                format('refund:%s:failed', r.id)])
            CROSS JOIN LATERAL (
                SELECT sum(l.amount_minor) AS minor FROM ledger_postings l
                WHERE l.entry_id = e.id AND l.direction = 'debit'
            ) moved
        WHERE moved.minor IS DISTINCT FROM r.amount_minor
    """,
    "transfers_in_flight is what transfers have set aside": _in_flight("transfer"),
    "payouts_in_flight is what payouts have set aside": _in_flight("payout"),
    "every transfer is booked as its status says": """
        SELECT format('%s %s is %s and its entries are: %s', t.purpose, t.id, t.status,
            coalesce(string_agg(e.event, ', '), 'none'))
        FROM transfers t LEFT JOIN ledger_entries e ON e.key = ANY (ARRAY[
            format('transfer:%s:initiated', t.id), format('transfer:%s:sent', t.id),
            format('transfer:%s:failed', t.id), format('transfer:%s:returned', t.id)])
        GROUP BY t.id
        HAVING count(*) FILTER (WHERE e.event = t.purpose || '.initiated') <> 1
            OR count(*) FILTER (WHERE e.event = t.purpose || '.sent')
                <> (t.status IN ('completed', 'returned'))::integer
            OR count(*) FILTER (WHERE e.event = t.purpose || '.failed')
                <> (t.status IN ('failed', 'cancelled'))::integer
            OR count(*) FILTER (WHERE e.event = t.purpose || '.returned')
                <> (t.status = 'returned')::integer
    """,
    "every transfer's entries move what it says": """
        SELECT format('entry %s moves %s, its transfer is of %s and a fee of %s', e.key,
            moved.minor, t.amount_minor, t.fee_minor)
        FROM transfers t
            JOIN ledger_entries e ON e.subject_id = t.id
            CROSS JOIN LATERAL (
                SELECT sum(p.amount_minor) AS minor FROM ledger_postings p
                WHERE p.entry_id = e.id AND p.direction = 'debit'
            ) moved
        WHERE moved.minor IS DISTINCT FROM t.amount_minor + t.fee_minor
    """,
    "what was taken back is booked": """
        SELECT format('payment %s says %s was taken back, the books %s',
            coalesce(p.id, booked.payment_id), coalesce(p.returned_minor, 0),
            coalesce(booked.minor, 0))
        FROM (SELECT id, returned_minor FROM payments WHERE returned_minor <> 0) p
        FULL JOIN (
            SELECT e.subject_id AS payment_id, sum(l.amount_minor) AS minor
            FROM ledger_entries e JOIN ledger_postings l ON l.entry_id = e.id
                JOIN ledger_accounts a ON a.id = l.account_id
            WHERE a.code = 'rail_float'
                AND e.event IN ('payment.reversed', 'payment.partially_reversed')
            GROUP BY e.subject_id
        ) booked ON booked.payment_id = p.id
        WHERE coalesce(p.returned_minor, 0) <> coalesce(booked.minor, 0)
    """,
    "every completed payment is booked": """
        SELECT format('payment %s completed at %s and has no entry', p.id, p.completed_at)
        FROM payments p
        WHERE p.completed_at IS NOT NULL AND NOT EXISTS (
            SELECT FROM ledger_entries e WHERE e.key = format('payment:%s:completed', p.id))
    """,
    "only completed payments are booked": """
        SELECT format('entry %s is of a payment that never completed', e.key)
        FROM ledger_entries e LEFT JOIN payments p ON p.id = e.subject_id
        WHERE e.event = 'payment.completed' AND (p.completed_at IS NULL
            OR e.key <> format('payment:%s:completed', p.id))
    """,
    "every payment's entries move what it says": """
        SELECT format('entry %s moves %s, its payment is of %s and a fee of %s', e.key,
            moved.minor, p.amount_minor, p.fee_minor)
        FROM ledger_entries e
            JOIN payments p ON p.id = e.subject_id
            CROSS JOIN LATERAL (
                SELECT sum(l.amount_minor) AS minor FROM ledger_postings l
                WHERE l.entry_id = e.id AND l.direction = 'debit'
            ) moved
        WHERE e.event IN ('payment.completed', 'payment.fee')
            AND moved.minor IS DISTINCT FROM
                CASE e.event WHEN 'payment.fee' THEN p.fee_minor ELSE p.amount_minor END
    """,
    "every completed payment's fee is booked": """
        SELECT format('payment %s has a fee of %s and %s entries of it', p.id, p.fee_minor,
            count(e.id))
        FROM payments p LEFT JOIN ledger_entries e ON e.key = format('payment:%s:fee', p.id)
        GROUP BY p.id
        HAVING count(e.id) <> (p.completed_at IS NOT NULL AND p.fee_minor > 0)::integer
    """,
    "payments are reversed in the books as in their status": """
        SELECT format('payment %s is %s and has %s entries of its reversal', p.id, p.status,
            count(e.id))
        FROM payments p
            LEFT JOIN ledger_entries e ON e.key = format('payment:%s:reversed', p.id)
        WHERE p.completed_at IS NOT NULL
        GROUP BY p.id HAVING count(e.id) <> (p.status = 'reversed')::integer
    """,
}


class Finding(NamedTuple):
    """An invariant that does not hold, and where."""

    invariant: str
    what: str


async def glance(connection: Connection) -> list[Finding]:
    """What is wrong by the invariants that cost little however old the books are."""
    rows = await connection.fetch(
        f"SELECT invariant, what FROM books_at_a_glance LIMIT {_FINDINGS_MAX}"
    )
    return [Finding(*row) for row in rows]


class RowsHidden(GuichetError):
    """Row security keeps rows from this role: let the owner of the tables look at the books."""


#: By the function, as the owner, whom a policy names; by the table, as the caller is let see.
_IS_WHOLE = """
SELECT (SELECT count(*) FROM access_applications()) = (SELECT count(*) FROM applications)
    AND EXISTS (SELECT FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
        WHERE c.oid = 'applications'::regclass AND p.polname = 'owner'
            AND c.relowner = ANY(p.polroles))
"""


async def findings(connection: Connection) -> list[Finding]:
    """What is wrong in the books: nothing, or a few examples per invariant.

    As of one moment, unless the caller has begun a transaction. Raises ``RowsHidden`` unless the
    connection sees everything: as the owner of the tables, or acting for every application.
    """
    if connection.is_in_transaction():
        return await _look(connection)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        return await _look(connection)


async def _look(connection: Connection) -> list[Finding]:
    await connection.execute("SET LOCAL statement_timeout = 0")
    if not await connection.fetchval(_IS_WHOLE):
        raise RowsHidden
    found = []
    for invariant, query in INVARIANTS.items():
        rows = await connection.fetch(f"{query} LIMIT {_FINDINGS_MAX}", timeout=3600)
        found += [Finding(invariant, row[0]) for row in rows]
    return found
