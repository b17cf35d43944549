"""The simulated providers of this machine: below the site, and with an API on a port of its own."""

from __future__ import annotations

import asyncio
import logging
import ssl
from dataclasses import replace
from socket import socket

from cryptography import x509

from guichet.bootstrap import NOTCHPAY, PIX, SIMULATORS_PATH
from guichet.gateway import Gateway
from guichet.rails.mobile_orders import Denied as OrderDenied
from guichet.rails.notchpay.rail import NotchpayRail
from guichet.rails.pix.api import Denied
from guichet.rails.pix.rail import PixRail
from guichet.rails.port import RailUnavailable
from guichet.server.errors import CannotServe
from guichet.server.front import mutual_tls
from guichet.server.http import HttpServer, bind
from guichet.server.site import NoticesOnly, Site
from guichet.services.notices import notice_url
from guichet.settings import Settings
from guichet.simulators.common.posting import post_with
from guichet.simulators.notchpay.app import Credentials
from guichet.simulators.notchpay.app import build_app as build_notchpay
from guichet.simulators.operator.app import build_app as build_operators
from guichet.simulators.pix import app as pix
from guichet.simulators.pix.certificates import Certificates, make_certificates
from guichet.simulators.yapily.app import build_app as build_yapily
from guichet.web.asgi import Asgi

_log = logging.getLogger(__name__)

#: Simulated PSPs are for this machine alone, whatever the server listens on.
_HOST = "127.0.0.1"
_CITY = "SAO PAULO"


class Simulation:
    """The simulators of one process, their state in its memory.

    ``settings`` are those given, with the sandbox's PIX account at the simulator unless another
    PSP is set. ``mounts`` belong below the site. Raises ``CannotServe``.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        path, operators = f"{SIMULATORS_PATH}/yapily", f"{SIMULATORS_PATH}/operator"
        self.mounts: dict[str, Asgi] = {
            path: build_yapily(
                f"{settings.base_url}{path}",
                settings.yapily_sandbox_id,
                settings.yapily_sandbox_secret,
            ),
            operators: build_operators(f"{settings.base_url}{operators}"),
        }
        if not settings.notchpay_sandbox_url:
            path = f"{SIMULATORS_PATH}/notchpay"
            self.mounts[path] = build_notchpay(
                f"{settings.base_url}{path}", _notchpay_keys(settings)
            )
        self._servers: list[HttpServer] = []
        self._notices: socket | None = None
        if not settings.pix_sandbox_url:
            self._add_pix()

    def start(self, site: Site) -> list[asyncio.Task[None]]:
        """Serve the providers' APIs, and ``site``'s notices to them."""
        if self._notices is not None:
            certificates = _certificates(self.settings)
            context = _server_context(certificates)
            self._servers.append(HttpServer(NoticesOnly(site), self._notices, context))
        return [server.start() for server in self._servers]

    async def stop(self) -> None:
        """Stop what ``start`` started."""
        await asyncio.gather(*(server.stop() for server in self._servers))

    async def connect(self, gateway: Gateway) -> None:
        """Tell the simulated providers where our notices are taken, as one tells real ones."""
        await self._connect_notchpay(gateway)
        if self._notices is None:
            return
        rail = gateway.rails.get(PIX, "sandbox")
        assert isinstance(rail, PixRail)
        base_url = f"https://{_HOST}:{_port(self._notices)}"
        url = notice_url(base_url, gateway.vault, PIX, "sandbox", None)
        try:
            await rail.register_webhook(None, url)
        except (Denied, RailUnavailable) as error:
            _log.warning("the PIX simulator took no webhook: %s", error)

    async def _connect_notchpay(self, gateway: Gateway) -> None:
        if self.settings.notchpay_sandbox_url:
            return
        rail = gateway.rails.get(NOTCHPAY, "sandbox")
        assert isinstance(rail, NotchpayRail)
        base_url = self.settings.notices_base_url
        url = notice_url(base_url, gateway.vault, NOTCHPAY, "sandbox", None)
        try:
            await rail.register_webhook(None, url)
        except (OrderDenied, RailUnavailable) as error:
            _log.warning("the Notch Pay simulator took no webhook: %s", error)

    def _add_pix(self) -> None:
        certificates = _certificates(self.settings)
        api = bind(_HOST, self.settings.pix_simulator_port, "GUICHET_PIX_SIMULATOR_PORT")
        path = f"{SIMULATORS_PATH}/pix"
        try:
            simulator = pix.build_simulator(
                f"https://{_HOST}:{_port(api)}",
                f"{self.settings.base_url}{path}",
                http_post=post_with(certificates.psp_context()),
            )
        except ValueError as error:
            raise CannotServe(f"the PIX simulator cannot be served: {error}") from error
        self.mounts[path] = simulator.site
        self._servers.append(HttpServer(simulator.api, api, _server_context(certificates)))
        self._notices = bind(_HOST, 0)
        self.settings = _with_account(
            self.settings, certificates, simulator.api_url, simulator.token_url
        )


def _notchpay_keys(settings: Settings) -> Credentials:
    return Credentials(
        settings.notchpay_sandbox_public_key,
        settings.notchpay_sandbox_private_key,
        settings.notchpay_sandbox_hash_key,
    )


def find_simulation(settings: Settings) -> Settings:
    """The settings with the PIX account at another process's simulator, if they name its port."""
    if settings.pix_sandbox_url or not settings.pix_simulator_port:
        return settings
    base_url = f"https://{_HOST}:{settings.pix_simulator_port}"
    return _with_account(
        settings, _certificates(settings), f"{base_url}/v2", f"{base_url}/oauth/token"
    )


def _certificates(settings: Settings) -> Certificates:
    folder = settings.data_dir / "pix-simulator"
    try:
        return make_certificates(folder)
    except OSError as error:
        raise CannotServe(f"{folder} cannot be written: {error.strerror}") from error


def _with_account(
    settings: Settings, certificates: Certificates, api_url: str, token_url: str
) -> Settings:
    psp = x509.load_pem_x509_certificate(certificates.psp.certificate.read_bytes())
    return replace(
        settings,
        pix_sandbox_url=api_url,
        pix_sandbox_token_url=token_url,
        pix_sandbox_client_id=pix.CLIENT_ID,
        pix_sandbox_client_secret=pix.CLIENT_SECRET,
        pix_sandbox_certificate=str(certificates.gateway.certificate),
        pix_sandbox_private_key=str(certificates.gateway.key),
        pix_sandbox_ca=str(certificates.authority),
        pix_sandbox_pix_key=pix.KEY,
        pix_sandbox_city=_CITY,
        pix_sandbox_webhook_subject=psp.subject.rfc4514_string(),
    )


def _server_context(certificates: Certificates) -> ssl.SSLContext:
    server = certificates.server
    return mutual_tls(str(server.certificate), str(server.key), str(certificates.authority))


def _port(listener: socket) -> int:
    port: int = listener.getsockname()[1]
    return port
