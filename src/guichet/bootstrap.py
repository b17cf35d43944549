"""Builds a gateway: the only place where concrete parts meet."""

from __future__ import annotations

from guichet.dialects.neopay import webhooks as neopay_face
from guichet.domain.clock import Clock, SystemClock
from guichet.gateway import Gateway
from guichet.outbound.client import GuardedClient
from guichet.rails.port import Rail
from guichet.rails.registry import Registry
from guichet.rails.yapily.rail import YapilyRail
from guichet.services.access import AccessTable
from guichet.services.institutions import InstitutionTable
from guichet.services.payments import PaymentDesk
from guichet.services.settlement import Recorder
from guichet.settings import Settings
from guichet.store.database import Database
from guichet.vault import Vault

#: Where the simulators are mounted below the server's own address.
SIMULATORS_PATH = "/simulators"
OPEN_BANKING = "open_banking"


def build_rails(settings: Settings, http: GuardedClient) -> Registry:
    """The connectors that the settings allow; sandbox defaults to this server's own simulator."""
    sandbox_url = settings.yapily_sandbox_url or f"{settings.base_url}{SIMULATORS_PATH}/yapily"
    rails: dict[tuple[str, str], Rail] = {
        (OPEN_BANKING, "sandbox"): YapilyRail(
            http,
            base_url=sandbox_url,
            application_id=settings.yapily_sandbox_id,
            secret=settings.yapily_sandbox_secret,
            environment="sandbox",
            timeout_seconds=settings.provider_timeout_seconds,
        )
    }
    if settings.yapily_live_id and settings.yapily_live_secret:
        rails[OPEN_BANKING, "live"] = YapilyRail(
            http,
            base_url=settings.yapily_live_url,
            application_id=settings.yapily_live_id,
            secret=settings.yapily_live_secret,
            environment="live",
            timeout_seconds=settings.provider_timeout_seconds,
        )
    return Registry(rails)


async def build_gateway(
    settings: Settings, database_url: str, secret_keys: str, clock: Clock | None = None
) -> Gateway:
    """A gateway on a migrated database, its tables read and kept fresh until ``close_gateway``.

    ``database_url`` connects as the serving role. Raises ``DatabaseUnavailable``, and
    ``ValueError`` for unusable secret keys.
    """
    http = GuardedClient()
    database = Database(database_url, settings.database_connections)
    gateway = Gateway(
        settings=settings,
        clock=clock or SystemClock(),
        database=database,
        vault=Vault([key.strip() for key in secret_keys.split(",") if key.strip()]),
        http=http,
        rails=build_rails(settings, http),
        access=AccessTable(database),
        institutions=InstitutionTable(database),
        faces={"neopay": neopay_face},
    )
    gateway.desk = PaymentDesk(gateway)
    gateway.recorder = Recorder(gateway)
    await gateway.access.start()
    await gateway.institutions.start()
    return gateway


async def close_gateway(gateway: Gateway) -> None:
    """Finish what is under way, then let go of everything."""
    await gateway.desk.drain()
    await gateway.recorder.drain()
    await gateway.access.stop()
    await gateway.institutions.stop()
    await gateway.http.aclose()
    await gateway.database.close()
