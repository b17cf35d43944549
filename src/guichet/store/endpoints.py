"""Webhook endpoints: kept by application, their health moved by one statement per try."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from guichet.domain.endpoints import FAILING_LIMIT, Endpoint
from guichet.domain.paging import Page
from guichet.store.database import Connection

_COLUMNS = ", ".join(Endpoint._fields)
_OF = f"SELECT {_COLUMNS} FROM webhook_endpoints WHERE application_id = $1 AND deleted_at IS NULL"
_INSERT = (
    f"INSERT INTO webhook_endpoints ({_COLUMNS})"
    f" VALUES ({', '.join(f'${n}' for n in range(1, len(Endpoint._fields) + 1))})"
)


def _endpoint(record: Iterable[Any] | None) -> Endpoint | None:
    if record is None:
        return None
    row = Endpoint._make(tuple(record))
    return row._replace(events=tuple(row.events), event_types=tuple(row.event_types))


async def insert(connection: Connection, endpoint: Endpoint) -> None:
    """Add an endpoint."""
    await connection.execute(_INSERT, *endpoint)


async def by_id(connection: Connection, application_id: UUID, endpoint_id: UUID) -> Endpoint | None:
    """The application's endpoint of this id, unless deleted."""
    return _endpoint(await connection.fetchrow(f"{_OF} AND id = $2", application_id, endpoint_id))


async def lock(connection: Connection, application_id: UUID, endpoint_id: UUID) -> Endpoint | None:
    """The same, locked for the rest of the transaction."""
    return _endpoint(
        await connection.fetchrow(f"{_OF} AND id = $2 FOR UPDATE", application_id, endpoint_id)
    )


async def any_by_id(connection: Connection, endpoint_id: UUID) -> Endpoint | None:
    """An endpoint whoever it belongs to, deleted or not: for the worker and for operators."""
    return _endpoint(
        await connection.fetchrow(
            f"SELECT {_COLUMNS} FROM webhook_endpoints WHERE id = $1", endpoint_id
        )
    )


async def list_page(
    connection: Connection, application_id: UUID, page: Page
) -> tuple[Sequence[Endpoint], int]:
    """One page of the application's endpoints, newest first, and how many there are."""
    records = await connection.fetch(
        f"{_OF} ORDER BY id DESC LIMIT $2 OFFSET $3", application_id, page.size, page.offset
    )
    total = await connection.fetchval(
        "SELECT count(*) FROM webhook_endpoints WHERE application_id = $1 AND deleted_at IS NULL",
        application_id,
    )
    return [made for record in records if (made := _endpoint(record))], total


_UPDATE = """
UPDATE webhook_endpoints SET url = $2, description = $3, events = $4, event_types = $5,
    active = $6, profile = $7, secret = $8, former_secret = $9, former_secret_until = $10,
    failing_since = $11, disabled_at = $12, updated_at = $13, deleted_at = $14, version = $15
WHERE id = $1
"""


async def update(connection: Connection, endpoint: Endpoint) -> None:
    """Write an endpoint that was locked before."""
    await connection.execute(
        _UPDATE,
        endpoint.id,
        endpoint.url,
        endpoint.description,
        endpoint.events,
        endpoint.event_types,
        endpoint.active,
        endpoint.profile,
        endpoint.secret,
        endpoint.former_secret,
        endpoint.former_secret_until,
        endpoint.failing_since,
        endpoint.disabled_at,
        endpoint.updated_at,
        endpoint.deleted_at,
        endpoint.version,
    )


_OPEN = "id = $1 AND active AND deleted_at IS NULL"
_RECOVER = f"""
UPDATE webhook_endpoints SET failing_since = NULL, version = version + 1
WHERE {_OPEN} AND failing_since IS NOT NULL RETURNING {_COLUMNS}
"""
_FAIL = f"""
UPDATE webhook_endpoints SET failing_since = $2, version = version + 1
WHERE {_OPEN} AND failing_since IS NULL RETURNING {_COLUMNS}
"""
_DISABLE = f"""
UPDATE webhook_endpoints SET active = false, disabled_at = $2, updated_at = $2,
    failing_since = COALESCE(failing_since, $2), version = version + 1
WHERE {_OPEN} AND ($3::timestamptz IS NULL OR failing_since <= $3) RETURNING {_COLUMNS}
"""


async def note_success(connection: Connection, endpoint_id: UUID) -> Endpoint | None:
    """The endpoint took something: as it is now if it was failing, else None."""
    return _endpoint(await connection.fetchrow(_RECOVER, endpoint_id))


async def note_failure(connection: Connection, endpoint_id: UUID, now: datetime) -> Endpoint | None:
    """The endpoint took nothing: as it is now if it was healthy, else None."""
    return _endpoint(await connection.fetchrow(_FAIL, endpoint_id, now))


async def disable(
    connection: Connection, endpoint_id: UUID, now: datetime, *, is_gone: bool
) -> Endpoint | None:
    """Give the endpoint up if it is gone, or has failed for ``FAILING_LIMIT``; None: it stays."""
    limit = None if is_gone else now - FAILING_LIMIT
    return _endpoint(await connection.fetchrow(_DISABLE, endpoint_id, now, limit))
