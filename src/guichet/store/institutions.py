"""The banks that rails offer, under numbers of our own that never change."""

from __future__ import annotations

from collections.abc import Sequence

from guichet.domain.institutions import Institution
from guichet.store.database import Connection

_COLUMNS = (
    "id, rail, code, name, environment, countries, logo_url, icon_url, instant_payments,"
    " bulk_payments"
)

_SAVE = """
INSERT INTO institutions AS i (id, rail, code, name, environment, countries, logo_url, icon_url,
    instant_payments, bulk_payments)
VALUES (COALESCE((SELECT id FROM institutions WHERE rail = $1 AND environment = $4 AND code = $2),
        nextval('institutions_number')), $1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (rail, environment, code) DO UPDATE SET name = excluded.name,
    countries = excluded.countries, logo_url = excluded.logo_url, icon_url = excluded.icon_url,
    instant_payments = excluded.instant_payments, bulk_payments = excluded.bulk_payments,
    offered = true
"""


async def read_all(connection: Connection) -> list[tuple[Institution, bool]]:
    """Every bank there ever was, by our number, and whether its rail still offers it."""
    records = await connection.fetch(f"SELECT {_COLUMNS}, offered FROM institutions ORDER BY id")
    found = []
    for record in records:
        *values, offered = record.values()
        values[5] = tuple(values[5])
        found.append((Institution(*values), offered))
    return found


async def replace(
    connection: Connection, rail: str, environment: str, offered: Sequence[Institution]
) -> None:
    """Record what the rail offers now; banks it no longer offers keep their numbers."""
    async with connection.transaction():
        await connection.executemany(
            _SAVE,
            [
                (
                    rail,
                    i.code,
                    i.name,
                    environment,
                    list(i.countries),
                    i.logo_url,
                    i.icon_url,
                    i.instant_payments,
                    i.bulk_payments,
                )
                for i in offered
            ],
        )
        await connection.execute(
            "UPDATE institutions SET offered = false"
            " WHERE rail = $1 AND environment = $2 AND NOT code = ANY($3::text[])",
            rail,
            environment,
            [i.code for i in offered],
        )
