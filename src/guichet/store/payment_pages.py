"""Pages of an application's payments: the keys of what stands on a page, and how many there are.

What a page shows is known by three numbers a payment, which cost a fraction of the rows: who has
read a payment in that version, with its payer in that version, need not read it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from guichet.domain.ids import first_id
from guichet.domain.paging import Page
from guichet.people import Search
from guichet.store import scope
from guichet.store.database import Connection, people_of
from guichet.store.sealed_payers import HAS_ALL


@dataclass(frozen=True, slots=True)
class PaymentFilters:
    """Which payments a list shows; None means all.

    ``statuses`` are the (status, reason) pairs wanted, an absent reason being "";
    ``created_before`` is exclusive; ``from_link`` says whether payment links bore them. ``search``
    finds parts of references, whole words of descriptions and payers' names, and payers' whole
    e-mails and phones, of which ``search_phone`` is the international form, if it is one.
    """

    rail: str | None = None
    from_link: bool | None = None
    statuses: Sequence[tuple[str, str]] | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    customer_id: UUID | None = None
    reference: str | None = None
    payment_id: UUID | None = None
    channels: Sequence[str] | None = None
    search: str | None = None
    search_phone: str | None = None


class Stamp(NamedTuple):
    """A payment and its payer, each in one version."""

    payment_id: UUID
    payment_version: int
    customer_version: int


class PageKey(NamedTuple):
    """A page of an application's payments; those with ids above ``counted_to`` are counted."""

    application_id: UUID
    page: Page
    counted_to: UUID


class PageStamps(NamedTuple):
    """What stands on a page, newest first, and how many payments were counted."""

    stamps: list[Stamp]
    counted: int


#: What people remember of a payment: its reference, its description, its payer.
_IN_REFERENCE = "strpos(lower(p.reference), lower({text})) > 0"
_IN_DESCRIPTION = HAS_ALL.format(words="{words}", wholes="{wholes}", keys="p.search_keys")
_OF_PAYER = HAS_ALL.format(words="{words}", wholes="{wholes}", keys="s.search_keys")
_SEARCH = f"""
({_IN_REFERENCE} OR {_IN_DESCRIPTION}
    OR EXISTS (SELECT FROM customers s WHERE s.id = p.customer_id AND {_OF_PAYER}))
"""


def _where(
    filters: PaymentFilters, sought: Search | None, first_parameter: int
) -> tuple[str, list[object]]:
    """The conditions as SQL with its parameters. Ids carry their time, so dates bound the key."""
    conditions, values = ["p.application_id = k.application_id"], list[object]()

    def add(condition: str, value: object) -> None:
        conditions.append(condition.format(f"${first_parameter + len(values)}"))
        values.append(value)

    if filters.rail is not None:
        add("p.rail = {}", filters.rail)
    if filters.from_link is not None:
        add("(p.link_id IS NOT NULL) = {}", filters.from_link)
    if filters.statuses is not None:
        wanted = [f"{status}/{reason}" for status, reason in filters.statuses]
        add("p.status || '/' || COALESCE(p.reason, '') = ANY({}::text[])", wanted)
    if filters.created_from is not None:
        add("p.id >= {}", first_id(filters.created_from))
    if filters.created_before is not None:
        add("p.id < {}", first_id(filters.created_before))
    if filters.customer_id is not None:
        add("p.customer_id = {}", filters.customer_id)
    if filters.reference is not None:
        add("p.reference = {}", filters.reference)
    if filters.payment_id is not None:
        add("p.id = {}", filters.payment_id)
    if filters.channels is not None:
        add("p.details ->> 'channel' = ANY({}::text[])", filters.channels)
    if filters.search is not None:
        assert sought is not None
        names = ("text", "words", "wholes")
        places = {name: f"${first_parameter + len(values) + n}" for n, name in enumerate(names)}
        conditions.append(_SEARCH.format(**places))
        values += [filters.search, *sought]
    return " AND ".join(conditions), values


#: Keys first: they stand in the index, so that the payments before a page are passed over without
#: a look at their rows.
_PAGES = """
SELECT found.ids, found.versions, found.customer_versions, (
    SELECT count(*) FROM payments p WHERE {where} AND p.id > k.counted_to)
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::uuid[])
    WITH ORDINALITY AS k (application_id, size, passed_over, counted_to, n)
CROSS JOIN LATERAL (
    SELECT array_agg(row.id) AS ids, array_agg(row.version) AS versions,
        array_agg(row.customer_version) AS customer_versions
    FROM (
        SELECT p.id, p.version, c.version AS customer_version
        FROM (
            SELECT p.id FROM payments p WHERE {where}
            ORDER BY p.id DESC LIMIT k.size OFFSET k.passed_over
        ) key
        JOIN payments p ON p.id = key.id JOIN customers c ON c.id = p.customer_id
        ORDER BY p.id DESC
    ) row
) found
WHERE {gate}
ORDER BY k.n
"""


_GATE = scope.GATE.format("$5")


async def read_pages(
    connection: Connection, keys: Sequence[PageKey], filters: PaymentFilters
) -> list[PageStamps]:
    """The pages that ``keys`` name, of the payments that pass ``filters``: one query.

    A search is of one page, for digests are each application's own.
    """
    sought = None
    if filters.search is not None:
        (key,) = keys
        people = people_of(connection)
        sought = people.search(key.application_id, filters.search, filters.search_phone)
    where, values = _where(filters, sought, 6)
    records = await connection.fetch(
        _PAGES.format(where=where, gate=_GATE),
        [key.application_id for key in keys],
        [key.page.size for key in keys],
        [key.page.offset for key in keys],
        [key.counted_to for key in keys],
        scope.literal({key.application_id for key in keys}),
        *values,
    )
    return [
        PageStamps(list(map(Stamp, ids, versions, customer_versions)) if ids else [], count)
        for ids, versions, customer_versions, count in records
    ]


_COUNT = f"""
SELECT count(*) FROM payments
WHERE application_id = $1 AND id > $2 AND id <= $3 AND {scope.GATE.format("$4")}
"""


async def count_between(
    connection: Connection, application_id: UUID, after: UUID, last: UUID
) -> int:
    """How many payments the application has with ids greater than ``after``, up to ``last``."""
    count: int = await connection.fetchval(
        _COUNT,
        application_id,
        after,
        last,
        scope.literal([application_id]),
    )
    return count
