"""uvicorn as a part of a process, not as its master: started and stopped when we say so."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from functools import partial

import uvicorn

from guichet.server.acceptor import Acceptor
from guichet.server.connections import Connections, EdgeLimits
from guichet.server.errors import CannotServe
from guichet.server.protocol import EdgeProtocol, TlsProtocol
from guichet.server.requests import Gate, Load
from guichet.settings import Settings
from guichet.web.asgi import Asgi
from guichet.web.proxies import TrustedProxies

_BACKLOG = 2048
_FINISH_SECONDS = 10


class _Server(uvicorn.Server):
    def __init__(
        self,
        config: uvicorn.Config,
        watch: Connections,
        make_protocol: Callable[..., EdgeProtocol],
        tls: ssl.SSLContext | None,
    ) -> None:
        super().__init__(config)
        self._watch = watch
        self._make_protocol = make_protocol
        self._tls = tls

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept."""
        await self.lifespan.startup()
        self._watch.expire(asyncio.get_running_loop().time())  # its clock starts
        make_protocol = partial(
            self._make_protocol, self.config, self.server_state, self.lifespan.state
        )
        self.servers = [Acceptor(each, make_protocol, self._tls) for each in sockets or ()]  # type: ignore[misc]
        self.started = True

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
        self._load = Load()
        make_protocol = partial(
            TlsProtocol if tls else EdgeProtocol, watch=watch, load=self._load, gate=gate
        )
        config = uvicorn.Config(
            site,
            http=EdgeProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,  # our addresses carry tokens
            server_header=False,
            proxy_headers=False,  # web.proxies reads them, from proxies that are trusted
            backlog=_BACKLOG,
            timeout_graceful_shutdown=_FINISH_SECONDS,
        )
        self._server = _Server(config, watch, make_protocol, tls)
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
            self._load.stop()
            self._load.stop()


def bind(host: str, port: int, setting: str = "GUICHET_PORT") -> socket.socket:
    """A listening socket; raises ``CannotServe``, which names the port's setting."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise CannotServe(
            f"cannot listen on {host}:{port} ({error.strerror}): set GUICHET_HOST or {setting}"
        ) from error
