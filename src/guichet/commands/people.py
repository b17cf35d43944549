"""``guichet customer`` and ``guichet beneficiary``: what people may ask of who keeps their data."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from cyclopts import App
from msgspec import json

from guichet.commands.common import now, read_settings, with_database
from guichet.dialects.notchpay.ids import read_id
from guichet.domain.errors import NotFound
from guichet.people import People
from guichet.server import operations
from guichet.services.people import Kind, erase_person, export_person, find_customers
from guichet.store.database import Connection
from guichet.store.seals import people_with

Answer = TypeVar("Answer")

customers = App(name="customer", help="Payers: found, shown to themselves, erased.")
beneficiaries = App(name="beneficiary", help="Who receives transfers: shown to themselves, erased.")


@customers.command(name="find")
def find_customer(email: str) -> None:
    """List the ids of the payers who are found by an e-mail, of every application."""

    async def find(connection: Connection, people: People) -> list[UUID]:
        return await find_customers(connection, people, email)

    found = _with_people(find)
    if not found:
        raise NotFound("customer", "of this e-mail")
    for customer_id in found:
        print(customer_id)


@customers.command(name="export")
def export_customer(customer: str) -> None:
    """Print all that is kept of a payer, as JSON.

    Parameters
    ----------
    customer
        Their id: as the API shows it, or the UUID.
    """
    _export("customer", customer)


@customers.command(name="erase")
def erase_customer(customer: str, *, yes: bool = False) -> None:
    """Destroy a payer's key and every copy of what is known of them; it cannot be undone.

    Amounts, states, references and events of their payments stay, and the books with them. Refused
    while money of theirs is under way.

    Parameters
    ----------
    customer
        Their id: as the API shows it, or the UUID.
    yes
        Do not ask.
    """
    _erase("customer", customer, yes=yes)


@beneficiaries.command(name="export")
def export_beneficiary(beneficiary: str) -> None:
    """Print all that is kept of a beneficiary, as JSON.

    Parameters
    ----------
    beneficiary
        Their id: as the API shows it, or the UUID.
    """
    _export("beneficiary", beneficiary)


@beneficiaries.command(name="erase")
def erase_beneficiary(beneficiary: str, *, yes: bool = False) -> None:
    """Destroy a beneficiary's key and every copy of what is known of them; it cannot be undone.

    Amounts, states, references and events of their transfers stay, and the books with them. Refused
    while money of theirs is under way.

    Parameters
    ----------
    beneficiary
        Their id: as the API shows it, or the UUID.
    yes
        Do not ask.
    """
    _erase("beneficiary", beneficiary, yes=yes)


def _export(kind: Kind, shown_id: str) -> None:
    person_id = _id(kind, shown_id)

    async def export(connection: Connection, people: People) -> bytes:
        return json.encode(await export_person(connection, people, kind, person_id))

    print(json.format(_with_people(export)).decode())


def _erase(kind: Kind, shown_id: str, *, yes: bool) -> None:
    person_id = _id(kind, shown_id)
    if not yes and input(f"Erase {kind} {person_id} for good? Type yes: ").strip() != "yes":
        sys.exit("guichet: nothing was erased")

    async def erase(connection: Connection, people: People) -> bool:
        return await erase_person(connection, people, kind, person_id, now())

    print("erased" if _with_people(erase) else "was erased before")


def _id(kind: Kind, shown_id: str) -> UUID:
    try:
        return UUID(shown_id)
    except ValueError:
        person_id = read_id(kind, shown_id)
    if person_id is None:
        raise NotFound(kind, shown_id)
    return person_id


def _with_people(use: Callable[[Connection, People], Awaitable[Answer]]) -> Answer:
    vault = operations.open_vault(read_settings())

    async def run(connection: Connection) -> Answer:
        return await use(connection, await people_with(connection, vault))

    return with_database(run)
