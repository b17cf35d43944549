"""How far each provider's own list of movements has been read, and which of them are ours."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from guichet.store.database import Connection


class ReconciledAccount(NamedTuple):
    """Whose list is read; ``account_id`` None is the connector's default account."""

    rail: str
    environment: str
    account_id: UUID | None


_PLAN = """
INSERT INTO reconciliations (id, rail, environment, account_id, read_until, next_read_at)
SELECT id, rail, environment, account_id, $5, $6
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[])
    AS n (id, rail, environment, account_id)
ON CONFLICT (rail, environment, account_id) DO UPDATE
    SET next_read_at = LEAST(reconciliations.next_read_at, EXCLUDED.next_read_at)
"""


async def plan(
    connection: Connection,
    ids: Sequence[UUID],
    accounts: Sequence[ReconciledAccount],
    now: datetime,
    read_at: datetime,
) -> None:
    """Have the accounts' lists read at ``read_at`` at the latest, new ones from ``now`` on."""
    rails, environments, account_ids = map(list, zip(*accounts, strict=True))
    await connection.execute(_PLAN, list(ids), rails, environments, account_ids, now, read_at)


class KnownOperation(NamedTuple):
    """An attempt as far as a provider's list is compared with it."""

    id: UUID
    status: str
    provider_reference: str | None


_KNOWN = "SELECT id, status, provider_reference FROM listed_attempts($1, $2, $3, $4, $5)"


async def known(
    connection: Connection,
    account: ReconciledAccount,
    attempt_ids: Collection[UUID],
    provider_references: Collection[str],
) -> list[KnownOperation]:
    """Our attempts at the account that have one of these ids or provider's references."""
    rows = await connection.fetch(_KNOWN, *account, list(attempt_ids), list(provider_references))
    return [KnownOperation._make(row) for row in rows]
