"""Customers of the caller's application."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import asyncpg

from guichet.domain.access import Caller
from guichet.domain.customers import Customer
from guichet.domain.errors import Invalid, NotFound
from guichet.domain.ids import new_id
from guichet.domain.paging import Listing, Page
from guichet.gateway import Gateway
from guichet.store import customers as store


async def save_customer(
    gateway: Gateway, caller: Caller, customer_id: UUID | None, fields: Mapping[str, str | None]
) -> Customer:
    """Make the customer, or change the one of this id or else of this e-mail.

    ``fields`` holds ``email`` and what else was sent. Raises ``Invalid`` (``email`` taken).
    """
    now = gateway.clock.now()
    application_id = caller.application.id
    try:
        async with gateway.database.connection() as connection:
            if customer_id is not None:
                known = await store.update(connection, application_id, customer_id, fields, now)
                if known is not None:
                    return known
            return await store.save(connection, application_id, new_id(now), fields, now)
    except asyncpg.UniqueViolationError:
        raise Invalid("email", "taken") from None


async def update_customer(
    gateway: Gateway, caller: Caller, key: UUID | str, fields: Mapping[str, str | None]
) -> Customer:
    """Change the fields sent of the customer with this id or e-mail.

    Raises ``NotFound`` and ``Invalid`` (``email`` taken by another customer).
    """
    customer = await read_customer(gateway, caller, key)
    try:
        async with gateway.database.connection() as connection:
            changed = await store.update(
                connection, caller.application.id, customer.id, fields, gateway.clock.now()
            )
    except asyncpg.UniqueViolationError:
        raise Invalid("email", "taken") from None
    if changed is None:
        raise NotFound("customer", str(key))
    return changed


async def read_customer(gateway: Gateway, caller: Caller, key: UUID | str) -> Customer:
    """The application's customer with this id or e-mail; raises ``NotFound``."""
    async with gateway.database.connection() as connection:
        if isinstance(key, UUID):
            customer = await store.by_id(connection, caller.application.id, key)
        else:
            customer = await store.by_email(connection, caller.application.id, key)
    if customer is None:
        raise NotFound("customer", str(key))
    return customer


async def list_customers(
    gateway: Gateway,
    caller: Caller,
    email: str | None = None,
    name: str | None = None,
    page: Page | None = None,
) -> Listing[Customer]:
    """The application's customers, newest first; all of them without ``page``."""
    async with gateway.database.connection() as connection:
        rows, total = await store.list_page(connection, caller.application.id, email, name, page)
    return Listing(rows, total)
