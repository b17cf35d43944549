"""uvicorn as a part of a process, not as its master: started and stopped when we say so."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator

import uvicorn

from guichet.server.errors import CannotServe
from guichet.server.protocol import OneWriteProtocol, TlsProtocol
from guichet.web.asgi import Asgi

_BACKLOG = 2048
_FINISH_SECONDS = 10
_KEEP_ALIVE_SECONDS = 30


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # signals are the supervisor's


class HttpServer:
    """Serves an application on a bound socket; over TLS if a context is given."""

    def __init__(
        self, site: Asgi, listener: socket.socket, tls: ssl.SSLContext | None = None
    ) -> None:
        self._listener = listener
        config = uvicorn.Config(
            site,
            http=TlsProtocol if tls else OneWriteProtocol,
            ssl_context_factory=(lambda _config, _default: tls) if tls else None,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,  # our addresses carry tokens
            server_header=False,
            proxy_headers=False,  # web.proxies reads them, from proxies that are trusted
            backlog=_BACKLOG,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_FINISH_SECONDS,
        )
        self._server = _Server(config)
        self.task: asyncio.Task[None] | None = None

    def start(self) -> asyncio.Task[None]:
        """Begin to accept; the task ends when it stops."""
        self.task = asyncio.create_task(self._server.serve(sockets=[self._listener]))
        return self.task

    async def stop(self) -> None:
        """Accept nothing more, and finish the requests under way."""
        if self.task is not None:
            self._server.should_exit = True
            await asyncio.wait([self.task])


def bind(host: str, port: int, setting: str = "GUICHET_PORT") -> socket.socket:
    """A listening socket; raises ``CannotServe``, which names the port's setting."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise CannotServe(
            f"cannot listen on {host}:{port} ({error.strerror}): set GUICHET_HOST or {setting}"
        ) from error
