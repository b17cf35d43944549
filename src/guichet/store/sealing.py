"""Seals the personal data that a version before sealing left in the clear: part of its migration.

The migrations ``0008_…`` put what stood in columns behind a zero byte; the database has no key.
All of it happens in the migration's transaction: no server ever finds half of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from msgspec import json

from guichet.people import People, read, written
from guichet.store.beneficiaries import BENEFICIARY, account_digest, beneficiary_keys
from guichet.store.bulk_transfers import BULK
from guichet.store.database import Connection
from guichet.store.deliveries import BODY
from guichet.store.payments import DETAILS, description_in
from guichet.store.refunds import NOTE
from guichet.store.sealed_payers import CUSTOMER, PAYER_PHONE, SEARCHED, email_digest, phone_digest
from guichet.store.seals import people_with
from guichet.store.transfers import TRANSFER, transfer_keys
from guichet.vault import Vault

_BATCH_ROWS = 500

_CUSTOMERS = """
SELECT id, application_id, sealed FROM customers WHERE data_key IS NULL AND erased_at IS NULL
"""
_SEAL_CUSTOMER = """
UPDATE customers SET data_key = $2, sealed = $3, email_digest = $4, phone_digest = $5,
    search_keys = $6
WHERE id = $1
"""
_PAYMENTS = """
SELECT p.id, p.application_id, p.sealed, c.id, c.data_key
FROM payments p JOIN customers c ON c.id = p.customer_id
WHERE p.sealed IS NOT NULL AND get_byte(p.sealed, 0) = 0
"""
_SEAL_PAYMENT = "UPDATE payments SET sealed = $2, search_keys = $3 WHERE id = $1"
_ATTEMPTS = """
SELECT a.id, a.payer_phone, c.id, c.data_key FROM attempts a
JOIN payments p ON p.id = a.payment_id JOIN customers c ON c.id = p.customer_id
WHERE a.payer_phone IS NOT NULL AND get_byte(a.payer_phone, 0) = 0
"""
_SEAL_ATTEMPT = "UPDATE attempts SET payer_phone = $2 WHERE id = $1"


class KeysWanted(Exception):
    """The migration has personal data to seal and was given no vault."""

    def __init__(self) -> None:
        super().__init__("the migration seals personal data: it needs GUICHET_SECRET_KEYS")


async def seal_plain(
    connection: Connection, applied: Sequence[str], vault: Callable[[], Vault] | None
) -> None:
    """Seal what the migrations just ``applied`` left to be sealed, in their transaction.

    Raises ``KeysWanted`` when there is something and no ``vault``.
    """
    people = None
    for step in (step for name in applied for step in _STEPS.get(name, ())):
        cursor = await connection.cursor(step.select)
        while rows := await cursor.fetch(_BATCH_ROWS):
            if vault is None:
                raise KeysWanted
            people = people or await people_with(connection, vault())
            await connection.executemany(step.update, [step.sealed(people, *row) for row in rows])


def _customer(
    people: People, customer_id: UUID, application_id: UUID, plain: bytes
) -> Sequence[object]:
    facts = read(plain[1:])
    found_by = facts.pop("email_key", None), facts.pop("phone_key", None)
    key = people.new_key(customer_id)
    named = {name: facts[name] for name in SEARCHED if name in facts}
    if found_by[1]:
        named["e164"] = found_by[1]
    return (
        customer_id,
        key.sealed,
        key.seal(CUSTOMER, written(facts)),
        email_digest(people, application_id, found_by[0]),
        phone_digest(people, application_id, found_by[1]),
        people.search_keys(application_id, named),
    )


def _payment(
    people: People,
    payment_id: UUID,
    application_id: UUID,
    plain: bytes,
    payer_id: UUID,
    data_key: bytes,
) -> Sequence[object]:
    content = plain[1:]
    described = description_in(json.decode(content))
    return (
        payment_id,
        people.key(payer_id, data_key).seal(DETAILS, content),
        people.search_keys(application_id, described),
    )


def _attempt(
    people: People, attempt_id: UUID, plain: bytes, payer_id: UUID, data_key: bytes
) -> Sequence[object]:
    return attempt_id, people.key(payer_id, data_key).seal(PAYER_PHONE, plain[1:])


_BENEFICIARIES = """
SELECT id, application_id, channel, sealed FROM beneficiaries
WHERE data_key IS NULL AND erased_at IS NULL
"""
_SEAL_BENEFICIARY = """
UPDATE beneficiaries SET data_key = $2, sealed = $3, account_digest = $4, search_keys = $5
WHERE id = $1
"""
_TRANSFERS = """
SELECT t.id, t.application_id, t.sealed, b.id, b.data_key
FROM transfers t LEFT JOIN beneficiaries b ON b.id = t.beneficiary_id
WHERE get_byte(t.sealed, 0) = 0
"""
_SEAL_TRANSFER = "UPDATE transfers SET sealed = $2, search_keys = $3 WHERE id = $1"
_NOTES = """
SELECT r.id, r.note, c.id, c.data_key FROM refunds r
JOIN payments p ON p.id = r.payment_id JOIN customers c ON c.id = p.customer_id
WHERE r.note IS NOT NULL AND get_byte(r.note, 0) = 0
"""
_SEAL_NOTE = "UPDATE refunds SET note = $2 WHERE id = $1"
_BODIES = """
SELECT d.id, d.body, w.person_id, w.data_key FROM webhook_deliveries d
CROSS JOIN LATERAL person_of_event(d.event_id) w
WHERE d.body IS NOT NULL AND get_byte(d.body, 0) = 0
"""
_SEAL_BODY = "UPDATE webhook_deliveries SET body = $2 WHERE id = $1"
_ROWS = "SELECT bulk_id, number, content, errors FROM bulk_rows WHERE get_byte(content, 0) = 0"
_SEAL_ROW = "UPDATE bulk_rows SET content = $3, errors = $4 WHERE bulk_id = $1 AND number = $2"
_BULKS = """
SELECT id, description FROM bulk_transfers
WHERE description IS NOT NULL AND get_byte(description, 0) = 0
"""
_SEAL_BULK = "UPDATE bulk_transfers SET description = $2 WHERE id = $1"


def _beneficiary(
    people: People, beneficiary_id: UUID, application_id: UUID, channel: str, plain: bytes
) -> Sequence[object]:
    facts, key = read(plain[1:]), people.new_key(beneficiary_id)
    account = channel, facts["account_number"], facts["name"]
    return (
        beneficiary_id,
        key.sealed,
        key.seal(BENEFICIARY, plain[1:]),
        account_digest(people, application_id, *account),
        beneficiary_keys(people, application_id, facts),
    )


def _transfer(
    people: People,
    transfer_id: UUID,
    application_id: UUID,
    plain: bytes,
    receiver: UUID | None,
    data_key: bytes | None,
) -> Sequence[object]:
    facts = read(plain[1:])
    keys = transfer_keys(people, application_id, facts["destination"], facts.get("description"))
    return transfer_id, _sealed(people, receiver, data_key, TRANSFER, plain), keys


def _note(
    people: People, refund_id: UUID, plain: bytes, payer_id: UUID, data_key: bytes
) -> Sequence[object]:
    return refund_id, _sealed(people, payer_id, data_key, NOTE, plain)


def _body(
    people: People, delivery_id: UUID, plain: bytes, person_id: UUID | None, data_key: bytes | None
) -> Sequence[object]:
    return delivery_id, _sealed(people, person_id, data_key, BODY, plain)


def _bulk_row(
    people: People, bulk_id: UUID, number: int, content: bytes, errors: bytes | None
) -> Sequence[object]:
    sealed = _sealed(people, None, None, BULK, errors) if errors else None
    return bulk_id, number, _sealed(people, None, None, BULK, content), sealed


def _bulk(people: People, bulk_id: UUID, description: bytes) -> Sequence[object]:
    return bulk_id, _sealed(people, None, None, BULK, description)


def _sealed(
    people: People, person_id: UUID | None, data_key: bytes | None, purpose: bytes, plain: bytes
) -> bytes:
    if person_id is None or data_key is None:
        return people.seal_shared(purpose, plain[1:])
    return people.key(person_id, data_key).seal(purpose, plain[1:])


class _Step(NamedTuple):
    """Rows to be sealed, and how."""

    select: str
    update: str
    sealed: Callable[..., Sequence[object]]


#: By migration. People first, then what is sealed with their keys.
_STEPS: Mapping[str, Sequence[_Step]] = {
    "0008_sealed_people.sql": (
        _Step(_CUSTOMERS, _SEAL_CUSTOMER, _customer),
        _Step(_PAYMENTS, _SEAL_PAYMENT, _payment),
        _Step(_ATTEMPTS, _SEAL_ATTEMPT, _attempt),
    ),
    "0008_sealed_receivers.sql": (
        _Step(_BENEFICIARIES, _SEAL_BENEFICIARY, _beneficiary),
        _Step(_TRANSFERS, _SEAL_TRANSFER, _transfer),
        _Step(_NOTES, _SEAL_NOTE, _note),
        _Step(_BODIES, _SEAL_BODY, _body),
        _Step(_ROWS, _SEAL_ROW, _bulk_row),
        _Step(_BULKS, _SEAL_BULK, _bulk),
    ),
}
