"""The API on a port of its own, over TLS, for those with a certificate."""

from __future__ import annotations

import contextlib
import ssl

import uvicorn
from starlette.types import ASGIApp

from .certificates import Certificates


class ApiServer(uvicorn.Server):
    """Serves the API until ``should_exit``; leaves signals to the program around it.

    ``serve()`` binds ``host`` and ``port``, or takes sockets. A caller without a certificate of
    the simulator's own authority is refused in the handshake.
    """

    def __init__(
        self, app: ASGIApp, certificates: Certificates, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            ssl_certfile=certificates.server.certificate,
            ssl_keyfile=str(certificates.server.key),
            ssl_ca_certs=str(certificates.authority),
            ssl_cert_reqs=ssl.CERT_REQUIRED,
            lifespan="off",
            log_level="error",
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        super().__init__(config)

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]
        return contextlib.nullcontext()
