"""Applies ``migrations/*.sql`` in order, once each, forward only."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib.resources import files
from urllib.parse import unquote, urlsplit

import asyncpg

from guichet.store.sealing import seal_plain
from guichet.vault import Vault

_LOCK = 0x67756963  # any constant: one migration at a time
_HISTORY = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()
)
"""
#: The serving role owns nothing and deletes nothing; the ledger, the events and the installation's
#: own key it only adds to, and who may call and who is paid it only reads.
_GRANTS = """
GRANT USAGE ON SCHEMA public TO {role};
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO {role};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role};
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {role};
REVOKE UPDATE ON ledger_entries, ledger_postings, events FROM {role};
REVOKE INSERT, UPDATE ON schema_migrations, access_version, merchants, payees, fee_rules,
    applications, api_keys, provider_accounts FROM {role};
DO $$
BEGIN
    IF to_regclass('seals') IS NOT NULL THEN -- from migration 0008 on
        REVOKE UPDATE ON seals FROM {role};
    END IF;
END $$;
"""


#: Functions that run as the owner are for the serving role: PostgreSQL lets everybody call them.
_PRIVATE = """
DO $$
DECLARE called regprocedure;
BEGIN
    FOR called IN SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner
        WHERE p.pronamespace = current_schema()::regnamespace AND p.prosecdef
            AND r.rolname = current_user
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', called);
    END LOOP;
END $$
"""
#: A restored table may have another owner than the one whose policies were dumped with it.
_OWNERS = """
DO $$
DECLARE guarded regclass;
BEGIN
    FOR guarded IN SELECT polrelid::regclass FROM pg_policy WHERE polname = 'owner' LOOP
        EXECUTE format('ALTER POLICY owner ON %s TO CURRENT_USER', guarded);
    END LOOP;
END $$
"""


class ChangedMigration(Exception):
    """A migration that was applied differs from the file of its name."""


def serving_role(dsn: str) -> str:
    """The role that a connection address names."""
    return unquote(urlsplit(dsn).username or "")


def available() -> list[tuple[str, str]]:
    """The migrations of this version as (name, SQL), in order."""
    folder = files("guichet.store") / "migrations"
    return sorted(
        (item.name, item.read_text("utf-8"))
        for item in folder.iterdir()
        if item.name.endswith(".sql")
    )


async def migrate(
    owner_dsn: str, serving_role: str, vault: Callable[[], Vault] | None = None
) -> list[str]:
    """Bring the database to this version; returns the names of what was applied.

    ``owner_dsn`` connects as the role that owns the tables, ``serving_role`` is granted what the
    server needs; ``vault`` is asked for when an older version left personal data to be sealed. All
    or nothing, one at a time. Raises ``ChangedMigration`` and ``KeysWanted``.
    """
    connection = await asyncpg.connect(owner_dsn, timeout=10)
    try:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
            await connection.execute(_HISTORY)
            done = {
                row["name"]: row["checksum"]
                for row in await connection.fetch("SELECT name, checksum FROM schema_migrations")
            }
            applied = []
            for name, sql in available():
                checksum = hashlib.sha256(sql.encode()).hexdigest()
                if name in done:
                    if done[name] != checksum:
                        raise ChangedMigration(name)
                    continue
                await connection.execute(sql)
                await connection.execute(
                    "INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2)", name, checksum
                )
                applied.append(name)
            await seal_plain(connection, applied, vault)
            role = '"' + serving_role.replace('"', '""') + '"'
            await connection.execute(_GRANTS.format(role=role))
            await connection.execute(_PRIVATE)
            await connection.execute(_OWNERS)
        return applied
    finally:
        await connection.close()


async def is_empty(connection: asyncpg.Connection[asyncpg.Record]) -> bool:
    """Whether the database holds no table, of ours or of anybody's."""
    return not await connection.fetchval(
        "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v'))"
    )


async def pending(connection: asyncpg.Connection[asyncpg.Record]) -> list[str]:
    """The names of this version's migrations that the database does not have."""
    exists = await connection.fetchval("SELECT to_regclass('schema_migrations') IS NOT NULL")
    done = (
        {row["name"] for row in await connection.fetch("SELECT name FROM schema_migrations")}
        if exists
        else set()
    )
    return [name for name, _ in available() if name not in done]
