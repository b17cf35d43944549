"""Builds a gateway: the only place where concrete parts meet."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from guichet import logs
from guichet.dialects.neopay import webhooks as neopay_face
from guichet.dialects.notchpay import webhooks as notchpay_face
from guichet.domain.clock import AnchoredClock, Clock
from guichet.domain.orders import ProviderAccount
from guichet.gateway import Gateway
from guichet.outbound.circuits import Circuits
from guichet.outbound.client import GuardedClient
from guichet.rails.accounts import InvalidAccount
from guichet.rails.gsma.account import parse_account as parse_gsma_account
from guichet.rails.gsma.rail import GsmaRail
from guichet.rails.mtn.account import parse_account as parse_mtn_account
from guichet.rails.mtn.rail import MtnRail
from guichet.rails.notchpay.account import parse_account as parse_notchpay_account
from guichet.rails.notchpay.rail import NotchpayRail
from guichet.rails.pix.account import PixAccount, parse_account
from guichet.rails.pix.rail import PixRail
from guichet.rails.port import Rail
from guichet.rails.registry import Registry
from guichet.rails.yapily.rail import YapilyRail
from guichet.services.access import AccessTable
from guichet.services.institutions import InstitutionTable
from guichet.services.limits import CallerLimits
from guichet.services.notices import notice_url
from guichet.services.payments import PaymentDesk
from guichet.services.settlement import Recorder
from guichet.services.timekeeping import Timekeeper
from guichet.settings import Settings
from guichet.store.database import Database
from guichet.store.seals import open_people
from guichet.vault import Vault

#: Where the simulators are mounted below the server's own address.
SIMULATORS_PATH = "/simulators"
OPEN_BANKING = "open_banking"
PIX = "pix"
MTN = "mtn"
GSMA = "gsma"
NOTCHPAY = "notchpay"


def build_rails(
    settings: Settings, http: GuardedClient, vault: Vault, clock: Clock | None = None
) -> Registry:
    """The connectors that the settings allow; sandbox defaults to this server's own simulator.

    Raises ``ValueError`` for an account that cannot be used.
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
        (MTN, "sandbox"): mtn_rail(settings, http, vault, "sandbox", clock),
        (MTN, "live"): mtn_rail(settings, http, vault, "live", clock),
        (GSMA, "sandbox"): gsma_rail(settings, http, vault, "sandbox", clock),
        (GSMA, "live"): gsma_rail(settings, http, vault, "live", clock),
        (NOTCHPAY, "sandbox"): notchpay_rail(settings, http, "sandbox", clock),
        (NOTCHPAY, "live"): notchpay_rail(settings, http, "live", clock),
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


def mtn_rail(
    settings: Settings,
    http: GuardedClient,
    vault: Vault,
    environment: str,
    clock: Clock | None = None,
) -> MtnRail:
    """The connector to MTN in one environment; raises ``ValueError`` for sandbox settings that
    make no account.
    """
    key, user, secret = (
        settings.mtn_sandbox_subscription_key,
        settings.mtn_sandbox_api_user,
        settings.mtn_sandbox_api_key,
    )
    try:
        account = parse_mtn_account(
            {
                "base_url": settings.mtn_sandbox_url or f"{_operators_url(settings)}/mtn",
                "target_environment": settings.mtn_sandbox_environment,
                "collection_subscription_key": key,
                "collection_api_user": user,
                "collection_api_key": secret,
                "disbursement_subscription_key": key,
                "disbursement_api_user": user,
                "disbursement_api_key": secret,
            },
            "sandbox",
        )
    except InvalidAccount as error:
        raise ValueError(f"GUICHET_MTN_SANDBOX_…: {error}") from error
    return MtnRail(
        http,
        environment,
        settings.provider_timeout_seconds,
        _callbacks(settings, vault, MTN, environment),
        account if environment == "sandbox" else None,
        clock,
    )


