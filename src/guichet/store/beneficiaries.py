"""Beneficiaries: kept, changed, taken off the lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from guichet.domain.beneficiaries import ERASED, Beneficiary
from guichet.domain.paging import Page
from guichet.people import People, PersonKey, read, written
from guichet.store.database import Connection, people_of
from guichet.store.sealed_payers import HAS_ALL

_CLEAR = (
    "id", "application_id", "environment", "kind", "channel", "country", "currency", "reference",
    "created_at", "updated_at", "deleted_at", "version",
)  # fmt: skip
_CLEAR_VALUES = attrgetter(*_CLEAR)
_FACTS = ("name", "account_number", "email", "phone", "bank_code", "description", "details")
_SEALED = ("data_key", "sealed")
_COLUMNS = ", ".join((*_CLEAR, *_SEALED))
#: In the order of the database's type ``sealed_beneficiary``.
_INSERTED = ", ".join((*_CLEAR, *_SEALED, "account_digest", "search_keys"))
_INSERT = f"""
INSERT INTO beneficiaries ({_INSERTED}) SELECT {_INSERTED} FROM unnest($1::sealed_beneficiary[])
ON CONFLICT (application_id, reference) WHERE reference IS NOT NULL AND deleted_at IS NULL
DO NOTHING RETURNING id
"""
_OF = f"SELECT {_COLUMNS} FROM beneficiaries WHERE application_id = $1 AND deleted_at IS NULL"
#: What a beneficiary's sealed facts are sealed as.
BENEFICIARY = b"beneficiary"
_ACCOUNT = b"account"


def _beneficiary(connection: Connection, record: Iterable[Any] | None) -> Beneficiary | None:
    if record is None:
        return None
    *clear, data_key, sealed = record
    known: dict[str, Any] = dict(zip(_CLEAR, clear, strict=True))
    facts = ERASED
    if sealed is not None:
        facts = read(people_of(connection).open(known["id"], data_key, BENEFICIARY, sealed))
    known |= {name: facts.get(name) for name in _FACTS}
    return Beneficiary(**known)


def _all(connection: Connection, records: Iterable[Iterable[Any]]) -> list[Beneficiary]:
    found = (_beneficiary(connection, record) for record in records)
    return [each for each in found if each is not None]


class _Sealed(NamedTuple):
    sealed: bytes
    account_digest: bytes
    search_keys: bytes


def _sealed(people: People, key: PersonKey, beneficiary: Beneficiary) -> _Sealed:
    facts = {name: getattr(beneficiary, name) for name in _FACTS}
    return _Sealed(
        key.seal(BENEFICIARY, written(facts)),
        _account_digest(people, beneficiary),
        beneficiary_keys(people, beneficiary.application_id, facts),
    )


def beneficiary_keys(
    people: People, application_id: UUID, facts: Mapping[str, str | None]
) -> bytes:
    """What searches for beneficiaries look through."""
    names = ("name", "account_number", "email", "phone")
    return people.search_keys(
        application_id, {name: value for name in names if (value := facts.get(name))}
    )


def account_digest(
    people: People, application_id: UUID, channel: str, account_number: str, name: str
) -> bytes:
    """By which a beneficiary of this very account and name is found."""
    return people.digest(application_id, _ACCOUNT, f"{channel}\0{account_number}\0{name}")


def _account_digest(people: People, beneficiary: Beneficiary) -> bytes:
    account = beneficiary.channel, beneficiary.account_number, beneficiary.name
    return account_digest(people, beneficiary.application_id, *account)


def _row(people: People, beneficiary: Beneficiary) -> tuple[object, ...]:
    key = people.new_key(beneficiary.id)
    return (
        *_CLEAR_VALUES(beneficiary),
        key.sealed,
        *_sealed(people, key, beneficiary),
    )


async def insert(connection: Connection, beneficiary: Beneficiary) -> bool:
    """Add a beneficiary; False if its reference is in use."""
    rows = [_row(people_of(connection), beneficiary)]
    return await connection.fetchval(_INSERT, rows) is not None


async def insert_many(connection: Connection, beneficiaries: Sequence[Beneficiary]) -> None:
    """Add beneficiaries that have no references."""
    people = people_of(connection)
    await connection.execute(_INSERT, [_row(people, each) for each in beneficiaries])


async def by_id(
    connection: Connection, application_id: UUID, beneficiary_id: UUID, *, lock: bool = False
) -> Beneficiary | None:
    """The application's beneficiary of this id, unless deleted."""
    sql = f"{_OF} AND id = $2" + (" FOR UPDATE" if lock else "")
    record = await connection.fetchrow(sql, application_id, beneficiary_id)
    return _beneficiary(connection, record)


