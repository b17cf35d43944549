"""Payments: created many at a time, read by key, listed by page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from guichet.domain.customers import CUSTOMER_FIELDS, Customer
from guichet.domain.payments import Payment
from guichet.store.database import Connection

_PAYMENT = ", ".join(f"p.{name}" for name in Payment._fields)
_CUSTOMER = ", ".join(f"c.{name}" for name in Customer._fields)
_PAYMENT_WIDTH = len(Payment._fields)


class PaymentRow(NamedTuple):
    """A payment with its payer as they are now."""

    payment: Payment
    customer: Customer


class PaymentInsert(NamedTuple):
    """One item of ``create``: the row to be, what the request said of the payer, the event's id.

    ``customer_id`` is the id the request named (None: by e-mail), ``new_customer_id`` the id of
    the payer if they must be made; ``customer_fields`` holds values in the order of
    ``CUSTOMER_FIELDS``.
    """

    payment: Payment
    request_key: str | None
    request_hash: bytes | None
    customer_id: UUID | None
    new_customer_id: UUID
    email_key: str | None
    customer_fields: tuple[str | None, ...]
    event_id: UUID


_CREATE = "SELECT * FROM create_payments($1, $2)"
#: An item's values in the order of the database's type ``payment_item``: the payment's, then the
#: request's, then the payer's. The driver takes a row as a plain tuple.
_PAYMENT_VALUES = itemgetter(*map(Payment._fields.index, (
    "id", "application_id", "environment", "payee_id", "fee_rule_id", "rail", "institution_id",
    "link_id", "country", "reference", "amount_minor", "currency", "fee_minor", "notify_url",
)))  # fmt: skip
_EXPIRES_AT = Payment._fields.index("expires_at")
_PAYER_VALUES = itemgetter(*map(CUSTOMER_FIELDS.index, (
    "email", "name", "phone", "city", "state", "country", "zip_code", "street", "house_number",
    "currency", "tax_number", "company_number",
)))  # fmt: skip


def _item(insert: PaymentInsert) -> tuple[object, ...]:
    payment, request_key, request_hash, given_id, new_id, email_key, payer, event_id = insert
    return (
        *_PAYMENT_VALUES(payment),
        request_key,
        request_hash,
        payment[_EXPIRES_AT],
        event_id,
        given_id,
        new_id,
        email_key,
        *_PAYER_VALUES(payer),
    )


async def create(
    connection: Connection, items: Sequence[PaymentInsert], now: datetime
) -> list[PaymentRow | None]:
    """Insert the payments with their payers and events: one statement, one commit.

    Answers None for an item whose request key exists already or whose payer is not known. Raises
    ``asyncpg.UniqueViolationError`` when somebody else inserts the same key meanwhile, or when a
    payer named by id is given the e-mail of another one.
    """
    rows = await connection.fetch(_CREATE, [_item(insert) for insert in items], now)
    answers: list[PaymentRow | None] = [None] * len(items)
    for row in rows:
        index = row[0] - 1
        customer = Customer._make(row[1:])
        payment = items[index].payment._replace(customer_id=customer.id)
        answers[index] = PaymentRow(payment, customer)
    return answers


def _row(record: Sequence[Any]) -> PaymentRow:
    return PaymentRow(
        Payment._make(record[:_PAYMENT_WIDTH]), Customer._make(record[_PAYMENT_WIDTH:])
    )


_BY_KEY = f"""
SELECT {_PAYMENT}, {_CUSTOMER}, p.request_hash
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
    return _row(record[:-1]), record[-1]


_READ = f"""
SELECT {_PAYMENT}, {_CUSTOMER}, k.n
FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS k (application_id, id, n)
JOIN payments p ON p.id = k.id AND p.application_id = k.application_id
JOIN customers c ON c.id = p.customer_id
"""


async def read_many(
    connection: Connection, keys: Sequence[tuple[UUID, UUID]]
) -> list[PaymentRow | None]:
    """The payments that ``keys`` (application id, payment id) name; None where there is none."""
    records = await connection.fetch(_READ, [key[0] for key in keys], [key[1] for key in keys])
    # Told apart by their place: dictionaries of UUIDs hash and compare them in Python.
    rows: list[PaymentRow | None] = [None] * len(keys)
    for record in records:
        rows[record[-1] - 1] = _row(record[:-1])
    return rows


_BY_ID = f"""
SELECT {_PAYMENT}, {_CUSTOMER} FROM payments p JOIN customers c ON c.id = p.customer_id
WHERE p.id = $1
"""


async def by_id(connection: Connection, payment_id: UUID) -> PaymentRow | None:
    """A payment whoever it belongs to: for the worker and for addresses that carry a token."""
    record = await connection.fetchrow(_BY_ID, payment_id)
    return _row(record) if record else None


async def keep_details(connection: Connection, payment_id: UUID, details: str | None) -> None:
    """Keep what the dialect wants kept of a payment, beside what it has kept so far."""
    await connection.execute(
        "UPDATE payments SET details = COALESCE(details, '{}') || $2::text::jsonb WHERE id = $1",
        payment_id,
        details,
    )
