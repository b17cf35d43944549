"""Balances of accounts, read without a lock."""

from __future__ import annotations

from uuid import UUID

from guichet.store.database import Connection


async def of_application(
    connection: Connection, application_id: UUID, environment: str, currency: str
) -> dict[str, int]:
    """An application's balances in one currency, in minor units, by account code."""
    records = await connection.fetch(
        "SELECT code, balance_minor FROM ledger_accounts"
        " WHERE environment = $1 AND application_id = $2 AND currency = $3",
        environment,
        application_id,
        currency,
    )
    return {record["code"]: record["balance_minor"] for record in records}
