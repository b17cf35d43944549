"""Where a process listens: for everybody, and by mutual TLS for providers' notices."""

from __future__ import annotations

import asyncio
import ssl
from socket import socket
from typing import NamedTuple, Self

from guichet.server.errors import CannotServe
from guichet.server.http import HttpServer, bind
from guichet.server.site import NoticesOnly, Site
from guichet.settings import Settings


class Sockets(NamedTuple):
    """Listening sockets; ``notices`` is None where providers come another way."""

    main: socket
    notices: socket | None

    @classmethod
    def bound(cls, settings: Settings) -> Self:
        """The sockets that the settings name; raises ``CannotServe``."""
        main = bind(settings.host, settings.port)
        if not settings.notices_tls_port:
            return cls(main, None)
        try:
            port = settings.notices_tls_port
            return cls(main, bind(settings.host, port, "GUICHET_NOTICES_TLS_PORT"))
        except CannotServe:
            main.close()
            raise

    def close(self) -> None:
        """Let go of them."""
        self.main.close()
        if self.notices is not None:
            self.notices.close()


class Front:
    """Serves a site on its sockets; raises ``CannotServe`` for certificates it cannot use."""

    def __init__(self, site: Site, sockets: Sockets, settings: Settings) -> None:
        self._servers = [HttpServer(site, sockets.main, settings=settings, gate=site.judge)]
        if sockets.notices is not None:
            context = mutual_tls(
                settings.notices_tls_certificate,
                settings.notices_tls_key,
                settings.notices_tls_ca,
            )
            self._servers.append(
                HttpServer(NoticesOnly(site), sockets.notices, context, settings=settings)
            )

    def start(self) -> list[asyncio.Task[None]]:
        """Begin to accept; the tasks end when it stops."""
        return [server.start() for server in self._servers]

    async def stop(self) -> None:
        """Accept nothing more, and finish the requests under way."""
        await asyncio.gather(*(server.stop() for server in self._servers))


def mutual_tls(certificate: str, key: str, authorities: str) -> ssl.SSLContext:
    """TLS 1.2 or newer for those clients alone whose certificate is of ``authorities``.

    The arguments are files (PEM). Raises ``CannotServe``.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    try:
        context.load_cert_chain(certificate, key, password="")
        context.load_verify_locations(authorities)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise CannotServe(
            "GUICHET_NOTICES_TLS_CERTIFICATE, _KEY and _CA cannot be used: "
            f"{getattr(error, 'strerror', None) or error}"
        ) from error
    return context
