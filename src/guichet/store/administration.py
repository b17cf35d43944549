"""Merchants, their applications and keys, as an operator sets them up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from guichet.domain.fees import FeeRule
from guichet.domain.orders import Payee
from guichet.store.database import Connection


class ApplicationRow(NamedTuple):
    """What an operator chooses of an application; the table's defaults are the rest."""

    id: UUID
    merchant_id: UUID
    name: str
    dialect: str
    environment: str
    payee_id: UUID
    fee_rule_id: UUID | None
    currency: str
    requests_per_minute: int
    settlement_delay_hours: int
    lenient_json: bool
    webhook_secret: bytes
    created_at: datetime
    public_key_reads: bool = False
    approves_transfers: bool = False
    transfer_addresses: Sequence[str] = ()
    transfer_fee_rule_id: UUID | None = None
    dialect_options: Sequence[str] = ()


async def add_merchant(
    connection: Connection, merchant_id: UUID, name: str, country: str | None, now: datetime
) -> None:
    """Add a merchant, unless it is there."""
    await connection.execute(
        "INSERT INTO merchants (id, name, country, created_at) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (id) DO NOTHING",
        merchant_id,
        name,
        country,
        now,
    )


async def has_merchant(connection: Connection, merchant_id: UUID) -> bool:
    """Whether there is such a merchant."""
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM merchants WHERE id = $1)", merchant_id
    )
    return found


async def add_payee(connection: Connection, merchant_id: UUID, payee: Payee, now: datetime) -> None:
    """Add a bank account of a merchant, unless it is there."""
    await connection.execute(
        "INSERT INTO payees (merchant_id, id, name, country, bank_name, account, bic, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING",
        merchant_id,
        payee.id,
        payee.name,
        payee.country,
        payee.bank_name,
        payee.account,
        payee.bic,
        now,
    )


async def add_fee_rule(connection: Connection, rule: FeeRule, now: datetime) -> None:
    """Add a tariff."""
    await connection.execute(
        "INSERT INTO fee_rules (id, percent_bps, fixed_minor, min_minor, max_minor, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        rule.id,
        rule.percent_bps,
        rule.fixed_minor,
        rule.min_minor,
        rule.max_minor,
        now,
    )


async def add_application(connection: Connection, row: ApplicationRow) -> None:
    """Add an application, unless it is there."""
    await connection.execute(
        "INSERT INTO applications (id, merchant_id, name, dialect, environment, payee_id,"
        " fee_rule_id, currency, requests_per_minute, settlement_delay_hours, lenient_json,"
        " webhook_secret, created_at, public_key_reads, approves_transfers, transfer_addresses,"
        " transfer_fee_rule_id, dialect_options) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
        " $11, $12, $13, $14, $15, $16, $17, $18)"
        " ON CONFLICT (id) DO NOTHING",
        *row,
    )


class Tariff(NamedTuple):
    """What is asked for: a part of the amount and so much on top."""

    percent_bps: int
    fixed_minor: int


class Tariffs(NamedTuple):
    """An application's tariffs; those that it does not have ask for nothing."""

    fee: Tariff
    transfer_fee: Tariff


async def lock_tariffs(connection: Connection, application_id: UUID) -> Tariffs | None:
    """Lock an application that is not archived; its tariffs. None: there is none."""
    row = await connection.fetchrow(
        "SELECT coalesce(f.percent_bps, 0), coalesce(f.fixed_minor, 0),"
        " coalesce(t.percent_bps, 0), coalesce(t.fixed_minor, 0)"
        " FROM applications a LEFT JOIN fee_rules f ON f.id = a.fee_rule_id"
        " LEFT JOIN fee_rules t ON t.id = a.transfer_fee_rule_id"
        " WHERE a.id = $1 AND a.archived_at IS NULL FOR UPDATE OF a",
        application_id,
    )
    if row is None:
        return None
    return Tariffs(Tariff(row[0], row[1]), Tariff(row[2], row[3]))


