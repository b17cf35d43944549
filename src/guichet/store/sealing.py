"""Seals the personal data that a version before sealing left in the clear: part of its migration.

``0008_sealed_people.sql`` put what stood in columns behind a zero byte; the database has no key.
All of it happens in the migration's transaction: no server ever finds half of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from msgspec import json

from guichet.people import People, read, written
from guichet.store.database import Connection
from guichet.store.payments import DETAILS, description_in
from guichet.store.sealed_payers import CUSTOMER, PAYER_PHONE, SEARCHED, email_digest, phone_digest
from guichet.store.seals import people_with
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
    )
}
