"""What a look at an installation asks the database, as the role that owns the tables."""

from __future__ import annotations

from datetime import datetime

from guichet.domain.money import exponent, minor_to_text
from guichet.store.backlogs import Backlog, read_backlogs
from guichet.store.database import Connection
from guichet.store.notices import UNKNOWN_EVENT


async def connections_left(connection: Connection) -> int:
    """How many more connections the database takes from ordinary roles."""
    left: int = await connection.fetchval(
        "SELECT current_setting('max_connections')::integer"
        " - current_setting('superuser_reserved_connections')::integer - count(*)"
        " FROM pg_stat_activity WHERE backend_type = 'client backend'"
    )
    return left


async def sealed_examples(connection: Connection) -> list[bytes]:
    """Sealed content of every application and account: what a vault must be able to open."""
    rows = await connection.fetch("SELECT webhook_secret FROM applications")
    return [row[0] for row in rows] + await account_settings(connection)


async def account_settings(connection: Connection) -> list[bytes]:
    """The settings, sealed, of every account in use at a provider."""
    rows = await connection.fetch(
        "SELECT settings FROM provider_accounts WHERE replaced_at IS NULL"
    )
    return [row[0] for row in rows]


async def backlogs(connection: Connection, now: datetime) -> list[Backlog]:
    """Each queue's backlog."""
    return await read_backlogs(connection, now)


async def failing_endpoints(connection: Connection) -> int:
    """How many endpoints fail now, or were disabled because they did."""
    count: int = await connection.fetchval(
        "SELECT count(*) FROM webhook_endpoints WHERE deleted_at IS NULL"
        " AND (failing_since IS NOT NULL OR disabled_at IS NOT NULL)"
    )
    return count


async def waiting_for_a_person(connection: Connection) -> dict[str, int]:
    """How many payouts are to be sent, and transfers to be approved."""
    rows = await connection.fetch(
        "SELECT purpose, count(*) FROM transfers WHERE status = 'initiated'"
        " AND (purpose = 'payout' OR approval = 'wanted') GROUP BY purpose"
    )
    return {row["purpose"]: row["count"] for row in rows}


async def unknown_events(connection: Connection, since: datetime) -> list[str]:
    """Rails that told of what their connectors do not know since then, and how often."""
    rows = await connection.fetch(
        "SELECT rail, count(*) FROM rail_notices WHERE error = $1 AND received_at > $2"
        " GROUP BY rail ORDER BY rail",
        UNKNOWN_EVENT,
        since,
    )
    return [f"{row['rail']} ({row['count']})" for row in rows]


async def suspense(connection: Connection) -> list[str]:
    """Money that could not be placed, by environment and currency: ``live: 12.50 EUR``."""
    rows = await connection.fetch(
        "SELECT environment, currency, sum(balance_minor)::bigint AS minor FROM ledger_accounts"
        " WHERE code = 'suspense' GROUP BY environment, currency HAVING sum(balance_minor) <> 0"
        " ORDER BY environment, currency"
    )
    return [
        f"{row['environment']}: {minor_to_text(row['minor'], exponent(row['currency']))}"
        f" {row['currency']}"
        for row in rows
    ]
