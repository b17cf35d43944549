"""Webhook endpoints: kept by merchants, judged by what they take."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from guichet.domain import events
from guichet.domain.access import Application
from guichet.domain.deliveries import Result
from guichet.domain.endpoints import ROTATION_OVERLAP, Endpoint
from guichet.domain.errors import NotFound
from guichet.domain.events import Event
from guichet.domain.ids import new_id
from guichet.domain.paging import Listing, Page
from guichet.gateway import Gateway
from guichet.store import attempts
from guichet.store import endpoints as store
from guichet.store.database import Connection
from guichet.vault import Vault

_SECRET_BYTES = 32
_SECRET_WORD = "whsec_"  # noqa: S105 - the form's prefix, no secret


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """An endpoint as a merchant asks for it, checked by the dialect's rules."""

    url: str
    events: Sequence[str]
    event_types: Sequence[str]
    description: str | None = None
    active: bool = True
    profile: str = "all"


class MadeEndpoint(NamedTuple):
    """A new endpoint, and its secret (``whsec_…``), which is shown this once."""

    endpoint: Endpoint
    secret: str


async def create_endpoint(
    gateway: Gateway, application: Application, new: NewEndpoint
) -> MadeEndpoint:
    """Add an endpoint with a secret of its own."""
    now = gateway.clock.now()
    secret = _new_secret()
    endpoint = Endpoint(
        id=new_id(now),
        application_id=application.id,
        url=new.url,
        description=new.description,
        events=tuple(new.events),
        event_types=tuple(new.event_types),
        active=new.active,
        profile=new.profile,
        secret=_sealed(gateway.vault, secret),
        former_secret=None,
        former_secret_until=None,
        failing_since=None,
        disabled_at=None,
        created_at=now,
        updated_at=now,
        deleted_at=None,
        version=1,
    )
    async with gateway.database.transaction() as tx:
        await store.insert(tx, endpoint)
    return MadeEndpoint(endpoint, secret)


async def read_endpoint(gateway: Gateway, application: Application, endpoint_id: UUID) -> Endpoint:
    """The application's endpoint; raises ``NotFound``."""
    async with gateway.database.connection() as connection:
        return _there(await store.by_id(connection, application.id, endpoint_id), endpoint_id)


async def list_endpoints(
    gateway: Gateway, application: Application, page: Page
) -> Listing[Endpoint]:
    """One page of the application's endpoints, newest first."""
    async with gateway.database.connection() as connection:
        rows, total = await store.list_page(connection, application.id, page)
    return Listing(list(rows), total)


async def change_endpoint(
    gateway: Gateway, application: Application, endpoint_id: UUID, **changes: object
) -> Endpoint:
    """Change an endpoint's fields (``Endpoint``'s); raises ``NotFound``.

    Switching it on forgets what it failed at. What is on its way follows a new address.
    """
    now = gateway.clock.now()
    async with gateway.database.transaction() as tx:
        endpoint = _there(await store.lock(tx, application.id, endpoint_id), endpoint_id)
        wanted = endpoint._replace(**changes)  # type: ignore[arg-type]
        if wanted.active and not endpoint.active:
            wanted = wanted._replace(failing_since=None, disabled_at=None)
        if wanted == endpoint:
            return endpoint
        wanted = wanted._replace(updated_at=now, version=endpoint.version + 1)
        await store.update(tx, wanted)
    return wanted


async def delete_endpoint(gateway: Gateway, application: Application, endpoint_id: UUID) -> None:
    """Take an endpoint off the list; what waits for it is dropped. Raises ``NotFound``."""
    await change_endpoint(
        gateway, application, endpoint_id, active=False, deleted_at=gateway.clock.now()
    )


async def rotate_secret(
    connection: Connection,
    vault: Vault,
    endpoint_id: UUID,
    now: datetime,
    overlap: timedelta = ROTATION_OVERLAP,
) -> str:
    """Give an endpoint a new secret, answered once; raises ``NotFound``.

    For ``overlap`` each delivery carries a signature by the old secret beside that by the new one.
    """
    secret = _new_secret()
    async with connection.transaction():
        found = _there(await store.any_by_id(connection, endpoint_id), endpoint_id)
        endpoint = _there(
            await store.lock(connection, found.application_id, endpoint_id), endpoint_id
        )
        await store.update(
            connection,
            endpoint._replace(
                secret=_sealed(vault, secret),
                former_secret=endpoint.secret,
                former_secret_until=now + overlap,
                updated_at=now,
                version=endpoint.version + 1,
            ),
        )
    return secret


async def note_result(tx: Connection, endpoint_id: UUID, result: Result, now: datetime) -> None:
    """Move an endpoint's health after a try and tell the application's other endpoints.

    The first failure after a success makes it ``failing``, a success ``recovered``; 410, or
    failure alone for ``FAILING_LIMIT``, ``disabled``.
    """
    if result is Result.TAKEN:
        await _tell(tx, await store.note_success(tx, endpoint_id), events.ENDPOINT_RECOVERED, now)
        return
    is_gone = result is Result.GONE
    disabled = await store.disable(tx, endpoint_id, now, is_gone=is_gone)
    if disabled is not None:
        await _tell(tx, disabled, events.ENDPOINT_DISABLED, now)
        return
    failing = await store.note_failure(tx, endpoint_id, now)
    await _tell(tx, failing, events.ENDPOINT_FAILING, now)


async def _tell(tx: Connection, endpoint: Endpoint | None, type_: str, now: datetime) -> None:
    if endpoint is None:
        return
    event = Event(
        id=new_id(now),
        application_id=endpoint.application_id,
        type=type_,
        subject_type="endpoint",
        subject_id=endpoint.id,
        version=endpoint.version,
        status=endpoint.health,
        previous_status=None,
        reason=None,
        late=False,
        occurred_at=now,
    )
    await attempts.tell(tx, [event], [])


def _there(endpoint: Endpoint | None, endpoint_id: UUID) -> Endpoint:
    if endpoint is None:
        raise NotFound("endpoint", str(endpoint_id))
    return endpoint


def _new_secret() -> str:
    return _SECRET_WORD + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def _sealed(vault: Vault, secret: str) -> bytes:
    return vault.seal(base64.b64decode(secret.removeprefix(_SECRET_WORD)))