async def change_application(
    connection: Connection, application_id: UUID, columns: Mapping[str, object]
) -> None:
    """Set columns of an application, by their names."""
    changes = ", ".join(f"{name} = ${place}" for place, name in enumerate(columns, start=2))
    await connection.execute(
        f"UPDATE applications SET {changes} WHERE id = $1", application_id, *columns.values()
    )


async def application_kind(connection: Connection, application_id: UUID) -> tuple[str, str] | None:
    """Dialect and environment of an application that is not archived; None: there is none."""
    row = await connection.fetchrow(
        "SELECT dialect, environment FROM applications WHERE id = $1 AND archived_at IS NULL",
        application_id,
    )
    return (row["dialect"], row["environment"]) if row else None


async def set_webhook_secret(connection: Connection, application_id: UUID, sealed: bytes) -> None:
    """Replace an application's sealed webhook secret."""
    await connection.execute(
        "UPDATE applications SET webhook_secret = $2 WHERE id = $1", application_id, sealed
    )


async def add_key(
    connection: Connection,
    digest: bytes,
    application_id: UUID,
    role: str,
    prefix: str,
    now: datetime,
    sealed: bytes | None = None,
) -> None:
    """Add a key by its digest, ``sealed`` where it signs; one that was revoked works again."""
    await connection.execute(
        "INSERT INTO api_keys (digest, application_id, role, prefix, created_at, sealed)"
        " VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (digest) DO UPDATE SET revoked_at = NULL, sealed = excluded.sealed",
        digest,
        application_id,
        role,
        prefix,
        now,
        sealed,
    )


async def revoke_keys(
    connection: Connection,
    application_id: UUID,
    prefix: str | None,
    now: datetime,
    role: str | None = None,
) -> list[str]:
    """Revoke the application's keys, those of a role, or the one with that prefix; the prefixes of
    those revoked.
    """
    rows = await connection.fetch(
        "UPDATE api_keys SET revoked_at = $3 WHERE application_id = $1 AND revoked_at IS NULL"
        " AND ($2::text IS NULL OR prefix = $2) AND ($4::text IS NULL OR role = $4)"
        " RETURNING prefix",
        application_id,
        prefix,
        now,
        role,
    )
    return [row["prefix"] for row in rows]


async def replace_account(
    connection: Connection,
    account_id: UUID,
    application_id: UUID,
    rail: str,
    settings: bytes,
    now: datetime,
) -> None:
    """Put an application's account at a provider into use, in place of the one it had.

    The caller holds a transaction: two at once must not both find none in use.
    """
    await connection.execute("SELECT FROM applications WHERE id = $1 FOR UPDATE", application_id)
    await connection.execute(
        "UPDATE provider_accounts SET replaced_at = $3"
        " WHERE application_id = $1 AND rail = $2 AND replaced_at IS NULL",
        application_id,
        rail,
        now,
    )
    await connection.execute(
        "INSERT INTO provider_accounts (id, application_id, rail, settings, created_at)"
        " VALUES ($1, $2, $3, $4, $5)",
        account_id,
        application_id,
        rail,
        settings,
        now,
    )


class AccountRow(NamedTuple):
    """An account in use; ``settings`` are sealed."""

    id: UUID
    application_id: UUID
    application_name: str
    environment: str
    settings: bytes


async def accounts_in_use(
    connection: Connection, rail: str, application_id: UUID | None = None
) -> list[AccountRow]:
    """The accounts in use at a rail's provider, of one application or of all."""
    rows = await connection.fetch(
        "SELECT p.id, a.id, a.name, a.environment, p.settings"
        " FROM access_accounts() p JOIN access_applications() a ON a.id = p.application_id"
        " WHERE p.rail = $1 AND p.replaced_at IS NULL AND a.archived_at IS NULL"
        " AND ($2::uuid IS NULL OR a.id = $2) ORDER BY p.id",
        rail,
        application_id,
    )
    return [AccountRow(*row.values()) for row in rows]


async def is_booked(connection: Connection, entry_key: str) -> bool:
    """Whether the books have the entry of this key."""
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM ledger_entries WHERE key = $1)", entry_key
    )
    return found
