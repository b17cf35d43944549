"""What no caller may set, whatever they send: every column's name with a value of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg

from guichet.server.apis import api_documents

_MARK = UUID("badbadba-0000-4000-8000-000000000bad")
_VALUES: dict[str, Any] = {
    "uuid": str(_MARK),
    "text": "badbad",
    "text[]": ["badbad"],
    "boolean": True,
    "timestamp with time zone": "2001-01-01T00:00:00Z",
    "jsonb": {"badbad": "badbad"},
}
_KNOWN: dict[str, Any] = {"status": "completed", "environment": "live", "role": "secret"}
#: What belongs to us of every row, wherever a table has it.
KEPT = (
    "application_id", "environment", "payee_id", "customer_id", "fee_rule_id", "fee_minor",
    "amount_minor", "currency", "refunded_minor", "refunding_minor", "returned_minor",
    "unreleased_minor", "created_at", "completed_at", "provider_reference", "received_minor",
    "placed_minor", "approval", "purpose", "slug", "status", "claim", "secret", "data_key",
    "finality", "rail", "account_id",
)  # fmt: skip
_COLUMNS = """
SELECT DISTINCT ON (a.attname) a.attname AS name, format_type(a.atttypid, NULL) AS type
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
    AND NOT a.attisdropped
"""


async def every_column(owner: asyncpg.Connection[Any]) -> dict[str, Any]:
    """Each column's name of any table, with a value that nobody may give it."""
    return {
        row["name"]: _KNOWN.get(row["name"], _VALUES.get(row["type"], 7))
        for row in await owner.fetch(_COLUMNS)
    }


def documented(dialect: str) -> set[str]:
    """Every name that the dialect documents in a request's body: what callers may well set."""
    document, _ = api_documents("https://pay.example")[dialect]()
    found: set[str] = set()

    def read(schema: Any) -> None:
        if isinstance(schema, Mapping):
            found.update(schema.get("properties", {}))
            if "$ref" in schema:
                name = schema["$ref"].rpartition("/")[2]
                if name not in seen:
                    seen.add(name)
                    read(document["components"]["schemas"][name])
            for each in schema.values():
                read(each)
        elif isinstance(schema, list):
            for each in schema:
                read(each)

    seen: set[str] = set()
    for operations in document["paths"].values():
        for operation in operations.values():
            if isinstance(operation, Mapping):
                read(operation.get("requestBody", {}))
    return found


async def kept(owner: asyncpg.Connection[Any], application_id: UUID) -> dict[str, dict[str, Any]]:
    """What is ours of each row of an application, by table and id."""
    tables = await owner.fetch(
        "SELECT c.relname, array_agg(a.attname::text) AS names FROM pg_class c"
        " JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relkind = 'r' AND a.attnum > 0"
        " AND c.relnamespace = 'public'::regnamespace AND NOT a.attisdropped GROUP BY 1"
        " HAVING 'application_id' = ANY(array_agg(a.attname)) AND 'id' = ANY(array_agg(a.attname))"
    )
    found = {}
    for table, names in tables:
        columns = ", ".join(name for name in KEPT if name in names)
        for row in await owner.fetch(
            f"SELECT id, {columns} FROM {table} WHERE application_id = $1", application_id
        ):
            found[f"{table} {row['id']}"] = dict(row)
    return found


def is_marked(row: Mapping[str, Any]) -> bool:
    """Whether anything of ours has a value that a caller sent for it."""
    said = [str(value) for value in row.values()]
    return any(str(_MARK) in text or "badbad" in text or "2001-" in text for text in said)
