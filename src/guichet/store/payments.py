"""Payments: created many at a time, read by key, listed by page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
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


_CREATE = f"SELECT * FROM create_payments({', '.join(f'${n}' for n in range(1, 35))})"
_INSERTED = [
    "id",
    "application_id",
    "environment",
    "payee_id",
    "fee_rule_id",
    "rail",
    "institution_id",
    "link_id",
    "country",
    "reference",
    "amount_minor",
    "currency",
    "fee_minor",
    "notify_url",
]
_INSERTED_INDEXES = tuple(Payment._fields.index(name) for name in _INSERTED)
_EXPIRES_AT = Payment._fields.index("expires_at")
#: create_payments takes the payer's values in this order.
_SENT = [
    "email",
    "name",
    "phone",
    "city",
    "state",
    "country",
    "zip_code",
    "street",
    "house_number",
    "currency",
    "tax_number",
    "company_number",
]
_SENT_INDEXES = tuple(CUSTOMER_FIELDS.index(name) for name in _SENT)


async def create(
    connection: Connection, items: Sequence[PaymentInsert], now: datetime
) -> list[PaymentRow | None]:
    """Insert the payments with their payers and events: one statement, one commit.

    Answers None for an item whose request key exists already or whose payer is not known. Raises
    ``asyncpg.UniqueViolationError`` when somebody else inserts the same key meanwhile, or when a
    payer named by id is given the e-mail of another one.
    """
    payments = [item.payment for item in items]
    rows = await connection.fetch(
        _CREATE,
        *([payment[index] for payment in payments] for index in _INSERTED_INDEXES),
        [item.request_key for item in items],
        [item.request_hash for item in items],
        [payment[_EXPIRES_AT] for payment in payments],
        [item.event_id for item in items],
        now,
        [item.customer_id for item in items],
        [item.new_customer_id for item in items],
        [item.email_key for item in items],
        *([item.customer_fields[index] for item in items] for index in _SENT_INDEXES),
    )
    answers: list[PaymentRow | None] = [None] * len(items)
    for row in rows:
        index = row[0] - 1
        customer = Customer._make(tuple(row)[1:])
        answers[index] = PaymentRow(payments[index]._replace(customer_id=customer.id), customer)
    return answers


def _row(record: Sequence[object]) -> PaymentRow:
    values = tuple(record)
    return PaymentRow(
        Payment._make(values[:_PAYMENT_WIDTH]), Customer._make(values[_PAYMENT_WIDTH:])
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
    values = tuple(record)
    return _row(values[:-1]), values[-1]


_READ = f"""
SELECT {_PAYMENT}, {_CUSTOMER}
FROM unnest($1::uuid[], $2::uuid[]) AS k (application_id, id)
JOIN payments p ON p.id = k.id AND p.application_id = k.application_id
JOIN customers c ON c.id = p.customer_id
"""


async def read_many(
    connection: Connection, keys: Sequence[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], PaymentRow]:
    """The payments among ``keys`` (application id, payment id) that exist."""
    records = await connection.fetch(_READ, [key[0] for key in keys], [key[1] for key in keys])
    rows = map(_row, records)
    return {(row.payment.application_id, row.payment.id): row for row in rows}


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
