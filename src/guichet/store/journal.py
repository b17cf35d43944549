"""Writing the ledger: lock the accounts once, in one order, post in memory, write once.

Balances are exact rows, moved once per account and batch: a hot account costs one update for
sixty-four payments, not sixty-four. Every posting keeps the balance and the version after it, so
gaps and double posts are impossible.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from guichet.domain.ids import new_ids
from guichet.ledger.chart import CHART, AccountKey
from guichet.ledger.entries import Entry
from guichet.store.database import Connection

_OPEN = """
INSERT INTO ledger_accounts (environment, code, application_id, rail, currency, kind, may_overdraw)
SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[],
    $7::bool[])
ON CONFLICT DO NOTHING
"""
_FIND = """
SELECT k.n, a.id
FROM unnest($1::text[], $2::text[], $3::uuid[], $4::text[], $5::text[])
    WITH ORDINALITY AS k (environment, code, application_id, rail, currency, n)
JOIN ledger_accounts a ON a.environment = k.environment AND a.code = k.code
    AND a.currency = k.currency AND a.application_id IS NOT DISTINCT FROM k.application_id
    AND a.rail IS NOT DISTINCT FROM k.rail
"""
_LOCK = """
SELECT id, balance_minor, version FROM ledger_accounts WHERE id = ANY($1::bigint[])
ORDER BY id FOR UPDATE
"""
_WRITE = """
WITH entry AS (
    INSERT INTO ledger_entries (id, environment, key, event, subject_id, occurred_at)
    SELECT * FROM unnest($1::new_entry[])
), account AS (
    UPDATE ledger_accounts a SET balance_minor = n.balance_minor, version = n.version
    FROM unnest($2::account_change[]) AS n
    WHERE a.id = n.id
)
INSERT INTO ledger_postings (entry_id, line, account_id, direction, amount_minor,
    balance_after_minor, account_version)
SELECT * FROM unnest($3::new_posting[])
"""


@dataclass(slots=True)
class Book:
    """The accounts of one transaction, locked, and the entries posted on them so far."""

    ids: dict[AccountKey, int]
    balances: dict[int, int]
    versions: dict[int, int]
    entries: list[Entry] = field(default_factory=list)
    #: (place of the entry from 0, line, account, direction, amount, balance and version after it)
    postings: list[tuple[int, int, int, str, int, int, int]] = field(default_factory=list)

    def balance_of(self, key: AccountKey) -> int:
        """The balance under lock, entries posted so far included."""
        return self.balances[self.ids[key]]

    def post(self, entry: Entry) -> None:
        """Add an entry; the database refuses the batch when a guarded balance is below zero."""
        place = len(self.entries)
        self.entries.append(entry)
        for line, posting in enumerate(entry.postings):
            account = self.ids[posting.account]
            balance = self.balances[account] = self.balances[account] + posting.effect_minor
            version = self.versions[account] = self.versions[account] + 1
            self.postings.append(
                (
                    place,
                    line,
                    account,
                    posting.direction,
                    posting.amount_minor,
                    balance,
                    version,
                )
            )

    async def write(self, connection: Connection) -> None:
        """Write what was posted: one statement."""
        if not self.entries:
            return
        ids = new_ids(self.entries[0].occurred_at, len(self.entries))
        entries = [
            (id_, entry.environment, entry.key, entry.event, entry.subject_id, entry.occurred_at)
            for id_, entry in zip(ids, self.entries, strict=True)
        ]
        moved = {posting[2] for posting in self.postings}
        accounts = [(account, self.balances[account], self.versions[account]) for account in moved]
        postings = [(ids[place], *posting) for place, *posting in self.postings]
        await connection.execute(_WRITE, entries, accounts, postings)


class Journal:
    """Opens books; remembers the numbers of accounts, which never change."""

    def __init__(self) -> None:
        self._ids: dict[AccountKey, int] = {}

    async def open(self, connection: Connection, keys: Iterable[AccountKey]) -> Book:
        """Lock the accounts, made if they are new. Call once per transaction, after row locks."""
        wanted = set(keys)
        if not wanted:
            return Book({}, {}, {})
        ids = {key: self._ids[key] for key in wanted if key in self._ids}
        if missing := sorted(wanted - ids.keys(), key=repr):
            ids |= await self._find(connection, missing)
        locked = await connection.fetch(_LOCK, list(ids.values()))
        if len(locked) < len(ids):  # a number that is no account's: the table was restored
            self._ids.clear()
            ids = await self._find(connection, sorted(wanted, key=repr))
            locked = await connection.fetch(_LOCK, list(ids.values()))
        if len(locked) < len(wanted):
            raise LookupError("an account is not of those whom the transaction acts for")
        return Book(
            ids,
            {row["id"]: row["balance_minor"] for row in locked},
            {row["id"]: row["version"] for row in locked},
        )

    async def _find(self, connection: Connection, keys: list[AccountKey]) -> dict[AccountKey, int]:
        """The accounts' numbers, made if they are new.

        Those of new ones are not remembered yet: another transaction that knew them before they
        are committed would lock what it sees, then wait for us while we wait for it.
        """
        found = await self._numbers(connection, keys)
        self._ids |= found
        if new := [key for key in keys if key not in found]:
            chart = [CHART[key.code] for key in new]
            await connection.execute(
                _OPEN,
                *_columns(new),
                [each.kind.value for each in chart],
                [each.may_overdraw for each in chart],
            )
            found |= await self._numbers(connection, new)
        return found

    async def _numbers(
        self, connection: Connection, keys: list[AccountKey]
    ) -> dict[AccountKey, int]:
        rows = await connection.fetch(_FIND, *_columns(keys))
        return {keys[row["n"] - 1]: row["id"] for row in rows}


def _columns(keys: list[AccountKey]) -> list[list[object]]:
    return [list(column) for column in zip(*keys, strict=True)]
