"""Who is calling: applications and keys, held in each process and renewed when they change."""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import lru_cache
from uuid import UUID

from guichet.domain.access import Application, Caller, Environment, KeyRole
from guichet.domain.errors import Forbidden, Halted, Unauthenticated, Unavailable
from guichet.domain.fees import FeeRule
from guichet.domain.orders import Payee
from guichet.gateway import Gateway
from guichet.store import access as store
from guichet.store.access import Snapshot
from guichet.store.database import Database
from guichet.store.scope import acting_for

#: A revoked key is refused within a second: notices come at once, and each process also asks.
_ASK_SECONDS = 0.5
#: Keys older than this are not trusted: the database could not be asked whether they still hold.
_TRUST_SECONDS = 30.0


class AccessTable:
    """Applications, keys, payees and tariffs as of at most a second ago."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._snapshot = Snapshot(0, {}, {}, {}, {}, {}, {}, {})
        self._asked_at = float("-inf")
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read everything, then keep it fresh until ``stop``."""
        await self.refresh()
        self._task = asyncio.create_task(self._keep_fresh())

    async def stop(self) -> None:
        """Stop keeping it fresh."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def refresh(self) -> None:
        """Read everything again if anything changed."""
        started = asyncio.get_running_loop().time()
        async with self._database.bare_connection() as connection:
            if await store.version(connection) != self._snapshot.version:
                snapshot = await store.read(connection)
                # Of two that read at once, the one that began first may end last.
                if snapshot.version > self._snapshot.version:
                    self._snapshot = snapshot
        self._asked_at = started

    def key(self, token: str) -> tuple[UUID, KeyRole] | None:
        """The application and role of an API key."""
        if asyncio.get_running_loop().time() - self._asked_at > _TRUST_SECONDS:
            raise Unavailable
        return self._snapshot.keys.get(hashlib.sha256(token.encode()).digest())

    def application(self, application_id: UUID) -> Application | None:
        """An application that is not archived."""
        return self._snapshot.applications.get(application_id)

    @property
    def halted_because(self) -> str:
        """Why no new money may move; empty: it may."""
        return self._snapshot.halted_because

    def refuse_when_halted(self) -> None:
        """Raise ``Halted`` while no new money may move."""
        if self._snapshot.halted_because:
            raise Halted

    def has_live_applications(self) -> bool:
        """Whether real money can be moved for anybody."""
        return any(
            each.environment is Environment.LIVE for each in self._snapshot.applications.values()
        )

    def application_ids(self) -> Sequence[UUID]:
        """Every application, the archived ones too: for an operator, who acts for all."""
        return self._snapshot.application_ids

    def has_live(self) -> bool:
        """Whether any application is live."""
        applications = self._snapshot.applications.values()
        return any(each.environment is Environment.LIVE for each in applications)

    def payee(self, payee_id: UUID) -> Payee:
        """A payee by id; they never change."""
        return self._snapshot.payees[payee_id]

    def fee_rule(self, fee_rule_id: UUID | None) -> FeeRule | None:
        """A tariff by id; they never change."""
        return self._snapshot.fee_rules[fee_rule_id] if fee_rule_id else None

    def settlement_delay(self, application_id: UUID) -> timedelta:
        """How long the application's completed money stays pending."""
        application = self._snapshot.applications.get(application_id)
        return timedelta(hours=application.settlement_delay_hours if application else 0)

    def webhook_secret(self, application_id: UUID) -> bytes | None:
        """The application's webhook secret, sealed."""
        return self._snapshot.webhook_secrets.get(application_id)

    def account_id(self, application_id: UUID, rail: str) -> UUID | None:
        """The application's account in use at the rail's provider, if it has one of its own."""
        return self._snapshot.account_ids.get((application_id, rail))

    def accounts(self, rail: str) -> list[tuple[Application, UUID]]:
        """Every account in use at the rail's provider, with its application."""
        return [
            (self._snapshot.applications[application_id], account_id)
            for (application_id, name), account_id in self._snapshot.account_ids.items()
            if name == rail and application_id in self._snapshot.applications
        ]

    def account_settings(self, account_id: UUID) -> bytes:
        """An account's settings, sealed; they never change. Raises ``KeyError``."""
        return self._snapshot.accounts[account_id]

    async def _keep_fresh(self) -> None:
        while True:
            try:
                listening = self._database.listening(store.CHANNEL, lambda _: self._changed.set())
                async with listening as lost:
                    while not lost.is_set():
                        await self.refresh()
                        await self._change()
            except Unavailable:
                await self._change()

    async def _change(self) -> None:
        """Wait for a notice of a change, or until it is time to ask."""
        try:
            async with asyncio.timeout(_ASK_SECONDS):
                await self._changed.wait()
        except TimeoutError:
            pass
        self._changed.clear()


