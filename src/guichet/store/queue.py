"""Work that is due, claimed by lease.

Every table with work has ``claimed_until`` and ``claim``: a worker claims due rows for a while and
gets a fencing number with each; a row with a live lease is nobody else's, an expired lease is taken
over, and whoever lost the lease cannot finish (the finishing statements compare the number). "Due"
compares business times with the caller's ``now``; leases run on the database's clock alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from guichet.domain.attempts import Attempt
from guichet.domain.payments import Payment
from guichet.domain.refunds import Refund
from guichet.domain.transfers import Transfer
from guichet.store import refunds, transfers
from guichet.store.database import Connection, Database, people_of

#: PostgreSQL tells listeners of this channel that there is work: the queue's name, or nothing.
CHANNEL = "guichet_work"


class Queue(StrEnum):
    """The kinds of work; each is a partial index over rows whose due time is not null."""

    NOTICES = "notices"
    CHECKS = "checks"
    EXPIRIES = "expiries"
    RELEASES = "releases"
    REFUNDS = "refunds"
    TRANSFERS = "transfers"
    RECONCILIATIONS = "reconciliations"
    DELIVERIES = "deliveries"


class ClaimedNotice(NamedTuple):
    """A row of the inbox; ``content`` is sealed."""

    id: UUID
    rail: str
    environment: str
    attempt_id: UUID | None
    content: bytes
    received_at: datetime
    tries: int
    claim: int


class ClaimedReconciliation(NamedTuple):
    """A provider's list of movements that is to be read on from ``read_until``.

    ``account_id`` None is the connector's default account; ``failures`` counts since the last
    success.
    """

    id: UUID
    rail: str
    environment: str
    account_id: UUID | None
    read_until: datetime
    failures: int
    claim: int


class ClaimedPayment(NamedTuple):
    """A payment whose expiry or release is due at ``due_at``, and the lease's fencing number."""

    payment: Payment
    due_at: datetime
    claim: int

    @property
    def application_id(self) -> UUID:
        """Whose it is."""
        return self.payment.application_id


class ClaimedDelivery(NamedTuple):
    """A delivery to try; secrets are sealed, ``body`` None until the first try.

    ``private_key`` is the application's newest, where its wire signs with it. What follows is the
    endpoint's: None, and ``is_open`` true, where the address is the payment's own.
    """

    id: UUID
    application_id: UUID
    event_id: UUID
    url: str
    tries: int
    body: bytes | None
    claim: int
    dialect: str
    environment: str
    webhook_secret: bytes
    private_key: bytes | None
    endpoint_id: UUID | None
    is_open: bool
    events: Sequence[str] | None
    profile: str | None
    secret: bytes | None
    former_secret: bytes | None
    former_secret_until: datetime | None
    request_id: str | None


def _claim(table: str, time: str, columns: Sequence[str] | str) -> str:
    if not isinstance(columns, str):
        columns = ", ".join(f"{{t}}.{column}" for column in columns)
    return f"""
    WITH due AS MATERIALIZED (
        SELECT id FROM {table}
        WHERE {time} <= $1 AND (claimed_until IS NULL OR claimed_until <= now())
        ORDER BY {time} LIMIT $2 FOR UPDATE SKIP LOCKED
    )
    UPDATE {table} t SET claimed_until = now() + $3 * interval '1 second', claim = t.claim + 1
    FROM due WHERE t.id = due.id
    RETURNING {columns.format(t="t")}
    """


_CLAIM_NOTICES = _claim("rail_notices", "next_try_at", ClaimedNotice._fields)
_CLAIM_CHECKS = _claim("attempts", "next_check_at", Attempt._fields)
_CLAIM_EXPIRIES = _claim(
    "payments", "expiry_check_at", (*Payment._fields, "expiry_check_at", "claim")
)
_CLAIM_RELEASES = _claim("payments", "release_at", (*Payment._fields, "release_at", "claim"))
_CLAIM_REFUNDS = _claim("refunds", "next_check_at", refunds.COLUMNS)
_CLAIM_TRANSFERS = _claim("transfers", "next_check_at", transfers.COLUMNS)
_CLAIM_RECONCILIATIONS = _claim("reconciliations", "next_read_at", ClaimedReconciliation._fields)


_ENTER = "SELECT set_config('guichet.applications', applications_with_work($1, $2, $3)::text, true)"


@asynccontextmanager
async def _entered(
    database: Database, queue: Queue, now: datetime, limit: int
) -> AsyncIterator[Connection]:
    """A transaction that sees the rows of those who have work due."""
    async with database.transaction() as transaction:
        await transaction.execute(_ENTER, queue, now, limit)
        yield transaction


async def claim_notices(
    database: Database, now: datetime, limit: int, lease_seconds: float
) -> list[ClaimedNotice]:
    """Notices of the inbox that are due."""
    async with database.bare_connection() as connection:
        rows = await connection.fetch(_CLAIM_NOTICES, now, limit, lease_seconds)
    return [ClaimedNotice._make(row) for row in rows]


