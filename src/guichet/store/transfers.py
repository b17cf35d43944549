"""Transfers: made once per reference, moved under their lock, listed by page."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from operator import attrgetter, itemgetter
from typing import Any
from uuid import UUID

from guichet.domain.beneficiaries import ERASED
from guichet.domain.orders import Destination
from guichet.domain.paging import Page
from guichet.domain.transfers import Transfer
from guichet.people import People, read, written
from guichet.store.database import Connection, people_of
from guichet.store.sealed_payers import HAS_ALL

#: Destination, description and what the dialect keeps are one sealed value.
_FACTS = ("destination", "description", "details")
_CLEAR = tuple(name for name in Transfer._fields if name not in _FACTS)
_CLEAR_VALUES = attrgetter(*(name for name in _CLEAR if name != "claimed_until"))
#: What a row is read as, ``{t}`` being the name of its table: with the key that opens it.
COLUMNS = (
    ", ".join(f"{{t}}.{name}" for name in _CLEAR)
    + ", {t}.sealed, (SELECT k.data_key FROM beneficiaries k WHERE k.id = {t}.beneficiary_id)"
)
_COLUMNS = COLUMNS.format(t="transfers")
_COLUMNS_T = COLUMNS.format(t="t")
#: In the order of the database's type ``sealed_transfer``.
_INSERTED = ", ".join(
    (*(name for name in _CLEAR if name != "claimed_until"), "sealed", "search_keys")
)
#: In the order of their references: two that insert the same ones cannot wait for each other.
_INSERT = f"""
INSERT INTO transfers ({_INSERTED}, claimed_until)
SELECT {_INSERTED}, now() + $2 * interval '1 second' FROM unnest($1::sealed_transfer[])
ORDER BY reference
ON CONFLICT (application_id, reference) WHERE reference IS NOT NULL DO NOTHING RETURNING id
"""
#: What a transfer's sealed facts are sealed as.
TRANSFER = b"transfer"
_DATA_KEYS = "SELECT id, data_key FROM beneficiaries WHERE id = ANY($1) AND data_key IS NOT NULL"


def read_row(people: People, record: Iterable[Any]) -> Transfer:
    """A transfer from ``COLUMNS``."""
    *clear, sealed, data_key = record
    known: dict[str, Any] = dict(zip(_CLEAR, clear, strict=True))
    opened = people.open(known["beneficiary_id"], data_key, TRANSFER, sealed)
    facts = {"destination": _nowhere(known["channel"])} if opened is None else read(opened)
    known |= {name: facts.get(name) for name in _FACTS}
    return Transfer(**known)


def _nowhere(channel: str) -> str:
    """Where the money went of one who was erased."""
    return json.dumps(asdict(Destination(channel=channel, country="", **ERASED)))


def _all(connection: Connection, records: Iterable[Iterable[Any]]) -> list[Transfer]:
    people = people_of(connection)
    return [read_row(people, record) for record in records]


async def insert(
    connection: Connection, transfers: Sequence[Transfer], lease_seconds: float | None
) -> set[UUID]:
    """Add transfers; the ids of those added: the references of the others were used before.

    The caller holds their leases for ``lease_seconds``; None: nobody does.
    """
    people = people_of(connection)
    receivers = {transfer.beneficiary_id for transfer in transfers} - {None}
    keys = dict(tuple(row) for row in await connection.fetch(_DATA_KEYS, list(receivers)))
    rows = [_row(people, transfer, keys.get(transfer.beneficiary_id)) for transfer in transfers]
    return {row["id"] for row in await connection.fetch(_INSERT, rows, lease_seconds)}


def _row(people: People, transfer: Transfer, data_key: bytes | None) -> tuple[object, ...]:
    content = written({name: getattr(transfer, name) for name in _FACTS})
    receiver = transfer.beneficiary_id
    if receiver is not None and data_key is not None:
        sealed = people.key(receiver, data_key).seal(TRANSFER, content)
    else:
        sealed = people.seal_shared(TRANSFER, content)
    return (
        *_CLEAR_VALUES(transfer),
        sealed,
        transfer_keys(people, transfer.application_id, transfer.destination, transfer.description),
    )


def transfer_keys(
    people: People, application_id: UUID, destination: str, description: str | None
) -> bytes:
    """What searches for transfers look through."""
    facts = json.loads(destination)
    sought = {"name": facts["name"], "account_number": facts["account_number"]}
    if description:
        sought["description"] = description
    return people.search_keys(application_id, sought)


async def by_id(connection: Connection, application_id: UUID, transfer_id: UUID) -> Transfer | None:
    """The application's transfer of this id."""
    return await _one(connection, "application_id = $1 AND id = $2", application_id, transfer_id)


async def by_reference(
    connection: Connection, application_id: UUID, reference: str
) -> Transfer | None:
    """The application's transfer of its own reference."""
    return await _one(
        connection, "application_id = $1 AND reference = $2", application_id, reference
    )


async def by_references(
    connection: Connection, application_id: UUID, references: Sequence[str]
) -> dict[str, Transfer]:
    """The application's transfers of these references of its own, by reference."""
    records = await connection.fetch(
        f"SELECT {_COLUMNS} FROM transfers WHERE application_id = $1 AND reference = ANY($2)",
        application_id,
        references,
    )
    found = _all(connection, records)
    return {transfer.reference: transfer for transfer in found if transfer.reference}


async def any_by_id(connection: Connection, transfer_id: UUID) -> Transfer | None:
    """A transfer whoever it belongs to: for the worker."""
    return await _one(connection, "id = $1", transfer_id)