async def by_reference(
    connection: Connection, application_id: UUID, reference: str
) -> Beneficiary | None:
    """The application's beneficiary of its own reference, unless deleted."""
    record = await connection.fetchrow(f"{_OF} AND reference = $2", application_id, reference)
    return _beneficiary(connection, record)


async def any_by_id(connection: Connection, beneficiary_id: UUID) -> Beneficiary | None:
    """A beneficiary whoever it belongs to, deleted, erased or not: for those who tell of it."""
    record = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM beneficiaries WHERE id = $1", beneficiary_id
    )
    return _beneficiary(connection, record)


async def by_ids(
    connection: Connection, application_id: UUID, ids: Sequence[UUID]
) -> dict[UUID, Beneficiary]:
    """The application's beneficiaries of these ids, unless deleted, by id."""
    records = await connection.fetch(f"{_OF} AND id = ANY($2)", application_id, ids)
    return {each.id: each for each in _all(connection, records)}


_SAME = f"""
SELECT DISTINCT ON (k.n) {", ".join(f"b.{name}" for name in (*_CLEAR, *_SEALED))}, k.n
FROM unnest($2::bytea[]) WITH ORDINALITY AS k (account_digest, n)
JOIN beneficiaries b ON b.application_id = $1 AND b.account_digest = k.account_digest
    AND b.deleted_at IS NULL
ORDER BY k.n, b.id
"""


async def same(
    connection: Connection, application_id: UUID, drafts: Sequence[Beneficiary]
) -> dict[UUID, Beneficiary]:
    """The application's oldest beneficiary of the very account and name of each draft, by the
    draft's id; those that have none are missing.
    """
    people = people_of(connection)
    digests = [_account_digest(people, draft) for draft in drafts]
    records = await connection.fetch(_SAME, application_id, digests)
    found = _all(connection, (tuple(record)[:-1] for record in records))
    ids = [drafts[record["n"] - 1].id for record in records]
    return dict(zip(ids, found, strict=True))


_DATA_KEY = "SELECT data_key FROM beneficiaries WHERE id = $1"
_UPDATE = """
UPDATE beneficiaries SET channel = $2, updated_at = $3, deleted_at = $4, version = $5, sealed = $6,
    account_digest = $7, search_keys = $8
WHERE id = $1
"""


async def update(connection: Connection, beneficiary: Beneficiary) -> None:
    """Write what may change of a beneficiary that was locked before, and is not erased."""
    people = people_of(connection)
    data_key = await connection.fetchval(_DATA_KEY, beneficiary.id)
    await connection.execute(
        _UPDATE,
        beneficiary.id,
        beneficiary.channel,
        beneficiary.updated_at,
        beneficiary.deleted_at,
        beneficiary.version,
        *_sealed(people, people.key(beneficiary.id, data_key), beneficiary),
    )


@dataclass(frozen=True, slots=True)
class BeneficiaryFilters:
    """Each one narrows the list down; ``search`` finds whole words of names, whole numbers and
    e-mails, and parts of references. ``search_phone`` is it as a phone number (E.164).
    """

    search: str | None = None
    country: str | None = None
    kind: str | None = None
    search_phone: str | None = None


async def list_page(
    connection: Connection, application_id: UUID, filters: BeneficiaryFilters, page: Page
) -> tuple[list[Beneficiary], int]:
    """One page of an application's beneficiaries, newest first, and how many there are."""
    found_by = HAS_ALL.format(words="$5", wholes="$6", keys="search_keys")
    where = f"""
        AND ($2::text IS NULL OR strpos(lower(reference), lower($2)) > 0 OR {found_by})
        AND ($3::text IS NULL OR country = $3) AND ($4::text IS NULL OR kind = $4)
    """
    text = filters.search
    sought = people_of(connection).search(application_id, text or "", filters.search_phone)
    values = (application_id, text, filters.country, filters.kind, *sought)
    records = await connection.fetch(
        f"{_OF}{where} ORDER BY id DESC LIMIT $7 OFFSET $8", *values, page.size, page.offset
    )
    total = await connection.fetchval(f"SELECT count(*) FROM ({_OF}{where}) found", *values)
    return _all(connection, records), total
