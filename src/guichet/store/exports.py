"""Reading the books out: entries in the order of their ids, as a stream, as of one moment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from uuid import UUID

import asyncpg

from guichet.ledger.hledger import Balance, JournalEntry, NamedAccount
from guichet.store.database import Connection

_ROWS_AT_ONCE = 2000

#: Whose an entry is: the application of the payment, refund or transfer that it is about, or the
#: owner of an account that it moves.
_SELECTED = """
    FROM ledger_entries e
        LEFT JOIN payments p ON p.id = e.subject_id
        LEFT JOIN transfers t ON t.id = e.subject_id
        LEFT JOIN applications o ON o.id = coalesce(p.application_id, t.application_id,
            e.subject_id)
        JOIN ledger_postings l ON l.entry_id = e.id
        JOIN ledger_accounts a ON a.id = l.account_id
    WHERE e.environment = $1
        AND ($2::uuid IS NULL OR o.id = $2 OR EXISTS (
            SELECT FROM ledger_postings m JOIN ledger_accounts n ON n.id = m.account_id
            WHERE m.entry_id = e.id AND n.application_id = $2))
        AND ($3::text IS NULL OR a.currency = $3)
"""
_ACCOUNT = "a.code, coalesce(a.application_id::text, a.rail) AS owner, a.currency"
_DEBIT = "CASE l.direction WHEN 'debit' THEN l.amount_minor ELSE -l.amount_minor END"
_ENTRIES = f"""
    SELECT e.id, e.key, e.event, e.occurred_at, o.name AS payee,
        coalesce(p.reference, t.reference) AS reference, {_ACCOUNT}, {_DEBIT} AS debit_minor
    {_SELECTED}
        AND ($4::timestamptz IS NULL OR e.occurred_at >= $4)
        AND ($5::timestamptz IS NULL OR e.occurred_at < $5)
    ORDER BY e.id, l.line
"""
_SUMS = f"""
    SELECT {_ACCOUNT}, sum({_DEBIT})::bigint AS debit_minor
    {_SELECTED}
        AND ($4::timestamptz IS NULL OR e.occurred_at < $4)
    GROUP BY a.id ORDER BY a.id
"""
_KEPT = f"""
    SELECT {_ACCOUNT},
        CASE WHEN a.kind IN ('asset', 'expense') THEN a.balance_minor ELSE -a.balance_minor END
            AS debit_minor
    FROM ledger_accounts a
    WHERE a.environment = $1 AND ($2::text IS NULL OR a.currency = $2) AND a.version > 0
    ORDER BY a.id
"""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which entries: of one environment and, where not None, one application, one currency, from
    the day ``since`` on and before the day ``until``, in UTC.
    """

    environment: str
    application_id: UUID | None = None
    currency: str | None = None
    since: date | None = None
    until: date | None = None


async def environment_of(connection: Connection, application_id: UUID) -> str | None:
    """Where an application's books are, archived or not; None: there is none."""
    environment: str | None = await connection.fetchval(
        "SELECT environment FROM applications WHERE id = $1", application_id
    )
    return environment


async def application_names(connection: Connection, which: Selection) -> dict[str, str]:
    """The names of the applications of the selection's environment, by id."""
    rows = await connection.fetch(
        "SELECT id::text, name FROM applications WHERE environment = $1"
        " AND ($2::uuid IS NULL OR id = $2)",
        *(which.environment, which.application_id),
    )
    return {row["id"]: row["name"] for row in rows}


@asynccontextmanager
async def one_moment(connection: Connection) -> AsyncIterator[None]:
    """All that is read in the block is as of its beginning, however slowly it is taken away."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute("SET LOCAL statement_timeout = 0")
        await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield


async def opening(connection: Connection, which: Selection) -> list[Balance]:
    """What the selected entries before ``since`` come to."""
    if which.since is None:
        return []
    return await _sums(connection, which, which.since)


async def closing(connection: Connection, which: Selection) -> list[Balance]:
    """What the selected entries before ``until`` come to: as the accounts themselves keep it, where
    all entries are selected.
    """
    if which.application_id is None and which.until is None:
        rows = await connection.fetch(_KEPT, which.environment, which.currency)
        return [_balance(row) for row in rows]
    return await _sums(connection, which, which.until)


async def entries(connection: Connection, which: Selection) -> AsyncIterator[JournalEntry]:
    """The selected entries, oldest first; call within ``one_moment``."""
    rows = connection.cursor(
        _ENTRIES,
        *(which.environment, which.application_id, which.currency),
        *(_midnight(which.since), _midnight(which.until)),
        prefetch=_ROWS_AT_ONCE,
    )
    of_one: list[asyncpg.Record] = []
    async for row in rows:
        if of_one and of_one[0]["id"] != row["id"]:
            yield _entry(of_one)
            of_one = []
        of_one.append(row)
    if of_one:
        yield _entry(of_one)


async def _sums(connection: Connection, which: Selection, before: date | None) -> list[Balance]:
    chosen = (which.environment, which.application_id, which.currency)
    rows = await connection.fetch(_SUMS, *chosen, _midnight(before))
    return [_balance(row) for row in rows]


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), UTC)


def _balance(row: asyncpg.Record) -> Balance:
    return Balance(NamedAccount(row["code"], row["owner"], row["currency"]), row["debit_minor"])


def _entry(rows: list[asyncpg.Record]) -> JournalEntry:
    first = rows[0]
    return JournalEntry(
        key=first["key"],
        event=first["event"],
        payee=first["payee"],
        reference=first["reference"],
        occurred_at=first["occurred_at"],
        lines=tuple(_balance(row) for row in rows),
    )
