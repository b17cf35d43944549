"""Balances of accounts, read without a lock."""

from __future__ import annotations

from typing import NamedTuple
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


class Balances(NamedTuple):
    """An application's balances in one currency, in minor units, by account code."""

    application_id: UUID
    name: str
    environment: str
    currency: str
    minors: dict[str, int]


async def of_applications(
    connection: Connection, application_id: UUID | None, currency: str | None
) -> list[Balances]:
    """The balances of one application or of all, by name."""
    records = await connection.fetch(
        "SELECT a.id, a.name, l.environment, l.currency, array_agg(l.code) AS codes,"
        " array_agg(l.balance_minor) AS minors"
        " FROM ledger_accounts l JOIN applications a ON a.id = l.application_id"
        " WHERE ($1::uuid IS NULL OR a.id = $1) AND ($2::text IS NULL OR l.currency = $2)"
        " GROUP BY a.id, l.environment, l.currency ORDER BY a.name, a.id, l.currency",
        application_id,
        currency,
    )
    return [
        Balances(
            record["id"],
            record["name"],
            record["environment"],
            record["currency"],
            dict(zip(record["codes"], record["minors"], strict=True)),
        )
        for record in records
    ]
