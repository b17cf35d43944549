"""Rotating the vault's keys: whatever another key sealed is sealed with the first one.

What is sealed with people's keys stays as it is: only their keys are sealed anew, and so is the
key of digests, which does not change.
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from guichet.people import People
from guichet.store.database import Connection
from guichet.vault import Vault

_BATCH_ROWS = 500
_NEXT = f" AND id > $1 ORDER BY id LIMIT {_BATCH_ROWS}"
_FIRST = UUID(int=0)


class _Column(NamedTuple):
    """Where something is sealed. ``update`` writes ($2) only over what was read ($1)."""

    select: str
    update: str


def _sealed(table: str, column: str) -> _Column:
    return _Column(
        f"SELECT DISTINCT {column} FROM {table} WHERE octet_length({column}) > 0",
        f"UPDATE {table} SET {column} = $2 WHERE {column} = $1",
    )


#: Sealed by the vault itself.
_SECRETS = tuple(_sealed(*place) for place in (
    ("applications", "webhook_secret"),
    ("api_keys", "sealed"),
    ("provider_accounts", "settings"),
    ("webhook_endpoints", "secret"),
    ("webhook_endpoints", "former_secret"),
))  # fmt: skip
#: The same in tables that grow: by id.
_MEMORIES = tuple(
    _Column(
        f"SELECT id, {column} FROM {table} WHERE octet_length({column}) > 0{_NEXT}",
        f"UPDATE {table} SET {column} = $3 WHERE id = $1 AND {column} = $2",
    )
    for table, column in (
        ("attempts", "memory"),
        ("transfers", "memory"),
        ("rail_notices", "content"),
    )
)
#: People's keys.
_KEYS = tuple(
    _Column(
        f"SELECT id, data_key FROM {table} WHERE data_key IS NOT NULL{_NEXT}",
        f"UPDATE {table} SET data_key = $3 WHERE id = $1 AND data_key = $2",
    )
    for table in ("customers", "beneficiaries")
)
_INDEX_KEY = "SELECT index_key FROM seals FOR UPDATE"
_WRITE_INDEX_KEY = "UPDATE seals SET index_key = $1"


async def reseal_everything(connection: Connection, vault: Vault) -> int:
    """Seal everything with the vault's first key; how much there was.

    A few rows at a time, so that no server waits for long. Raises ``SealBroken`` for what none of
    the keys opens.
    """
    count = 0
    for column in _SECRETS:
        count += await _reseal_secrets(connection, vault, column)
    for column in _MEMORIES:
        count += await _reseal_rows(connection, vault, column, are_keys=False)
    for column in _KEYS:
        count += await _reseal_rows(connection, vault, column, are_keys=True)
    async with connection.transaction():
        index_key = await connection.fetchval(_INDEX_KEY)
        if index_key is not None:
            await connection.execute(_WRITE_INDEX_KEY, People.reseal_index_key(vault, index_key))
            count += 1
    return count


async def _reseal_secrets(connection: Connection, vault: Vault, column: _Column) -> int:
    count = 0
    async with connection.transaction():
        for (sealed,) in await connection.fetch(column.select):
            done = await connection.execute(column.update, sealed, vault.reseal(sealed))
            count += int(done.removeprefix("UPDATE "))
    return count


async def _reseal_rows(
    connection: Connection, vault: Vault, column: _Column, *, are_keys: bool
) -> int:
    count, last = 0, _FIRST
    while rows := await connection.fetch(column.select, last):
        await connection.executemany(
            column.update,
            [
                (row_id, sealed, _anew(vault, row_id.bytes, sealed, are_keys=are_keys))
                for row_id, sealed in rows
            ],
        )
        count, last = count + len(rows), rows[-1][0]
    return count


def _anew(vault: Vault, owner: bytes, sealed: bytes, *, are_keys: bool) -> bytes:
    if not are_keys:
        return vault.reseal(sealed)
    return sealed if vault.is_current(sealed) else vault.wrap(vault.unwrap(sealed, owner), owner)
