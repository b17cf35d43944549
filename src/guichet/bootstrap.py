"""Builds a gateway: the only place where concrete parts meet."""

from __future__ import annotations

from pathlib import Path

from guichet.dialects.neopay import webhooks as neopay_face
from guichet.domain.clock import Clock, SystemClock
from guichet.gateway import Gateway
from guichet.outbound.client import GuardedClient
from guichet.rails.pix.account import InvalidAccount, PixAccount, parse_account
from guichet.rails.pix.rail import PixRail
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
PIX = "pix"


def build_rails(settings: Settings, http: GuardedClient, clock: Clock | None = None) -> Registry:
    """The connectors that the settings allow; sandbox defaults to this server's own simulator.

    Raises ``ValueError`` for a PIX account that cannot be used.
    """
    sandbox_url = settings.yapily_sandbox_url or f"{settings.base_url}{SIMULATORS_PATH}/yapily"
    rails: dict[tuple[str, str], Rail] = {
        (OPEN_BANKING, "sandbox"): YapilyRail(
            http,
            base_url=sandbox_url,
            application_id=settings.yapily_sandbox_id,
            secret=settings.yapily_sandbox_secret,
            environment="sandbox",
            timeout_seconds=settings.provider_timeout_seconds,
        ),
        (PIX, "sandbox"): pix_rail(settings, http, "sandbox", pix_sandbox_account(settings), clock),
        # Live money goes to accounts of the applications' own.
        (PIX, "live"): pix_rail(settings, http, "live", None, clock),
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


def pix_rail(
    settings: Settings,
    http: GuardedClient,
    environment: str,
    default_account: PixAccount | None,
    clock: Clock | None = None,
) -> PixRail:
    """The connector to PSPs in one environment."""
    return PixRail(http, environment, settings.provider_timeout_seconds, default_account, clock)


def pix_sandbox_account(settings: Settings) -> PixAccount | None:
    """The account of sandbox applications that have none of their own; None: it is not set.

    Raises ``ValueError`` naming what is wrong with it.
    """
    if not settings.pix_sandbox_url:
        return None
    try:
        return parse_account(
            {
                "base_url": settings.pix_sandbox_url,
                "token_url": settings.pix_sandbox_token_url,
                "client_id": settings.pix_sandbox_client_id,
                "client_secret": settings.pix_sandbox_client_secret,
                "pix_key": settings.pix_sandbox_pix_key,
                "city": settings.pix_sandbox_city,
                "certificate": _content(settings.pix_sandbox_certificate),
                "private_key": _content(settings.pix_sandbox_private_key),
                "ca": _content(settings.pix_sandbox_ca),
                "webhook_subject": settings.pix_sandbox_webhook_subject,
            },
            "sandbox",
        )
    except InvalidAccount as error:
        raise ValueError(f"GUICHET_PIX_SANDBOX_…: {error}") from error


def _content(file: str) -> str:
    if not file:
        return ""
    try:
        return Path(file).read_text("utf-8")
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from error


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
        rails=build_rails(settings, http, clock),
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
