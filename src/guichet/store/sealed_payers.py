"""Payers between the request, which says things of them, and the database, which cannot read them.

The database finds a payer by digest and knows the digest of what the last payment said of them.
Only who has the keys can merge what a new request says with what is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from guichet.domain.customers import CUSTOMER_FIELDS, ERASED, Customer
from guichet.domain.payments import Payment
from guichet.people import Facts, People, read, written

#: What a payer's sealed facts are sealed as.
CUSTOMER = b"customer"
#: The facts that searches look into.
SEARCHED: tuple[str, ...] = ("name", "email", "phone", "tax_number")
#: What the number of a payer's handset is sealed as.
PAYER_PHONE = b"phone"
#: Whether a column of digests holds all the words, or any of the wholes, of a ``people.Search``.
HAS_ALL = (
    "(cardinality({words}::bytea[]) > 0 AND NOT EXISTS (SELECT FROM unnest({words}) w"
    " WHERE COALESCE(position(w IN {keys}), 0) = 0)"
    " OR EXISTS (SELECT FROM unnest({wholes}::bytea[]) w WHERE position(w IN {keys}) > 0))"
)
_EMAIL = b"email"
_PHONE = b"e164"
_SENT = b"sent"


class PaymentInsert(NamedTuple):
    """One payment to make: the row to be, what the request said of the payer, the event's id, the
    request's name.

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
    request_id: str | None = None


class PayerValues(NamedTuple):
    """The payer's part of an item of ``create_payments``: sealed as they would be made, or, with
    ``known_id``, as one that is known would be changed (None: as they are).
    """

    email_digest: bytes | None
    sent_digest: bytes | None
    data_key: bytes | None = None
    sealed: bytes | None = None
    search_keys: bytes | None = None
    known_id: UUID | None = None
    expected_version: int | None = None


class KnownPayer(NamedTuple):
    """A payer of the database, in one version."""

    id: UUID
    data_key: bytes
    version: int


def email_digest(people: People, application_id: UUID, email_key: str | None) -> bytes | None:
    """By which the payer of this e-mail (``domain.customers.email_key``) is found."""
    return people.digest(application_id, _EMAIL, email_key) if email_key else None


def phone_digest(people: People, application_id: UUID, phone_key: str | None) -> bytes | None:
    """By which the payer of this number (E.164) is found."""
    return people.digest(application_id, _PHONE, phone_key) if phone_key else None


def facts_of(people: People, payer_id: UUID, data_key: bytes | None, sealed: bytes | None) -> Facts:
    """What is known of a payer; of one who was erased what is shown instead."""
    if sealed is None:
        return ERASED
    return read(people.open(payer_id, data_key, CUSTOMER, sealed))


def customer_of(payer_id: UUID, facts: Facts, version: int) -> Customer:
    """A payer as a customer."""
    get = facts.get
    return Customer._make((payer_id, *[get(name) for name in CUSTOMER_FIELDS], version))


def drafted(people: People, insert: PaymentInsert) -> PayerValues:
    """The values for a payer who may not be known yet."""
    application_id = insert.payment.application_id
    sent = _sent(insert)
    digest = email_digest(people, application_id, insert.email_key)
    sent_digest = _sent_digest(people, insert) if sent else None
    if digest is None:
        return PayerValues(None, sent_digest)
    key = people.new_key(insert.new_customer_id)
    facts = {"currency": insert.payment.currency, **sent}
    return PayerValues(
        digest,
        sent_digest,
        key.sealed,
        key.seal(CUSTOMER, written(facts)),
        people.search_keys(application_id, facts),
    )


def merged(
    people: People, inserts: Sequence[PaymentInsert], known: KnownPayer, facts: Facts
) -> PayerValues:
    """The values for a known payer of all the ``inserts``: what their requests say, in their order,
    replaces what is known.
    """
    application_id = inserts[0].payment.application_id
    after, digest = facts, None
    for insert in inserts:
        after = {"currency": insert.payment.currency, **after, **_sent(insert)}
        digest = email_digest(people, application_id, insert.email_key) or digest
    values = PayerValues(
        digest,
        _sent_digest(people, inserts[-1]),
        known_id=known.id,
        expected_version=known.version,
    )
    if after == facts:
        return values
    return values._replace(
        sealed=people.key(known.id, known.data_key).seal(CUSTOMER, written(after)),
        search_keys=people.search_keys(application_id, after),
    )


def _sent(insert: PaymentInsert) -> Facts:
    return {
        name: value
        for name, value in zip(CUSTOMER_FIELDS, insert.customer_fields, strict=True)
        if value is not None
    }


def _sent_digest(people: People, insert: PaymentInsert) -> bytes:
    said = repr((insert.customer_fields, insert.payment.currency))
    return people.digest(insert.payment.application_id, _SENT, said)