@asynccontextmanager
async def acting_for_owner(gateway: Gateway, kind: str, row_id: UUID) -> AsyncIterator[None]:
    """Act for the application whose this ``payment`` or ``attempt`` is, if there is one.

    For those who were given the id by something they trust: a page's token, the inbox.
    """
    async with gateway.database.bare_connection() as connection:
        owner = await store.application_of(connection, kind, row_id)
    with acting_for(*([owner] if owner else [])):
        yield


@asynccontextmanager
async def acting_for_link(gateway: Gateway, slug: str) -> AsyncIterator[None]:
    """Act for the application whose link has this slug, if there is one: payers come by it."""
    async with gateway.database.bare_connection() as connection:
        owner = await store.application_of_link(connection, slug)
    with acting_for(*([owner] if owner else [])):
        yield


def identify(gateway: Gateway, application_key: str | None, token: str | None) -> Caller:
    """The caller who shows an application's key and a token of it; raises ``Unauthenticated``."""
    found = gateway.access.key(token) if token else None
    if found is None or application_key is None:
        raise Unauthenticated
    application_id, role = found
    application = gateway.access.application(application_id)
    if application is None or str(application_id) != application_key.lower():
        raise Unauthenticated
    return Caller(application, role)


def identify_by_key(gateway: Gateway, key: str, dialect: str) -> Caller:
    """The caller who shows any key of an application of ``dialect``; raises ``Unauthenticated``."""
    found = gateway.access.key(key)
    application = gateway.access.application(found[0]) if found else None
    if found is None or application is None or application.dialect != dialect:
        raise Unauthenticated
    return Caller(application, found[1])


def identify_application(gateway: Gateway, application_key: str | None) -> Caller:
    """The caller who shows an application's key alone; raises ``Unauthenticated``."""
    try:
        application = gateway.access.application(UUID(application_key or ""))
    except ValueError:
        application = None
    if application is None:
        raise Unauthenticated
    return Caller(application, None)


def check_origin(caller: Caller, client_address: str, origin_host: str | None) -> None:
    """Raise ``Forbidden`` where the application restricts addresses or domains and this is none.

    The domain is what the client says it is: a convenience, the address and the key are the guard.
    """
    application = caller.application
    if application.allowed_addresses:
        _check_address(client_address, application.allowed_addresses)
    if application.allowed_domains and not _is_within(origin_host, application.allowed_domains):
        raise Forbidden


def check_transfer_origin(caller: Caller, client_address: str) -> None:
    """Raise ``Forbidden`` where the application sends money from some addresses alone."""
    if caller.application.transfer_addresses:
        _check_address(client_address, caller.application.transfer_addresses)


def _check_address(client_address: str, allowed: tuple[str, ...]) -> None:
    try:
        address = ipaddress.ip_address(client_address)
    except ValueError:
        raise Forbidden from None
    if not any(address in network for network in _networks(allowed)):
        raise Forbidden


def _is_within(host: str | None, domains: tuple[str, ...]) -> bool:
    if host is None:
        return False
    host = host.lower().rstrip(".")
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)


@lru_cache(maxsize=1024)
def _networks(texts: tuple[str, ...]) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)
