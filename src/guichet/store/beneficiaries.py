"""Beneficiaries: kept, changed, taken off the lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


async def insert_many(connection: Connection, beneficiaries: Sequence[Beneficiary]) -> None:
    """Add beneficiaries that have no references."""
    await connection.execute(
        f"INSERT INTO beneficiaries ({_COLUMNS}) SELECT {_COLUMNS}"
        " FROM unnest($1::new_beneficiary[])",
        beneficiaries,
    )


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


async def by_ids(
    connection: Connection, application_id: UUID, ids: Sequence[UUID]
) -> dict[UUID, Beneficiary]:
    """The application's beneficiaries of these ids, unless deleted, by id."""
    records = await connection.fetch(f"{_OF} AND id = ANY($2)", application_id, ids)
    return {record["id"]: Beneficiary._make(tuple(record)) for record in records}


_SAME = f"""
SELECT DISTINCT ON (k.n) k.n, {", ".join(f"b.{name}" for name in Beneficiary._fields)}
FROM unnest($2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS k (channel, number, name, n)
JOIN beneficiaries b ON b.application_id = $1 AND b.channel = k.channel
    AND b.account_number = k.number AND b.name = k.name AND b.deleted_at IS NULL
ORDER BY k.n, b.id
"""


async def same(
    connection: Connection, application_id: UUID, drafts: Sequence[Beneficiary]
) -> dict[UUID, Beneficiary]:
    """The application's oldest beneficiary of the very account and name of each draft, by the
    draft's id; those that have none are missing.
    """
    records = await connection.fetch(
        _SAME,
        application_id,
        [draft.channel for draft in drafts],
        [draft.account_number for draft in drafts],
        [draft.name for draft in drafts],
    )
    return {drafts[record["n"] - 1].id: Beneficiary._make(tuple(record)[1:]) for record in records}


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
