"""uvicorn as a part of a process, not as its master: started and stopped when we say so."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator
from functools import partial

import uvicorn

from guichet.server.connections import Connections, EdgeLimits
from guichet.server.errors import CannotServe
from guichet.server.protocol import EdgeProtocol, Gate, TlsProtocol
from guichet.settings import Settings
from guichet.web.asgi import Asgi
from guichet.web.proxies import TrustedProxies

_BACKLOG = 2048
_FINISH_SECONDS = 10


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, watch: Connections) -> None:
        super().__init__(config)
        self._watch = watch

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second."""
        self._watch.expire(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # signals are the supervisor's


class HttpServer:
    """Serves an application on a bound socket; over TLS if a context is given.

    The limits are those of ``settings`` (None: the defaults); ``gate`` is asked before the
    application.
    """

    def __init__(
        self,
        site: Asgi,
        listener: socket.socket,
        tls: ssl.SSLContext | None = None,
        *,
        settings: Settings | None = None,
        gate: Gate | None = None,
    ) -> None:
        self._listener = listener
        settings = settings or Settings()
        proxies = TrustedProxies(settings.trusted_proxies)
        watch = Connections(EdgeLimits.of(settings), proxies)
        protocol = partial(TlsProtocol if tls else EdgeProtocol, watch=watch, gate=gate)
        config = uvicorn.Config(
            site,
            http=protocol,  # type: ignore[arg-type] # uvicorn calls it like the class
            ssl_context_factory=(lambda _config, _default: tls) if tls else None,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,  # our addresses carry tokens
            server_header=False,
            proxy_headers=False,  # web.proxies reads them, from proxies that are trusted
            backlog=_BACKLOG,
            timeout_graceful_shutdown=_FINISH_SECONDS,
        )
        self._server = _Server(config, watch)
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
