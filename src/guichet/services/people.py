"""People's rights: to know what is kept of them, and to have it destroyed.

For the operator, as the owner of the tables: a merchant's API keys destroy nobody.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from guichet.domain import events
from guichet.domain.customers import email_key
from guichet.domain.errors import GuichetError, NotFound
from guichet.domain.events import Event
from guichet.domain.ids import new_id
from guichet.people import People
from guichet.store import attempts, disclosure, erasure
from guichet.store.database import Connection
from guichet.store.erasure import Person
from guichet.store.sealed_payers import email_digest

Kind = Literal["customer", "beneficiary"]

_DELETED = {"customer": events.CUSTOMER_DELETED, "beneficiary": events.BENEFICIARY_DELETED}
_SHOWN_MAX = 5


class MoneyUnderWay(GuichetError):
    """Money of theirs is under way: what is known of them is needed until it is decided."""

    def __init__(self, reasons: list[str]) -> None:
        more = f" and {len(reasons) - _SHOWN_MAX} more" if len(reasons) > _SHOWN_MAX else ""
        super().__init__(
            f"not erased, money of theirs is under way: {'; '.join(reasons[:_SHOWN_MAX])}{more}"
        )


async def erase_person(
    connection: Connection, people: People, kind: Kind, person_id: UUID, now: datetime
) -> bool:
    """Destroy a person's key and clear every copy of what it sealed; False if it was done before.

    The application is told that they were deleted. ``connection`` is in no transaction: what began
    with this person before it was done, and is committed after, is waited for and cleared then.
    Raises ``NotFound`` and ``MoneyUnderWay``.
    """
    is_new = await _erase(connection, people, kind, person_id, now)
    await erasure.wait_for_writers(connection)
    async with connection.transaction():
        await erasure.clear_copies(connection, await _locked(connection, kind, person_id))
    return is_new


async def _erase(
    connection: Connection, people: People, kind: Kind, person_id: UUID, now: datetime
) -> bool:
    async with connection.transaction():
        person = await _locked(connection, kind, person_id)
        if person.erased_at is not None:
            return False
        reasons = await erasure.money_under_way(connection, person)
        if reasons:
            raise MoneyUnderWay(reasons)
        names = _names(disclosure.facts_of(people, person))
        await erasure.destroy_key(connection, person, now)
        await erasure.clear_copies(connection, person)
        await erasure.erase_mentions(connection, people, person.application_id, names)
        if person.deleted_at is None:
            await attempts.tell(connection, [_deleted(person, now)], [])
    return True


async def export_person(
    connection: Connection, people: People, kind: Kind, person_id: UUID
) -> dict[str, Any]:
    """All that is kept of a person; raises ``NotFound``."""
    async with connection.transaction():
        person = await _locked(connection, kind, person_id)
        return await disclosure.disclose(connection, people, person)


async def find_customers(connection: Connection, people: People, email: str) -> list[UUID]:
    """The payers of every application who are found by this e-mail."""
    found = []
    for application_id in await disclosure.application_ids(connection):
        digest = email_digest(people, application_id, email_key(email))
        payer_id = await disclosure.customer_of_email(connection, application_id, digest)
        if payer_id is not None:
            found.append(payer_id)
    return found


async def _locked(connection: Connection, kind: Kind, person_id: UUID) -> Person:
    lock = erasure.lock_customer if kind == "customer" else erasure.lock_beneficiary
    person = await lock(connection, person_id)
    if person is None:
        raise NotFound(kind, str(person_id))
    return person


def _names(facts: dict[str, str]) -> list[str]:
    """By what a person is mentioned in free text: not by a country or a town."""
    named = [facts[name] for name in ("name", "email", "phone", "account_number") if name in facts]
    return [*named, *(name.removeprefix("+") for name in named if name.startswith("+"))]


def _deleted(person: Person, now: datetime) -> Event:
    return Event(
        id=new_id(now),
        application_id=person.application_id,
        type=_DELETED[person.kind],
        subject_type=person.kind,
        subject_id=person.id,
        version=person.version + 1,
        status="deleted",
        previous_status=None,
        reason=None,
        late=False,
        occurred_at=now,
    )
