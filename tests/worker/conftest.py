from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from conftest import DatabaseUrls
from gateways import SECRET_KEY
from guichet.dialects.neopay import webhooks
from guichet.dialects.notchpay import webhooks as notchpay_face
from guichet.domain.access import Application
from guichet.domain.clock import MovableClock
from guichet.gateway import Gateway
from guichet.outbound.client import GuardedClient
from guichet.rails.registry import Registry
from guichet.services.access import AccessTable
from guichet.services.institutions import InstitutionTable
from guichet.services.limits import CallerLimits
from guichet.services.payments import PaymentDesk
from guichet.services.settlement import Recorder
from guichet.settings import Settings
from guichet.store.database import Database
from guichet.store.seals import open_people
from guichet.vault import Vault
from worker.endpoint_parts import PRIVATE_KEY
from worker.parts import RAIL, SECRET, Receiver, ScriptedRail, receiving

NewApplication = Callable[..., Awaitable[UUID]]


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def rail() -> ScriptedRail:
    return ScriptedRail()


@pytest.fixture
async def gateway(
    database_urls: DatabaseUrls, clock: MovableClock, rail: ScriptedRail
) -> AsyncIterator[Gateway]:
    settings = Settings(webhook_timeout_seconds=5.0)
    database = Database(database_urls.serving_url, 8)
    vault = Vault([SECRET_KEY])
    database.people = await open_people(database, vault)
    made = Gateway(
        settings=settings,
        clock=clock,
        database=database,
        vault=vault,
        http=GuardedClient(),
        rails=Registry({(RAIL, "sandbox"): rail, (RAIL, "live"): ScriptedRail()}),
        access=AccessTable(database),
        institutions=InstitutionTable(database),
        limits=CallerLimits(settings),
        faces={"neopay": webhooks},
    )
    made.desk = PaymentDesk(made)
    made.recorder = Recorder(made)
    await made.institutions.start()
    await made.access.start()
    yield made
    await made.recorder.drain()
    await made.access.stop()
    await made.institutions.stop()
    await made.http.aclose()
    await database.close()


@pytest.fixture
async def new_application(gateway: Gateway, database_urls: DatabaseUrls) -> NewApplication:
    """Makes applications of a merchant, in the sandbox unless told otherwise."""

    async def make(environment: str = "sandbox", settlement_delay_hours: int = 0) -> UUID:
        application_id, merchant_id, payee_id = uuid4(), uuid4(), uuid4()
        now = gateway.clock.now()
        owner = await asyncpg.connect(database_urls.owner_url)
        await owner.execute("INSERT INTO merchants VALUES ($1, 'Shop', 'GB', $2)", merchant_id, now)
        await owner.execute(
            "INSERT INTO payees VALUES ($1, $2, 'Shop', 'GB', 'Bank', '01020312345678', 'ABCDGB2L',"
            " $3)",
            payee_id,
            merchant_id,
            now,
        )
        await owner.execute(
            "INSERT INTO applications (id, merchant_id, name, dialect, environment, payee_id,"
            " currency, settlement_delay_hours, webhook_secret, created_at)"
            " VALUES ($1, $2, 'Shop', 'neopay', $3, $4, 'GBP', $5, $6, $7)",
            application_id,
            merchant_id,
            environment,
            payee_id,
            settlement_delay_hours,
            gateway.vault.seal(SECRET),
            now,
        )
        await owner.execute(
            "INSERT INTO institutions SELECT id + 100, rail, code, name, 'live', countries,"
            " logo_url, icon_url, instant_payments, bulk_payments FROM institutions"
            " WHERE environment = 'sandbox' ON CONFLICT DO NOTHING"
        )
        await owner.close()
        await gateway.access.refresh()
        await gateway.institutions.refresh()
        return application_id

    return make


@pytest.fixture
async def application_id(new_application: NewApplication) -> UUID:
    return await new_application()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A merchant's server that takes everything."""
    async with receiving() as made:
        yield made


@pytest.fixture
async def shop(gateway: Gateway, application_id: UUID, database_urls: DatabaseUrls) -> Application:
    """An application of the Notch Pay dialect whose private key signs."""
    gateway.faces["notchpay"] = notchpay_face
    now, seal = gateway.clock.now(), gateway.vault.seal
    owner = await asyncpg.connect(database_urls.owner_url)
    await owner.execute("UPDATE applications SET dialect = 'notchpay'")
    for key, created_at in (("sk_test.older", now - timedelta(days=1)), (PRIVATE_KEY, now)):
        await owner.execute(
            "INSERT INTO api_keys (digest, application_id, role, prefix, sealed, created_at)"
            " VALUES (sha256($1), $2, 'secret', 'sk_test', $3, $4)",
            key.encode(),
            application_id,
            seal(key.encode()),
            created_at,
        )
    await owner.close()
    await gateway.access.refresh()
    found = gateway.access.application(application_id)
    assert found is not None
    return found


@pytest.fixture
async def other_receiver() -> AsyncIterator[Receiver]:
    async with receiving() as made:
        yield made