def gsma_rail(
    settings: Settings,
    http: GuardedClient,
    vault: Vault,
    environment: str,
    clock: Clock | None = None,
) -> GsmaRail:
    """The connector to operators that speak GSMA's API; errors as ``mtn_rail``."""
    try:
        account = parse_gsma_account(
            {
                "base_url": settings.gsma_sandbox_url
                or f"{_operators_url(settings)}/gsma/cm.orange",
                "client_id": settings.gsma_sandbox_client_id,
                "client_secret": settings.gsma_sandbox_client_secret,
                "api_key": settings.gsma_sandbox_api_key,
                "currency": settings.gsma_sandbox_currency,
            },
            "sandbox",
        )
    except InvalidAccount as error:
        raise ValueError(f"GUICHET_GSMA_SANDBOX_…: {error}") from error
    return GsmaRail(
        http,
        environment,
        settings.provider_timeout_seconds,
        _callbacks(settings, vault, GSMA, environment),
        account if environment == "sandbox" else None,
        clock,
    )


def notchpay_rail(
    settings: Settings, http: GuardedClient, environment: str, clock: Clock | None = None
) -> NotchpayRail:
    """The connector to Notch Pay in one environment; errors as ``mtn_rail``."""
    simulator_url = f"{settings.base_url}{SIMULATORS_PATH}/notchpay"
    try:
        account = parse_notchpay_account(
            {
                "base_url": settings.notchpay_sandbox_url or simulator_url,
                "public_key": settings.notchpay_sandbox_public_key,
                "private_key": settings.notchpay_sandbox_private_key,
                "hash_key": settings.notchpay_sandbox_hash_key,
            },
            "sandbox",
        )
    except InvalidAccount as error:
        raise ValueError(f"GUICHET_NOTCHPAY_SANDBOX_…: {error}") from error
    return NotchpayRail(
        http,
        environment,
        settings.provider_timeout_seconds,
        account if environment == "sandbox" else None,
        clock,
    )


def _operators_url(settings: Settings) -> str:
    return f"{settings.base_url}{SIMULATORS_PATH}/operator"


def _callbacks(
    settings: Settings, vault: Vault, rail: str, environment: str
) -> Callable[[ProviderAccount | None], str]:
    """Where an operator calls back about the orders of an account."""

    def url(account: ProviderAccount | None) -> str:
        account_id = account.id if account else None
        return notice_url(settings.notices_base_url, vault, rail, environment, account_id)

    return url


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

    Without a ``clock`` it goes by the database's.

    ``database_url`` connects as the serving role. Raises ``DatabaseUnavailable``, and
    ``ValueError`` for unusable secret keys, also those that did not seal this database.
    """
    logs.hide(*settings.secrets, *secret_keys.split(","), urlsplit(database_url).password or "")
    # A clock that is moved, moves circuits, too; durations are nobody else's to move.
    moved = clock
    seconds = (lambda: moved.now().timestamp()) if moved else time.monotonic
    http = GuardedClient(circuits=Circuits(settings.provider_failures_max, seconds))
    database = Database(database_url, settings.database_connections)
    anchored = AnchoredClock()
    timekeeper = Timekeeper(database, anchored) if clock is None else None
    clock = clock or anchored
    vault = Vault([key.strip() for key in secret_keys.split(",") if key.strip()])
    gateway = Gateway(
        settings=settings,
        clock=clock,
        database=database,
        vault=vault,
        http=http,
        rails=build_rails(settings, http, vault, clock),
        access=AccessTable(database),
        institutions=InstitutionTable(database),
        limits=CallerLimits(settings),
        faces={"neopay": neopay_face, "notchpay": notchpay_face},
    )
    database.people = await open_people(database, vault)
    gateway.timekeeper = timekeeper
    if timekeeper is not None:
        await timekeeper.start()
    gateway.desk = PaymentDesk(gateway)
    gateway.recorder = Recorder(gateway)
    await gateway.access.start()
    await gateway.institutions.start()
    return gateway


async def close_gateway(gateway: Gateway) -> None:
    """Finish what is under way, then let go of everything."""
    await gateway.desk.drain()
    await gateway.recorder.drain()
    if gateway.timekeeper is not None:
        await gateway.timekeeper.stop()
    await gateway.access.stop()
    await gateway.institutions.stop()
    await gateway.http.aclose()
    await gateway.database.close()
