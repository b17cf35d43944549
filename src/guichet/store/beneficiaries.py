"""Beneficiaries: kept, changed, taken off the lists."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from guichet.domain.beneficiaries import Beneficiary
from guichet.domain.paging import Page
from guichet.store.database import Connection

_COLUMNS = ", ".join(Beneficiary._fields)
_INSERT = (
    f"INSERT INTO beneficiaries ({_COLUMNS})"
    f" VALUES ({', '.join(f'${n}' for n in range(1, len(Beneficiary._fields) + 1))})"
    " ON CONFLICT (application_id, reference) WHERE reference IS NOT NULL AND deleted_at IS NULL"
    " DO NOTHING RETURNING id"
)
_OF = f"SELECT {_COLUMNS} FROM beneficiaries WHERE application_id = $1 AND deleted_at IS NULL"


def _beneficiary(record: Iterable[Any] | None) -> Beneficiary | None:
    return Beneficiary._make(tuple(record)) if record else None


async def insert(connection: Connection, beneficiary: Beneficiary) -> bool:
    """Add a beneficiary; False if its reference is in use."""
    return await connection.fetchval(_INSERT, *beneficiary) is not None


async def by_id(
    connection: Connection, application_id: UUID, beneficiary_id: UUID, *, lock: bool = False
) -> Beneficiary | None:
    """The application's beneficiary of this id, unless deleted."""
    sql = f"{_OF} AND id = $2" + (" FOR UPDATE" if lock else "")
    return _beneficiary(await connection.fetchrow(sql, application_id, beneficiary_id))


async def by_reference(
    connection: Connection, application_id: UUID, reference: str
) -> Beneficiary | None:
    """The application's beneficiary of its own reference, unless deleted."""
    return _beneficiary(
        await connection.fetchrow(f"{_OF} AND reference = $2", application_id, reference)
    )


async def any_by_id(connection: Connection, beneficiary_id: UUID) -> Beneficiary | None:
    """A beneficiary whoever it belongs to, deleted or not: for those who tell of it."""
    return _beneficiary(
        await connection.fetchrow(
            f"SELECT {_COLUMNS} FROM beneficiaries WHERE id = $1", beneficiary_id
        )
    )


async def same(
    connection: Connection, application_id: UUID, channel: str, account_number: str, name: str
) -> Beneficiary | None:
    """The application's oldest beneficiary of this very account and name."""
    return _beneficiary(
        await connection.fetchrow(
            f"{_OF} AND channel = $2 AND account_number = $3 AND name = $4 ORDER BY id LIMIT 1",
            application_id,
            channel,
            account_number,
            name,
        )
    )


_UPDATE = """
UPDATE beneficiaries SET name = $2, channel = $3, account_number = $4, email = $5, phone = $6,
    bank_code = $7, description = $8, details = $9, updated_at = $10, deleted_at = $11,
    version = $12
WHERE id = $1
"""


async def update(connection: Connection, beneficiary: Beneficiary) -> None:
    """Write what may change of a beneficiary that was locked before."""
    await connection.execute(
        _UPDATE,
        beneficiary.id,
        beneficiary.name,
        beneficiary.channel,
        beneficiary.account_number,
        beneficiary.email,
        beneficiary.phone,
        beneficiary.bank_code,
        beneficiary.description,
        beneficiary.details,
        beneficiary.updated_at,
        beneficiary.deleted_at,
        beneficiary.version,
    )


@dataclass(frozen=True, slots=True)
class BeneficiaryFilters:
    """Each one narrows the list down; ``search`` looks into names, numbers and references."""

    search: str | None = None
    country: str | None = None
    kind: str | None = None


async def list_page(
    connection: Connection, application_id: UUID, filters: BeneficiaryFilters, page: Page
) -> tuple[list[Beneficiary], int]:
    """One page of an application's beneficiaries, newest first, and how many there are."""
    where = """
        AND ($2::text IS NULL OR strpos(lower(concat_ws(' ', name, email, phone, account_number,
            reference)), lower($2)) > 0)
        AND ($3::text IS NULL OR country = $3) AND ($4::text IS NULL OR kind = $4)
    """
    values = (application_id, filters.search, filters.country, filters.kind)
    records = await connection.fetch(
        f"{_OF}{where} ORDER BY id DESC LIMIT $5 OFFSET $6", *values, page.size, page.offset
    )
    total = await connection.fetchval(f"SELECT count(*) FROM ({_OF}{where}) found", *values)
    return [Beneficiary._make(tuple(record)) for record in records], total
