"""Payment links, and the payments that take room from their limits.

A link's row is locked before any payment of it, everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from guichet.domain.links import TAKES_ROOM, Link
from guichet.domain.paging import Page
from guichet.store.database import Connection

_COLUMNS = ", ".join(Link._fields)
_JOINED = ", ".join(f"l.{name}" for name in Link._fields)
_RAILS = Link._fields.index("rails")
_SETTINGS = Link._fields.index("settings")
#: What never changes once a link is made.
_FIXED = frozenset({"id", "application_id", "environment", "slug", "created_at"})
_UPDATED = [name for name in Link._fields if name not in _FIXED]


@dataclass(frozen=True, slots=True)
class LinkFilters:
    """Which links a list shows; None means all."""

    status: str | None = None
    reference: str | None = None


def _link(record: Sequence[Any] | None) -> Link | None:
    return None if record is None else _read(record)


def _read(record: Sequence[Any]) -> Link:
    values = list(record)
    values[_RAILS] = tuple(values[_RAILS])
    values[_SETTINGS] = json.loads(values[_SETTINGS])
    return Link._make(values)


def _written(link: Link, name: str) -> object:
    value = getattr(link, name)
    return json.dumps(value) if name == "settings" else value


_INSERT = (
    f"INSERT INTO links ({_COLUMNS})"
    f" VALUES ({', '.join(f'${n}' for n in range(1, len(Link._fields) + 1))})"
)


async def insert(connection: Connection, link: Link) -> None:
    """Add a link; raises ``asyncpg.UniqueViolationError`` when its slug is taken."""
    await connection.execute(_INSERT, *(_written(link, name) for name in Link._fields))


async def by_id(connection: Connection, link_id: UUID) -> Link | None:
    """A link by its id, deleted or not."""
    return _link(await connection.fetchrow(f"SELECT {_COLUMNS} FROM links WHERE id = $1", link_id))


async def by_slug(connection: Connection, slug: str) -> Link | None:
    """A link by its slug, deleted or not."""
    return _link(await connection.fetchrow(f"SELECT {_COLUMNS} FROM links WHERE slug = $1", slug))


async def lock(connection: Connection, link_id: UUID) -> Link | None:
    """Lock a link alone: nobody pays or changes it meanwhile."""
    return _link(
        await connection.fetchrow(f"SELECT {_COLUMNS} FROM links WHERE id = $1 FOR UPDATE", link_id)
    )


async def lock_shared(connection: Connection, link_id: UUID) -> Link | None:
    """Lock a link together with others who pay it: nobody changes it meanwhile."""
    return _link(
        await connection.fetchrow(f"SELECT {_COLUMNS} FROM links WHERE id = $1 FOR SHARE", link_id)
    )


async def lock_shared_of_payment(connection: Connection, payment_id: UUID) -> Link | None:
    """As ``lock_shared``, the link that a payment was born from; None: from none."""
    return _link(
        await connection.fetchrow(
            f"SELECT {_JOINED} FROM payments p JOIN links l ON l.id = p.link_id"
            " WHERE p.id = $1 FOR SHARE OF l",
            payment_id,
        )
    )


_UPDATE = (
    f"UPDATE links SET {', '.join(f'{name} = ${n}' for n, name in enumerate(_UPDATED, start=2))}"
    " WHERE id = $1"
)


async def update(connection: Connection, link: Link) -> None:
    """Write a link that was locked before."""
    await connection.execute(_UPDATE, link.id, *(_written(link, name) for name in _UPDATED))


async def count_taken(connection: Connection, link_id: UUID) -> int:
    """How many payments take room of the link's limit."""
    count: int = await connection.fetchval(
        "SELECT count(*) FROM payments WHERE link_id = $1 AND status = ANY($2::text[])",
        link_id,
        TAKES_ROOM,
    )
    return count


async def forget_request_key(connection: Connection, payment_id: UUID) -> None:
    """Let another payment have the payment's request key; the payment is locked."""
    await connection.execute(
        "UPDATE payments SET request_key = NULL, request_hash = NULL WHERE id = $1", payment_id
    )


_WHERE = (
    "application_id = $1 AND deleted_at IS NULL AND ($2::text IS NULL OR status = $2)"
    " AND ($3::text IS NULL OR reference = $3)"
)


async def read_page(
    connection: Connection, application_id: UUID, filters: LinkFilters, page: Page
) -> tuple[list[Link], int]:
    """One page of the application's links, newest first, and how many there are."""
    values = (application_id, filters.status, filters.reference)
    records = await connection.fetch(
        f"SELECT {_COLUMNS} FROM links WHERE {_WHERE} ORDER BY id DESC"
        f" LIMIT {page.size:d} OFFSET {page.offset:d}",
        *values,
    )
    total: int = await connection.fetchval(f"SELECT count(*) FROM links WHERE {_WHERE}", *values)
    return [_read(record) for record in records], total
