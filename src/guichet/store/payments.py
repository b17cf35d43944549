"""Payments: created many at a time, read by key, listed by page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from guichet.domain.customers import Customer
from guichet.domain.errors import Conflicted
from guichet.domain.payments import Payment
from guichet.people import Facts, People
from guichet.store import scope
from guichet.store.database import Connection, people_of
from guichet.store.sealed_payers import (
    KnownPayer,
    PayerValues,
    PaymentInsert,
    customer_of,
    drafted,
    facts_of,
    merged,
)

_PAYMENT = ", ".join(f"p.{name}" for name in Payment._fields)
_PAYER = "p.sealed, c.id, c.data_key, c.sealed, c.version"
#: What is sealed of a payment, and of it what lists filter by and is not.
DETAILS = b"payment"
_CLEAR_DETAILS = ("channel",)
_PAYMENT_WIDTH = len(Payment._fields)


class PaymentRow(NamedTuple):
    """A payment with its payer as they are now."""

    payment: Payment
    customer: Customer


_CREATE = f"SELECT * FROM create_payments($1, $2) WHERE {scope.GATE.format('$3')}"
#: An item's values in the order of the database's type ``payment_of_payer``: the payment's, then
#: the request's, then the payer's. The driver takes a row as a plain tuple.
_PAYMENT_VALUES = itemgetter(*map(Payment._fields.index, (
    "id", "application_id", "environment", "payee_id", "fee_rule_id", "rail", "institution_id",
    "link_id", "country", "reference", "amount_minor", "currency", "fee_minor", "notify_url",
)))  # fmt: skip
_EXPIRES_AT = Payment._fields.index("expires_at")
#: So often may payers be changed by others between our looking at them and our writing.
_ROUNDS_MAX = 8


class _Round(NamedTuple):
    """What one call of the function came to: answers, and items to send again, by their place."""

    answers: dict[int, PaymentRow]
    again: dict[int, PayerValues]


async def create_one(
    connection: Connection, item: PaymentInsert, now: datetime
) -> PaymentRow | None:
    """As ``create`` for one item, whose error is raised."""
    (answer,) = await create(connection, [item], now)
    if isinstance(answer, Exception):
        raise answer
    return answer


async def create(
    connection: Connection, items: Sequence[PaymentInsert], now: datetime
) -> list[PaymentRow | Exception | None]:
    """Insert the payments with their payers and events.

    One statement and one commit, unless a request says of a payer something that the last one did
    not: such items take a second one, whose errors are their own. Answers None for an item whose
    request key exists already or whose payer is not known. Errors, answered or, when all was rolled
    back, raised: ``asyncpg.UniqueViolationError`` when somebody else inserts the same key
    meanwhile, or when a payer named by id is given the e-mail of another one, and ``Conflicted``
    when payers were changed all the time.
    """
    answers: list[PaymentRow | Exception | None] = [None] * len(items)
    people = people_of(connection)
    wanted = {index: drafted(people, insert) for index, insert in enumerate(items)}
    for number in range(_ROUNDS_MAX):
        try:
            done = await _round(connection, items, wanted, now)
        except asyncpg.UniqueViolationError as error:
            if number == 0:
                raise
            if len(items) == 1:
                return [error]
            return await _one_by_one(connection, items, answers, wanted, now)
        for index, row in done.answers.items():
            answers[index] = row
        if not done.again:
            return answers
        wanted = done.again
    for index in wanted:
        answers[index] = Conflicted()
    return answers


async def _round(
    connection: Connection,
    items: Sequence[PaymentInsert],
    wanted: Mapping[int, PayerValues],
    now: datetime,
) -> _Round:
    people = people_of(connection)
    indices = list(wanted)
    applications = scope.literal({items[index].payment.application_id for index in indices})
    rows = await connection.fetch(
        _CREATE, [_item(items[index], wanted[index]) for index in indices], now, applications
    )
    done = _Round({}, {})
    differing: dict[UUID, list[int]] = {}
    known: dict[UUID, tuple[KnownPayer, Facts]] = {}
    for ordinal, payer_id, data_key, sealed, version, made in rows:
        index = indices[ordinal - 1]
        facts = facts_of(people, payer_id, data_key, sealed)
        if made:
            # As it is stored: those of one batch are of one moment.
            payment = items[index].payment._replace(
                customer_id=payer_id, created_at=now, updated_at=now
            )
            done.answers[index] = PaymentRow(payment, customer_of(payer_id, facts, version))
        else:
            differing.setdefault(payer_id, []).append(index)
            known[payer_id] = KnownPayer(payer_id, data_key, version), facts
    for payer_id, places in differing.items():
        values = merged(people, [items[index] for index in places], *known[payer_id])
        done.again.update(dict.fromkeys(places, values))
    for index, values in wanted.items():
        # One that was merged with a payer who is not there any more begins anew.
        if values.known_id is not None and index not in done.answers and index not in done.again:
            done.again[index] = drafted(people, items[index])
    return done


async def _one_by_one(
    connection: Connection,
    items: Sequence[PaymentInsert],
    answers: list[PaymentRow | Exception | None],
    wanted: Mapping[int, PayerValues],
    now: datetime,
) -> list[PaymentRow | Exception | None]:
    """The answers with those of the items left: one bad item does not fail its neighbours."""
    for index in wanted:
        try:
            (answers[index],) = await create(connection, [items[index]], now)
        except asyncpg.UniqueViolationError as error:
            answers[index] = error
    return answers


def _item(insert: PaymentInsert, payer: PayerValues) -> tuple[object, ...]:
    payment = insert.payment
    return (
        *_PAYMENT_VALUES(payment),
        insert.request_key,
        insert.request_hash,
        payment[_EXPIRES_AT],
        insert.event_id,
        insert.request_id,
        insert.customer_id,
        insert.new_customer_id,
        *payer,
    )


def _row(people: People, record: Sequence[Any]) -> PaymentRow:
    payment = Payment._make(record[:_PAYMENT_WIDTH])
    kept, payer_id, data_key, sealed, version = record[_PAYMENT_WIDTH:]
    if kept is not None:
        payment = payment._replace(details=_details(people, payment, data_key, kept))
    facts = facts_of(people, payer_id, data_key, sealed)
    return PaymentRow(payment, customer_of(payer_id, facts, version))


def _details(people: People, payment: Payment, data_key: bytes | None, kept: bytes) -> str | None:
    """What a dialect keeps of a payment: what lists ask for in the clear, the rest sealed."""
    opened = people.open(payment.customer_id, data_key, DETAILS, kept)
    if opened is None:
        return payment.details
    return json.dumps({**json.loads(payment.details or "{}"), **json.loads(opened)})


_BY_KEY = f"""
SELECT {_PAYMENT}, {_PAYER}, p.request_hash
FROM payments p JOIN customers c ON c.id = p.customer_id
WHERE p.application_id = $1 AND p.request_key = $2
"""


async def by_request_key(
    connection: Connection, application_id: UUID, request_key: str
) -> tuple[PaymentRow, bytes] | None:
    """The payment made with an idempotency key, and the hash of its request."""
    record = await connection.fetchrow(_BY_KEY, application_id, request_key)
    if record is None:
        return None
    return _row(people_of(connection), record[:-1]), record[-1]


_READ = f"""
SELECT {_PAYMENT}, {_PAYER}, k.n
FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS k (application_id, id, n)
JOIN payments p ON p.id = k.id AND p.application_id = k.application_id
JOIN customers c ON c.id = p.customer_id
WHERE {scope.GATE.format("$3")}
"""


async def read_many(
    connection: Connection, keys: Sequence[tuple[UUID, UUID]]
) -> list[PaymentRow | None]:
    """The payments that ``keys`` (application id, payment id) name; None where there is none."""
    applications = [key[0] for key in keys]
    records = await connection.fetch(
        _READ, applications, [key[1] for key in keys], scope.literal(set(applications))
    )
    # Told apart by their place: dictionaries of UUIDs hash and compare them in Python.
    rows: list[PaymentRow | None] = [None] * len(keys)
    people = people_of(connection)
    for record in records:
        rows[record[-1] - 1] = _row(people, record[:-1])
    return rows


_BY_ID = f"""
SELECT {_PAYMENT}, {_PAYER} FROM payments p JOIN customers c ON c.id = p.customer_id
WHERE p.id = $1
"""


async def by_id(connection: Connection, payment_id: UUID) -> PaymentRow | None:
    """A payment whoever it belongs to: for the worker and for addresses that carry a token."""
    record = await connection.fetchrow(_BY_ID, payment_id)
    return _row(people_of(connection), record) if record else None


_LOCK_DETAILS = """
SELECT p.details, p.sealed, c.id, c.data_key, p.application_id
FROM payments p JOIN customers c ON c.id = p.customer_id WHERE p.id = $1 FOR UPDATE OF p
"""


async def keep_details(connection: Connection, payment_id: UUID, details: str | None) -> None:
    """Keep what the dialect wants kept of a payment (JSON), beside what it has kept so far.

    For a transaction: the payment is locked for the rest of it. Of a payer who was erased nothing
    is kept but what says nothing of them.
    """
    people = people_of(connection)
    row = await connection.fetchrow(_LOCK_DETAILS, payment_id)
    if row is None or details is None:
        return
    clear, sealed, payer_id, data_key, application_id = row
    opened = people.open(payer_id, data_key, DETAILS, sealed)
    kept = {**json.loads(clear or "{}"), **json.loads(opened or b"{}"), **json.loads(details)}
    clear = {name: kept.pop(name) for name in _CLEAR_DETAILS if name in kept}
    key = people.key(payer_id, data_key) if data_key else None
    await connection.execute(
        "UPDATE payments SET details = $2::text::jsonb, sealed = $3, search_keys = $4"
        " WHERE id = $1",
        payment_id,
        json.dumps(clear) if clear else None,
        key.seal(DETAILS, json.dumps(kept).encode()) if key else None,
        people.search_keys(application_id, description_in(kept)) if key else None,
    )


def description_in(details: Mapping[str, object]) -> dict[str, str]:
    """The part of a payment's details that searches look into."""
    description = details.get("description")
    return {"description": description} if isinstance(description, str) else {}