async def claim_checks(
    database: Database, now: datetime, limit: int, lease_seconds: float
) -> list[Attempt]:
    """Attempts whose provider should be asked."""
    async with _entered(database, Queue.CHECKS, now, limit) as transaction:
        rows = await transaction.fetch(_CLAIM_CHECKS, now, limit, lease_seconds)
    return [Attempt._make(row) for row in rows]


async def claim_refunds(
    database: Database, now: datetime, limit: int, lease_seconds: float
) -> list[Refund]:
    """Refunds whose provider should be asked."""
    async with _entered(database, Queue.REFUNDS, now, limit) as transaction:
        rows = await transaction.fetch(_CLAIM_REFUNDS, now, limit, lease_seconds)
        return [refunds.read_row(transaction, row) for row in rows]


async def claim_reconciliations(
    database: Database, now: datetime, limit: int, lease_seconds: float
) -> list[ClaimedReconciliation]:
    """Providers' lists that should be read."""
    async with database.bare_connection() as connection:
        rows = await connection.fetch(_CLAIM_RECONCILIATIONS, now, limit, lease_seconds)
    return [ClaimedReconciliation._make(row) for row in rows]


async def claim_transfers(
    database: Database, now: datetime, limit: int, lease_seconds: float
) -> list[Transfer]:
    """Transfers whose provider should be asked."""
    async with _entered(database, Queue.TRANSFERS, now, limit) as transaction:
        rows = await transaction.fetch(_CLAIM_TRANSFERS, now, limit, lease_seconds)
        return [transfers.read_row(people_of(transaction), row) for row in rows]


async def claim_expiries(
    database: Database, now: datetime, limit: int, lease_seconds: float
) -> list[ClaimedPayment]:
    """Open payments whose time is over."""
    return await _payments(database, Queue.EXPIRIES, _CLAIM_EXPIRIES, now, limit, lease_seconds)


async def claim_releases(
    database: Database, now: datetime, limit: int, lease_seconds: float
) -> list[ClaimedPayment]:
    """Completed payments whose money becomes available."""
    return await _payments(database, Queue.RELEASES, _CLAIM_RELEASES, now, limit, lease_seconds)


async def _payments(
    database: Database, queue: Queue, sql: str, now: datetime, limit: int, lease_seconds: float
) -> list[ClaimedPayment]:
    async with _entered(database, queue, now, limit) as transaction:
        rows = await transaction.fetch(sql, now, limit, lease_seconds)
    return [ClaimedPayment(Payment._make(row[:-2]), row[-2], row[-1]) for row in map(tuple, rows)]


#: Deliveries that one application may have in flight, over all workers.
IN_FLIGHT_PER_APPLICATION = 4

#: One claimer of deliveries at a time, or two would count the same free places.
_LOCK_DELIVERIES = "SELECT pg_advisory_xact_lock(hashtext('guichet deliveries'))"
# In scope are the applications that have something to deliver.
_CLAIM_DELIVERIES = f"""
WITH due AS MATERIALIZED (
    SELECT d.id, a.dialect, a.environment, a.webhook_secret, e.url, d.endpoint_id, e.events,
        e.profile, e.secret, e.former_secret, e.former_secret_until,
        d.endpoint_id IS NULL OR COALESCE(e.active AND e.deleted_at IS NULL, false) AS is_open,
        (SELECT k.sealed FROM api_keys k
         WHERE k.application_id = a.id AND k.role = 'secret' AND k.sealed IS NOT NULL
           AND k.revoked_at IS NULL
         ORDER BY k.created_at DESC LIMIT 1) AS private_key
    FROM applications a
    CROSS JOIN LATERAL (
        SELECT count(*) AS total FROM (
            SELECT FROM webhook_deliveries f
            WHERE f.application_id = a.id AND f.next_attempt_at <= $1 AND f.claimed_until > now()
            LIMIT {IN_FLIGHT_PER_APPLICATION}
        ) f
    ) flying
    CROSS JOIN LATERAL (
        SELECT w.id, w.endpoint_id, w.next_attempt_at FROM webhook_deliveries w
        WHERE w.application_id = a.id AND w.next_attempt_at <= $1
          AND (w.claimed_until IS NULL OR w.claimed_until <= now())
        ORDER BY w.next_attempt_at LIMIT {IN_FLIGHT_PER_APPLICATION} - flying.total
        FOR UPDATE SKIP LOCKED
    ) d
    LEFT JOIN webhook_endpoints e ON e.id = d.endpoint_id
    ORDER BY d.next_attempt_at LIMIT $2
)
UPDATE webhook_deliveries t SET claimed_until = now() + $3 * interval '1 second',
    claim = t.claim + 1
FROM due WHERE t.id = due.id
RETURNING t.id, t.application_id, t.event_id, COALESCE(due.url, t.url), t.tries, t.body, t.claim,
    due.dialect, due.environment, due.webhook_secret, due.private_key, due.endpoint_id,
    due.is_open, due.events, due.profile, due.secret, due.former_secret, due.former_secret_until,
    (SELECT v.request_id FROM events v WHERE v.id = t.event_id)
"""