async def waiting(connection: Connection, application_id: UUID | None) -> list[Transfer]:
    """The transfers, of one application or of all, that wait for a checker, oldest first."""
    records = await connection.fetch(
        f"SELECT {_COLUMNS} FROM transfers WHERE approval = 'wanted' AND status = 'initiated'"
        " AND ($1::uuid IS NULL OR application_id = $1) ORDER BY id",
        application_id,
    )
    return _all(connection, records)


async def payouts(
    connection: Connection, application_id: UUID | None, *, only_open: bool
) -> list[Transfer]:
    """The payouts of one application or of all, oldest first."""
    records = await connection.fetch(
        f"SELECT {_COLUMNS} FROM transfers WHERE purpose = 'payout'"
        " AND ($1::uuid IS NULL OR application_id = $1)"
        " AND (NOT $2 OR status IN ('initiated', 'sent')) ORDER BY id",
        application_id,
        only_open,
    )
    return _all(connection, records)


async def of_bulk(connection: Connection, bulk_id: UUID) -> dict[UUID, Transfer]:
    """The transfers that the rows of a bulk became, by id."""
    records = await connection.fetch(
        f"SELECT {_COLUMNS_T} FROM bulk_rows r JOIN transfers t ON t.id = r.transfer_id"
        " AND t.application_id = r.application_id WHERE r.bulk_id = $1",
        bulk_id,
    )
    return {transfer.id: transfer for transfer in _all(connection, records)}


async def lock(connection: Connection, transfer_id: UUID) -> Transfer | None:
    """Lock one transfer for the rest of the transaction."""
    return await _one(connection, "id = $1 FOR UPDATE", transfer_id)


async def _one(connection: Connection, where: str, *values: object) -> Transfer | None:
    record = await connection.fetchrow(f"SELECT {_COLUMNS} FROM transfers WHERE {where}", *values)
    return read_row(people_of(connection), record) if record else None


_UPDATE = """
UPDATE transfers SET status = $2, approval = $3, reason = $4, code = $5, provider_reference = $6,
    memory = $7, checks_count = $8, next_check_at = $9, updated_at = $10, completed_at = $11,
    version = $12
WHERE id = $1
"""


_CHANGING = itemgetter(*map(Transfer._fields.index, (
    "id", "status", "approval", "reason", "code", "provider_reference", "memory", "checks_count",
    "next_check_at", "updated_at", "completed_at", "version",
)))  # fmt: skip


async def update(connection: Connection, transfer: Transfer) -> None:
    """Write what may change of a transfer that was locked before.

    Raises ``asyncpg.UniqueViolationError`` for a provider's reference that is another one's.
    """
    await connection.execute(_UPDATE, *_CHANGING(transfer))


async def wake_worker(connection: Connection) -> None:
    """Tell the workers, at commit, that there are transfers to send."""
    await connection.execute("SELECT pg_notify('guichet_work', 'transfers')")


async def claim(connection: Connection, transfer_id: UUID, lease_seconds: float) -> int | None:
    """Take the lease of one transfer; its fencing number, or None while another holds it."""
    number: int | None = await connection.fetchval(
        "UPDATE transfers SET claimed_until = now() + $2 * interval '1 second', claim = claim + 1"
        " WHERE id = $1 AND (claimed_until IS NULL OR claimed_until < now()) RETURNING claim",
        transfer_id,
        lease_seconds,
    )
    return number


async def release(connection: Connection, transfer_id: UUID, claim: int) -> bool:
    """Give the lease back; False when it was lost to another worker meanwhile."""
    status: str = await connection.execute(
        "UPDATE transfers SET claimed_until = NULL WHERE id = $1 AND claim = $2", transfer_id, claim
    )
    return status.endswith(" 1")


@dataclass(frozen=True, slots=True)
class TransferFilters:
    """Which transfers a list shows; None means all. ``created_before`` is exclusive. ``search``
    finds ids, parts of references, whole words of descriptions and receivers' names, and whole
    account numbers, of which ``search_phone`` is the international form, if it is one.
    """

    statuses: Sequence[str] | None = None
    channels: Sequence[str] | None = None
    search: str | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    search_phone: str | None = None


async def list_page(
    connection: Connection, application_id: UUID, filters: TransferFilters, page: Page
) -> tuple[list[Transfer], int]:
    """One page of an application's transfers, newest first, and how many there are in all."""
    found_by = HAS_ALL.format(words="$7", wholes="$8", keys="search_keys")
    where = f"""
        application_id = $1 AND ($2::text[] IS NULL OR status = ANY($2))
        AND ($3::text[] IS NULL OR channel = ANY($3))
        AND ($4::text IS NULL OR id::text = $4 OR strpos(lower(reference), lower($4)) > 0
            OR {found_by})
        AND ($5::timestamptz IS NULL OR created_at >= $5)
        AND ($6::timestamptz IS NULL OR created_at < $6)
    """
    text = filters.search
    values = (
        application_id,
        filters.statuses,
        filters.channels,
        text,
        filters.created_from,
        filters.created_before,
        *people_of(connection).search(application_id, text or "", filters.search_phone),
    )
    records = await connection.fetch(
        f"SELECT {_COLUMNS} FROM transfers WHERE {where} ORDER BY id DESC LIMIT $9 OFFSET $10",
        *values,
        page.size,
        page.offset,
    )
    total = await connection.fetchval(f"SELECT count(*) FROM transfers WHERE {where}", *values)
    return _all(connection, records), total
