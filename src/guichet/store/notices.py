"""The inbox: hints that providers sent and that payers' browsers brought back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from guichet.store.database import Connection


class NewNotice(NamedTuple):
    """A row to be: ``content`` is sealed, ``attempt_id`` set when our own address named it."""

    id: UUID
    rail: str
    environment: str
    dedupe_key: str
    attempt_id: UUID | None
    content: bytes
    received_at: datetime


_INSERT = """
WITH added AS (
    INSERT INTO rail_notices (id, rail, environment, dedupe_key, attempt_id, content, received_at,
        next_try_at)
    SELECT id, rail, environment, dedupe_key, attempt_id, content, received_at, received_at
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::bytea[],
        $7::timestamptz[])
        AS n (id, rail, environment, dedupe_key, attempt_id, content, received_at)
    ON CONFLICT (rail, environment, dedupe_key) DO NOTHING
    RETURNING id
), total AS (
    SELECT count(*) AS rows FROM added
)
SELECT rows, CASE WHEN rows > 0 THEN pg_notify('guichet_work', 'notices') END FROM total
"""


async def insert(connection: Connection, notices: Sequence[NewNotice]) -> int:
    """Store notices, wake the workers, return how many were new; repeated ones change nothing."""
    if not notices:
        return 0
    rows: int = await connection.fetchval(_INSERT, *map(list, zip(*notices, strict=True)))
    return rows


_FIND_ATTEMPT = """
SELECT id FROM attempts
WHERE rail = $1 AND environment = $2 AND account_id IS NOT DISTINCT FROM $3
    AND (id = $4 OR provider_reference = $5)
ORDER BY id = $4 DESC LIMIT 1
"""


async def find_attempt(
    connection: Connection,
    rail: str,
    environment: str,
    account_id: UUID | None,
    attempt_id: UUID | None,
    provider_reference: str | None,
) -> UUID | None:
    """The rail's attempt at the account with this id or else this provider's reference."""
    found: UUID | None = await connection.fetchval(
        _FIND_ATTEMPT, rail, environment, account_id, attempt_id, provider_reference
    )
    return found


# Of what is closed nothing more is learnt, but a transfer that arrived may come back. One that
# waits for its checker is never asked about. The due time is only ever brought forward.
_HINT_TRANSFER = """
WITH found AS (
    SELECT id FROM transfers
    WHERE rail = $1 AND environment = $2 AND account_id IS NOT DISTINCT FROM $3
        AND (id = $4 OR provider_reference = $5)
    ORDER BY id = $4 DESC LIMIT 1
), moved AS (
    UPDATE transfers t SET next_check_at = LEAST(t.next_check_at, $6)
    FROM found WHERE t.id = found.id AND t.status IN ('initiated', 'sent', 'completed')
        AND t.approval IN ('none', 'given')
)
SELECT id FROM found
"""
_HINT_REFUND = """
WITH found AS (
    SELECT r.id FROM refunds r JOIN attempts a ON a.id = r.attempt_id
    WHERE r.rail = $1 AND r.environment = $2 AND a.account_id IS NOT DISTINCT FROM $3
        AND (r.id = $4 OR r.provider_reference = $5)
    ORDER BY r.id = $4 DESC LIMIT 1
), moved AS (
    UPDATE refunds r SET next_check_at = LEAST(r.next_check_at, $6)
    FROM found WHERE r.id = found.id AND r.status IN ('initiated', 'sent')
)
SELECT id FROM found
"""


async def hint_money_out(
    connection: Connection,
    rail: str,
    environment: str,
    account_id: UUID | None,
    key: UUID | None,
    provider_reference: str | None,
    at: datetime,
) -> bool:
    """Have the worker ask, at ``at`` at the latest, about the rail's transfer or refund of this id
    or else this provider's reference; False if there is none at the account.
    """
    named = (rail, environment, account_id, key, provider_reference, at)
    for sql in (_HINT_TRANSFER, _HINT_REFUND):
        if await connection.fetchval(sql, *named) is not None:
            return True
    return False


_TAKE_TURN = """
UPDATE attempts SET hinted_at = $2
WHERE id = $1 AND (hinted_at IS NULL OR (hinted_at <= $3 AND hinted_at < $4))
"""
_LAST_TURN = "SELECT hinted_at FROM attempts WHERE id = $1"


async def take_turn(
    connection: Connection, attempt_id: UUID, now: datetime, gap: timedelta, since: datetime
) -> datetime | None:
    """Ask for the right to read the provider because of a hint.

    None grants it: there was no such read for ``gap``, and none at all since ``since``. Otherwise
    the moment of the read that came before.
    """
    if await connection.execute(_TAKE_TURN, attempt_id, now, now - gap, since) == "UPDATE 1":
        return None
    last: datetime | None = await connection.fetchval(_LAST_TURN, attempt_id)
    return last


_FINISH = """
UPDATE rail_notices SET claimed_until = NULL, handled_at = $3, error = $4, next_try_at = $5,
    tries = tries + $6
WHERE id = $1 AND claim = $2
"""


async def close(
    connection: Connection, notice_id: UUID, claim: int, now: datetime, error: str | None = None
) -> bool:
    """The notice is done with, for better or worse; False if the lease was lost."""
    done = await connection.execute(_FINISH, notice_id, claim, now, error, None, 1)
    return bool(done == "UPDATE 1")


async def put_off(
    connection: Connection,
    notice_id: UUID,
    claim: int,
    until: datetime,
    error: str | None = None,
    *,
    tried: bool = True,
) -> bool:
    """Look at the notice again at ``until``; False if the lease was lost."""
    done = await connection.execute(_FINISH, notice_id, claim, None, error, until, int(tried))
    return bool(done == "UPDATE 1")
