"""Payers of mobile money: found or made by a payment, kept, blocked and taken off the lists."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from guichet.domain import events
from guichet.domain.access import Application
from guichet.domain.customers import email_key
from guichet.domain.errors import Conflicted, Invalid, NotFound
from guichet.domain.events import Event
from guichet.domain.ids import new_id
from guichet.domain.paging import Listing, Page
from guichet.gateway import Gateway
from guichet.services.phones import normalise_phone
from guichet.store import attempts, payers
from guichet.store.database import Connection, savepoint
from guichet.store.payers import Payer, PayerSearch, UsedMethod

__all__ = [
    "Payer",
    "UsedMethod",
    "WantedPayer",
    "change_payer",
    "find_or_make_payer",
    "list_payers",
    "make_payer",
    "payer_methods",
    "read_payer",
]


#: So often may somebody else make the same payer at the same time: by e-mail, by phone, and gone.
_ROUNDS_MAX = 4


class WantedPayer(NamedTuple):
    """Who a payment says pays: by id, else e-mail, else phone. Texts as they were given."""

    id: UUID | None
    email: str | None
    phone: str | None
    name: str | None


async def find_or_make_payer(
    gateway: Gateway, application: Application, wanted: WantedPayer
) -> Payer:
    """The payer that a payment names, made if there is none.

    Raises ``Invalid`` (``customer``) for an id that is not the application's, and ``Conflicted``
    when others made and changed the same payer all the time.
    """
    if wanted.id is not None:
        async with gateway.database.connection() as connection:
            found = await payers.by_id(connection, application.id, wanted.id)
        if found is None:
            raise Invalid("customer", "unknown")
        return found
    keys = _keys(application, wanted.email, wanted.phone)
    for _ in range(_ROUNDS_MAX):
        async with gateway.database.connection() as connection:
            found = await payers.find(connection, application.id, *keys)
        if found is not None:
            return found
        fields = {"name": wanted.name, "email": wanted.email, "phone": wanted.phone}
        if (made := await _make(gateway, application, fields, None, alone=True)) is not None:
            return made
    raise Conflicted


async def make_payer(
    gateway: Gateway,
    application: Application,
    fields: Mapping[str, str | None],
    details: str | None,
) -> Payer:
    """Add a payer (``customer.created``), even beside one of the same e-mail or phone.

    Raises ``Conflicted`` when others of the same were added all the time.
    """
    for _ in range(_ROUNDS_MAX):
        if (made := await _make(gateway, application, fields, details, alone=False)) is not None:
            return made
    raise Conflicted


async def _make(
    gateway: Gateway,
    application: Application,
    fields: Mapping[str, str | None],
    details: str | None,
    *,
    alone: bool,
) -> Payer | None:
    """A new payer; None when somebody else was made with an e-mail or phone at the same time."""
    now = gateway.clock.now()
    keys = _keys(application, fields.get("email"), fields.get("phone"))
    async with gateway.database.transaction() as tx:
        payer = await payers.insert(
            tx, application.id, new_id(now), keys, fields, details, now, alone=alone
        )
        if payer is not None:
            await _tell(tx, payer, events.CUSTOMER_CREATED, now)
    return payer


async def change_payer(
    gateway: Gateway, application: Application, payer_id: UUID, event: str, **changes: object
) -> Payer:
    """Change a payer's fields (``Payer``'s) and tell it as ``event``; nothing new is not told.

    Raises ``NotFound``.
    """
    now = gateway.clock.now()
    async with gateway.database.transaction() as tx:
        payer = await payers.by_id(tx, application.id, payer_id)
        if payer is None:
            raise NotFound("customer", str(payer_id))
        wanted = payer._replace(**changes)  # type: ignore[arg-type]
        if wanted == payer:
            return payer
        keys = _keys(
            application,
            wanted.email if wanted.email != payer.email else None,
            wanted.phone if wanted.phone != payer.phone else None,
        )
        _, phone_key = _keys(application, None, wanted.phone)
        try:
            async with savepoint(tx):
                changed = await payers.update(tx, wanted, keys, phone_key, now)
        except asyncpg.UniqueViolationError:  # others are found by it
            changed = await payers.update(tx, wanted, (None, None), phone_key, now)
        if changed is None:
            raise NotFound("customer", str(payer_id))
        await _tell(tx, changed, event, now)
    return changed


async def read_payer(gateway: Gateway, application: Application, payer_id: UUID) -> Payer:
    """The application's payer; raises ``NotFound``."""
    async with gateway.database.connection() as connection:
        payer = await payers.by_id(connection, application.id, payer_id)
    if payer is None:
        raise NotFound("customer", str(payer_id))
    return payer


async def list_payers(
    gateway: Gateway,
    application: Application,
    search: str | None,
    page: Page,
    created: tuple[datetime | None, datetime | None] = (None, None),
) -> Listing[Payer]:
    """One page of the application's payers, newest first; ``created`` from, and before.

    ``search`` finds whole words of names, and whole e-mails, phones and tax numbers.
    """
    sought = None
    if search is not None:
        sought = PayerSearch(search, normalise_phone(search, application.payee.country))
    async with gateway.database.connection() as connection:
        rows, total = await payers.list_page(connection, application.id, sought, page, created)
    return Listing(list(rows), total)


async def payer_methods(
    gateway: Gateway, application: Application, payer_id: UUID
) -> list[UsedMethod]:
    """The handsets that a payer has paid by; raises ``NotFound``."""
    await read_payer(gateway, application, payer_id)
    async with gateway.database.connection() as connection:
        return await payers.methods(connection, application.id, payer_id)


def _keys(
    application: Application, email: str | None, phone: str | None
) -> tuple[str | None, str | None]:
    """By what a payer is found: a number is the same however it is written."""
    number = normalise_phone(phone, application.payee.country) or phone if phone else None
    return (email_key(email) if email else None, number)


async def _tell(tx: Connection, payer: Payer, type_: str, now: datetime) -> None:
    status = "deleted" if payer.deleted_at else "blocked" if payer.blocked else "active"
    event = Event(
        id=new_id(now),
        application_id=payer.application_id,
        type=type_,
        subject_type="customer",
        subject_id=payer.id,
        version=payer.version,
        status=status,
        previous_status=None,
        reason=None,
        late=False,
        occurred_at=now,
    )
    await attempts.tell(tx, [event], [])
