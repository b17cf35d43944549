"""The inbox: hints that providers sent and that payers' browsers brought back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from guichet.store.database import Connection

#: Why nothing follows from a notice of a type that its connector does not know.
UNKNOWN_EVENT = "unknown event"


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


_KEEP = """
INSERT INTO rail_notices (id, rail, environment, dedupe_key, attempt_id, content, received_at,
    handled_at, error)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8) ON CONFLICT (rail, environment, dedupe_key) DO NOTHING
"""


async def keep(connection: Connection, notice: NewNotice, error: str) -> None:
    """Store a notice that nothing follows from, and why."""
    await connection.execute(_KEEP, *notice, error)


class Noticed(NamedTuple):
    """What a notice names, and whose it is; ``kind`` is ``attempt``, ``transfer`` or ``refund``."""

    kind: str
    id: UUID
    application_id: UUID


_FIND_ATTEMPT = "SELECT 'attempt', id, application_id FROM noticed_attempt($1, $2, $3, $4, $5)"
_FIND_MONEY_OUT = "SELECT kind, id, application_id FROM noticed_money_out($1, $2, $3, $4, $5)"


async def find(
    connection: Connection,
    rail: str,
    environment: str,
    account_id: UUID | None,
    key: UUID | None,
    provider_reference: str | None,
) -> Noticed | None:
    """The rail's attempt at the account with this id or else this provider's reference, or else
    its transfer or refund.
    """
    named = (rail, environment, account_id, key, provider_reference)
    for sql in (_FIND_ATTEMPT, _FIND_MONEY_OUT):
        record = await connection.fetchrow(sql, *named)
        if record is not None:
            return Noticed._make(record)
    return None


# Of what is closed nothing more is learnt, but a transfer that arrived may come back. One that
# waits for its checker is never asked about. The due time is only ever brought forward.
_HINTS = {
    "transfer": """
UPDATE transfers SET next_check_at = LEAST(next_check_at, $2)
WHERE id = $1 AND status IN ('initiated', 'sent', 'completed') AND approval IN ('none', 'given')
""",
    "refund": """
UPDATE refunds SET next_check_at = LEAST(next_check_at, $2)
WHERE id = $1 AND status IN ('initiated', 'sent')
""",
}


async def hint_money_out(connection: Connection, named: Noticed, at: datetime) -> None:
    """Have the worker ask about a transfer or refund at ``at`` at the latest, if it can move."""
    await connection.execute(_HINTS[named.kind], named.id, at)


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
