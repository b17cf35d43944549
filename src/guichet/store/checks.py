"""What must be true of the database before money is trusted to it."""

from __future__ import annotations

from datetime import datetime

from guichet.domain.errors import DatabaseUnavailable
from guichet.store import migrate
from guichet.store.database import Connection

_VERSION_MIN = 150000
#: Settings without which an acknowledged write can be lost, and the values that are safe.
_DURABLE = {
    "fsync": ("on",),
    "full_page_writes": ("on",),
    "synchronous_commit": ("on", "remote_write", "remote_apply"),
}
_ROLE = "SELECT rolsuper, rolbypassrls, rolreplication FROM pg_roles WHERE rolname = current_user"
_OWNED = """
SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p')
    AND pg_has_role(current_user, c.relowner, 'MEMBER')
"""


#: Tables that hold rows of applications and let the serving role see all of them.
_UNGUARDED = """
SELECT string_agg(DISTINCT c.relname, ', ')
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
    AND a.attname = 'application_id' AND NOT a.attisdropped
    AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
"""


async def problems(connection: Connection) -> list[str]:
    """Why the server must not start on this database as this role; empty: it may."""
    version = int(await connection.fetchval("SHOW server_version_num"))
    if version < _VERSION_MIN:
        return [f"PostgreSQL 15 or newer is needed, this is {version // 10000}"]
    found = []
    for name, safe in _DURABLE.items():
        value = await connection.fetchval(f"SHOW {name}")
        if value not in safe:
            found.append(f"{name} is {value}: a crash could lose payments that were acknowledged")
    role = await connection.fetchrow(_ROLE)
    assert role is not None
    if role["rolsuper"]:
        found.append("the serving role is a superuser: no table could be kept from it")
    elif await connection.fetchval(_OWNED):
        found.append(
            "the serving role owns the tables: it could rewrite the ledger. Let another role own "
            "them (GUICHET_OWNER_DATABASE_URL) and run `guichet migrate`"
        )
    if role["rolbypassrls"] and not role["rolsuper"]:
        found.append("the serving role bypasses row security")
    pending = await migrate.pending(connection)
    if pending:
        found.append(f"the tables are not of this version: run `guichet migrate` ({pending[-1]})")
    elif unguarded := await connection.fetchval(_UNGUARDED):
        found.append(
            f"row security is off on {unguarded}: one merchant's rows could be shown to another"
        )
    return found


async def prove_commit(connection: Connection) -> None:
    """Commit something that leaves no trace; raises whatever keeps a commit from succeeding."""
    row = await connection.fetchrow(
        "SELECT current_setting('transaction_read_only') AS read_only,"
        " pg_logical_emit_message(true, 'guichet', '')"  # which a read-only session may, too
    )
    assert row is not None
    if row["read_only"] == "on":
        raise DatabaseUnavailable


async def database_time(connection: Connection) -> datetime:
    """What the database's clock says now."""
    moment: datetime = await connection.fetchval("SELECT clock_timestamp()")
    return moment
