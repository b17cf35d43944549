"""All that is kept of a person, for the person: what ``erasure`` would destroy, and the money."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from msgspec import json

from guichet.people import People, read
from guichet.store.beneficiaries import BENEFICIARY
from guichet.store.database import Connection
from guichet.store.deliveries import BODY
from guichet.store.erasure import Person
from guichet.store.payments import DETAILS
from guichet.store.refunds import NOTE
from guichet.store.sealed_payers import CUSTOMER, PAYER_PHONE
from guichet.store.transfers import TRANSFER

_PAYMENTS = """
SELECT id, reference, amount_minor, currency, status, reason, refunded_minor, created_at,
    completed_at, details, sealed
FROM payments WHERE customer_id = $1 ORDER BY id
"""
_ATTEMPTS = """
SELECT id, rail, channel, status, provider_reference, created_at, payer_phone
FROM attempts WHERE payment_id = $1 ORDER BY id
"""
_REFUNDS = """
SELECT id, amount_minor, currency, status, created_at, note FROM refunds
WHERE payment_id = $1 ORDER BY id
"""
_TRANSFERS = """
SELECT id, reference, amount_minor, currency, status, created_at, completed_at, sealed
FROM transfers WHERE beneficiary_id = $1 ORDER BY id
"""
_TOLD = """
SELECT e.type, e.occurred_at, d.url, d.status, d.body
FROM events e LEFT JOIN webhook_deliveries d ON d.event_id = e.id
WHERE e.subject_id = ANY($1) ORDER BY e.id, d.id
"""


def facts_of(people: People, person: Person) -> dict[str, str]:
    """What is known of a person; nothing once they are erased."""
    purpose = CUSTOMER if person.kind == "customer" else BENEFICIARY
    return read(people.open(person.id, person.data_key, purpose, person.sealed))


async def disclose(connection: Connection, people: People, person: Person) -> dict[str, Any]:
    """What is kept of a person who was locked before: JSON's types, UUIDs and times."""
    reader = _Reader(people, person)
    payments = [reader.payment(row) for row in await connection.fetch(_PAYMENTS, person.id)]
    for payment in payments:
        rows = await connection.fetch(_ATTEMPTS, payment["id"])
        payment["attempts"] = [reader.opened(row, "payer_phone", PAYER_PHONE) for row in rows]
        rows = await connection.fetch(_REFUNDS, payment["id"])
        payment["refunds"] = [reader.opened(row, "note", NOTE) for row in rows]
    rows = await connection.fetch(_TRANSFERS, person.id)
    transfers = [{**_clear(row), **_details(reader.open(TRANSFER, row["sealed"]))} for row in rows]
    subjects = [person.id, *(each["id"] for each in (*payments, *transfers))]
    subjects += [refund["id"] for payment in payments for refund in payment["refunds"]]
    told = [reader.opened(row, "body", BODY) for row in await connection.fetch(_TOLD, subjects)]
    return {
        person.kind: {
            "id": person.id,
            "application_id": person.application_id,
            "erased_at": person.erased_at,
            **facts_of(people, person),
        },
        "payments": payments,
        "transfers": transfers,
        "events": told,
    }


class _Reader:
    """Opens what is sealed with a person's key."""

    def __init__(self, people: People, person: Person) -> None:
        self._people, self._person = people, person

    def open(self, purpose: bytes, sealed: bytes | None) -> str | None:
        opened = self._people.open(self._person.id, self._person.data_key, purpose, sealed)
        return opened.decode() if opened is not None else None

    def opened(self, row: Any, name: str, purpose: bytes) -> dict[str, Any]:
        return {**dict(row), name: self.open(purpose, row[name])}

    def payment(self, row: Any) -> dict[str, Any]:
        clear = _clear(row)
        details = json.decode(clear.pop("details") or "{}")
        return {**clear, **details, **json.decode(self.open(DETAILS, row["sealed"]) or "{}")}


def _clear(row: Any) -> dict[str, Any]:
    return {name: value for name, value in dict(row).items() if name != "sealed"}


def _details(opened: str | None) -> dict[str, Any]:
    return json.decode(opened or "{}", type=dict[str, Any])


_OF_EMAIL = "SELECT id FROM customers WHERE application_id = $1 AND email_digest = $2"


async def application_ids(connection: Connection) -> list[UUID]:
    """Every application there is."""
    return [row[0] for row in await connection.fetch("SELECT id FROM applications ORDER BY id")]


async def customer_of_email(
    connection: Connection, application_id: UUID, digest: bytes | None
) -> UUID | None:
    """The application's payer who is found by an e-mail of this digest."""
    found: UUID | None = await connection.fetchval(_OF_EMAIL, application_id, digest)
    return found
