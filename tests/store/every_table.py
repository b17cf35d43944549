"""A row of an application in every table that holds rows of applications, whatever its columns."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg

#: What must be one of a few words, by column, or by table and column.
_WORDS = {
    "environment": "sandbox",
    "currency": "GBP",
    "direction": "debit",
    "purpose": "transfer",
    "approval": "none",
    "mode": "continue",
    "payments.status": "pending",
    "attempts.status": "starting",
    "refunds.status": "initiated",
    "transfers.status": "initiated",
    "links.status": "draft",
    "webhook_deliveries.status": "pending",
    "ledger_accounts.kind": "liability",
    "beneficiaries.kind": "mobile_money",
}
#: Made by ``gateways.seed``.
_SEEDED = {"applications", "api_keys", "merchants", "payees", "fee_rules"}
#: Tables without an application of their own: what they belong to is the application's.
_OF_OTHERS = {"ledger_entries", "ledger_postings", "webhook_tries"}
_COLUMNS = """
SELECT c.relname AS table, a.attname AS name, format_type(a.atttypid, NULL) AS type
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
    AND NOT a.attisdropped AND a.attidentity = ''
    AND (a.attnotnull AND NOT a.atthasdef OR a.atttypid = 'uuid'::regtype)
    AND (c.relname = ANY($1) OR EXISTS (SELECT FROM pg_attribute o WHERE o.attrelid = c.oid
        AND o.attname = 'application_id' AND NOT o.attisdropped))
ORDER BY c.relname, a.attnum
"""


async def fill(
    superuser: asyncpg.Connection[Any], application_id: UUID, row_id: UUID, number: int
) -> None:
    """Add the rows. Each table's own id and every id that names another row are ``row_id``;
    ``number`` is every number. No trigger and no foreign key is looked at: hence the superuser.
    """
    tables: dict[str, dict[str, tuple[str, str]]] = {}
    for row in await superuser.fetch(_COLUMNS, list(_OF_OTHERS)):
        if row["table"] not in _SEEDED:
            values = tables.setdefault(row["table"], {})
            values[row["name"]] = _value(row, application_id, row_id, number)
    async with superuser.transaction():
        await superuser.execute("SET LOCAL session_replication_role = replica")
        for table, values in tables.items():
            places = ", ".join(
                f"${n}::text::{type_}" for n, (_, type_) in enumerate(values.values(), start=1)
            )
            await superuser.execute(
                f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places})",
                *(text for text, _ in values.values()),
            )


def _value(row: Any, application_id: UUID, row_id: UUID, number: int) -> tuple[str, str]:
    """A value as text, and its type."""
    name, type_ = row["name"], row["type"]
    word = _WORDS.get(f"{row['table']}.{name}") or _WORDS.get(name)
    if word is not None:
        return word, type_
    if name == "application_id":
        return str(application_id), type_
    texts = {
        "uuid": str(row_id),
        "timestamp with time zone": "now",
        "bytea": f"\\x{row_id.hex * 2}",
        "jsonb": "{}",
        "text[]": "{}",
        "boolean": "true",
    }
    return texts.get(type_, row_id.hex if type_ == "text" else str(number)), type_
