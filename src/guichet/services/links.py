"""Payment links as their merchants see them: made, changed, published, closed, listed.

Every change locks the link's row alone; whoever pays holds the same row (``link_payments``). That
lock decides who came first.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import asyncpg

from guichet.domain.access import Caller
from guichet.domain.errors import Invalid, NotFound
from guichet.domain.ids import new_id
from guichet.domain.links import LINK, Link, NewLink, is_slug, new_slug
from guichet.domain.paging import Listing, Page
from guichet.gateway import Gateway
from guichet.store import links as store
from guichet.store.links import LinkFilters

__all__ = [
    "LinkFilters",
    "close_link",
    "create_link",
    "delete_link",
    "link_url",
    "list_links",
    "publish_link",
    "read_link",
    "unpublish_link",
    "update_link",
]

_SLUGS_TRIED = 3


def link_url(gateway: Gateway, link: Link) -> str:
    """The address of the link's page."""
    return f"{gateway.settings.base_url}/links/{link.slug}"


async def create_link(gateway: Gateway, caller: Caller, new: NewLink) -> Link:
    """Make a link, a draft, for the caller's application."""
    now = gateway.clock.now()
    link = Link(
        id=new_id(now),
        application_id=caller.application.id,
        environment=caller.application.environment.value,
        slug=new_slug(),
        status=LINK.start,
        enabled=new.enabled,
        product=new.product,
        description=new.description,
        reference=new.reference,
        amount_minor=new.amount_minor,
        currency=new.currency,
        rails=new.rails,
        customer_data=new.customer_data,
        shows_payee=new.shows_payee,
        expires_at=new.expires_at,
        payments_limit=new.payments_limit,
        success_url=new.success_url,
        error_url=new.error_url,
        notify_url=new.notify_url,
        settings=new.settings,
        created_at=now,
        updated_at=now,
        deleted_at=None,
        version=1,
    )
    for _ in range(_SLUGS_TRIED - 1):
        try:
            return await _insert(gateway, link)
        except asyncpg.UniqueViolationError:
            link = link._replace(slug=new_slug())
    return await _insert(gateway, link)


async def _insert(gateway: Gateway, link: Link) -> Link:
    async with gateway.database.connection() as connection:
        await store.insert(connection, link)
    return link


async def read_link(gateway: Gateway, caller: Caller, key: UUID | str) -> Link:
    """The application's link with this id or slug; raises ``NotFound``."""
    link = None
    async with gateway.database.connection() as connection:
        if isinstance(key, UUID):
            link = await store.by_id(connection, key)
        elif is_slug(key):
            link = await store.by_slug(connection, key)
    return _of_caller(caller, link, key)


async def list_links(
    gateway: Gateway, caller: Caller, filters: LinkFilters, page: Page
) -> Listing[Link]:
    """One page of the application's links, newest first, without the deleted ones."""
    async with gateway.database.connection() as connection:
        links, total = await store.read_page(connection, caller.application.id, filters, page)
    return Listing(links, total)


async def update_link(
    gateway: Gateway, caller: Caller, key: UUID | str, change: Callable[[Link], Link]
) -> Link:
    """Change the link to what ``change`` makes of it, as it is under the lock.

    Raises ``NotFound``, ``Invalid`` (``status``: it is closed), and what ``change`` raises.
    """

    def changed(link: Link) -> Link:
        _refuse_closed(link)
        return change(link)

    return await _change(gateway, caller, key, changed)


async def publish_link(gateway: Gateway, caller: Caller, key: UUID | str) -> Link:
    """Offer the link to payers; as it is if it is offered already.

    Raises ``NotFound`` and ``Invalid`` (``status``: it is closed).
    """
    return await _move(gateway, caller, key, "published")


async def unpublish_link(gateway: Gateway, caller: Caller, key: UUID | str) -> Link:
    """Make the link a draft again; errors as ``publish_link``."""
    return await _move(gateway, caller, key, "draft")


async def close_link(gateway: Gateway, caller: Caller, key: UUID | str) -> Link:
    """End the link for good; as it is if it was ended before. Raises ``NotFound``."""
    return await _move(gateway, caller, key, "closed")


async def delete_link(gateway: Gateway, caller: Caller, key: UUID | str) -> Link:
    """Take the link out of sight; its payments stay. Raises ``NotFound``."""
    now = gateway.clock.now()
    return await _change(gateway, caller, key, lambda link: link._replace(deleted_at=now))


async def _move(gateway: Gateway, caller: Caller, key: UUID | str, status: str) -> Link:
    def moved(link: Link) -> Link:
        if link.status == status:
            return link
        _refuse_closed(link)
        LINK.check(link.status, status)
        return link._replace(status=status)

    return await _change(gateway, caller, key, moved)


async def _change(
    gateway: Gateway, caller: Caller, key: UUID | str, change: Callable[[Link], Link]
) -> Link:
    known = await read_link(gateway, caller, key)
    async with gateway.database.transaction() as tx:
        before = _of_caller(caller, await store.lock(tx, known.id), key)
        after = change(before)
        if after == before:
            return before
        after = after._replace(updated_at=gateway.clock.now(), version=before.version + 1)
        await store.update(tx, after)
    return after


def _of_caller(caller: Caller, link: Link | None, key: UUID | str) -> Link:
    if link is None or link.deleted_at or link.application_id != caller.application.id:
        raise NotFound("link", str(key))
    return link


def _refuse_closed(link: Link) -> None:
    if link.status == "closed":
        raise Invalid("status", "closed")