async def claim_deliveries(
    database: Database, now: datetime, limit: int, lease_seconds: float
) -> list[ClaimedDelivery]:
    """Deliveries to try, a few per application however many of its own are due."""
    async with _entered(database, Queue.DELIVERIES, now, limit) as transaction:
        await transaction.execute(_LOCK_DELIVERIES)
        rows = await transaction.fetch(_CLAIM_DELIVERIES, now, limit, lease_seconds)
    return [ClaimedDelivery._make(row) for row in rows]


# The due time moves on only if the work itself did not move it.
def _finish_check(table: str) -> str:
    return f"""
    UPDATE {table} SET claimed_until = NULL,
        checks_count = CASE WHEN next_check_at = $3 THEN checks_count + 1 ELSE checks_count END,
        next_check_at = CASE WHEN next_check_at = $3 THEN $4 ELSE next_check_at END
    WHERE id = $1 AND claim = $2
    """


_FINISH_CHECK = _finish_check("attempts")
_FINISH_REFUND = _finish_check("refunds")
_FINISH_TRANSFER = _finish_check("transfers")


async def finish_check(database: Database, attempt: Attempt, again_at: datetime | None) -> bool:
    """Give the attempt back; False if the lease was lost.

    If what was done left the due time as it was claimed, the next look is at ``again_at``.
    """
    return await _finish(
        database, _FINISH_CHECK, attempt.id, attempt.claim, attempt.next_check_at, again_at
    )


async def finish_refund(database: Database, refund: Refund, again_at: datetime) -> bool:
    """Give the refund back; False if the lease was lost; ``again_at`` as in ``finish_check``."""
    return await _finish(
        database, _FINISH_REFUND, refund.id, refund.claim, refund.next_check_at, again_at
    )


# An account that is not in use any more is read for as long as its money may come or go ($6).
_FINISH_RECONCILIATION = """
UPDATE reconciliations r SET claimed_until = NULL, read_until = $3, failures = $4,
    next_read_at = CASE WHEN EXISTS (
        SELECT FROM access_accounts() a WHERE a.id = r.account_id AND a.replaced_at < $6
    ) THEN NULL ELSE $5::timestamptz END
WHERE id = $1 AND claim = $2
"""


async def finish_reconciliation(
    database: Database,
    claimed: ClaimedReconciliation,
    read_until: datetime,
    failures: int,
    again_at: datetime,
    replaced_before: datetime,
) -> bool:
    """Give the list back, read so far; False if the lease was lost.

    The next read is at ``again_at``; there is none for an account replaced before
    ``replaced_before``.
    """
    return await _finish(
        database,
        _FINISH_RECONCILIATION,
        claimed.id,
        claimed.claim,
        read_until,
        failures,
        again_at,
        replaced_before,
    )


async def finish_transfer(database: Database, transfer: Transfer, again_at: datetime) -> bool:
    """Give the transfer back; False if the lease was lost; ``again_at`` as in ``finish_check``."""
    return await _finish(
        database, _FINISH_TRANSFER, transfer.id, transfer.claim, transfer.next_check_at, again_at
    )


def _finish_payment(time: str) -> str:
    return f"""
    UPDATE payments SET claimed_until = NULL,
        {time} = CASE WHEN {time} = $3 THEN $4 ELSE {time} END
    WHERE id = $1 AND claim = $2
    """


_FINISH_EXPIRY = _finish_payment("expiry_check_at")
_FINISH_RELEASE = _finish_payment("release_at")


async def finish_expiry(database: Database, claimed: ClaimedPayment, again_at: datetime) -> bool:
    """Give the payment back; False if the lease was lost; ``again_at`` as in ``finish_check``."""
    return await _finish(
        database, _FINISH_EXPIRY, claimed.payment.id, claimed.claim, claimed.due_at, again_at
    )


async def finish_release(database: Database, claimed: ClaimedPayment, again_at: datetime) -> bool:
    """Give the payment back; False if the lease was lost; ``again_at`` as in ``finish_check``."""
    return await _finish(
        database, _FINISH_RELEASE, claimed.payment.id, claimed.claim, claimed.due_at, again_at
    )


async def _finish(database: Database, sql: str, *arguments: object) -> bool:
    async with database.connection() as connection:
        return bool(await connection.execute(sql, *arguments) == "UPDATE 1")


_REQUEST_OF = {
    Queue.REFUNDS: "SELECT request_id FROM refunds WHERE id = $1 AND application_id = $2",
    Queue.TRANSFERS: "SELECT request_id FROM transfers WHERE id = $1 AND application_id = $2",
}


async def request_of(database: Database, queue: Queue, piece: Refund | Transfer) -> str:
    """The name of the request that began a piece of work; empty: none did."""
    async with database.connection() as connection:
        name: str | None = await connection.fetchval(
            _REQUEST_OF[queue], piece.id, piece.application_id
        )
    return name or ""
