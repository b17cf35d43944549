"""Accepts connections: as many in one turn of the loop as have come.

uvloop's own server accepts one per turn. A busy loop turns seldom, and a crowd that came at once
would wait behind itself in the kernel, where no limit of ours sees it.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable

#: Beyond this many in one turn, requests that are under way come first.
_PER_TURN = 256
#: How long to wait when the process may open no more files.
_PAUSE_SECONDS = 1.0
_HANDSHAKE_SECONDS = 5.0

_log = logging.getLogger(__name__)


class Acceptor:
    """Hands the connections of a listening socket to protocols; over TLS if a context is given.

    Has the parts of ``asyncio.Server`` that uvicorn uses.
    """

    def __init__(
        self,
        listener: socket.socket,
        make_protocol: Callable[[], asyncio.Protocol],
        tls: ssl.SSLContext | None,
    ) -> None:
        self._listener = listener
        self._make_protocol = make_protocol
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._resumption: asyncio.TimerHandle | None = None
        listener.setblocking(False)
        self._resume()

    def close(self) -> None:
        """Accept nothing more; the socket is its owner's to close."""
        if self._resumption is not None:
            self._resumption.cancel()
        self._loop.remove_reader(self._listener)

    async def wait_closed(self) -> None:
        """Wait for connections that were just coming."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _resume(self) -> None:
        self._resumption = None
        self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        for _ in range(_PER_TURN):
            try:
                connection, _address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                _log.error("connections cannot be accepted: %s", error.strerror)
                self._loop.remove_reader(self._listener)
                self._resumption = self._loop.call_later(_PAUSE_SECONDS, self._resume)
                return
            task = self._loop.create_task(self._connect(connection))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _connect(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        patience_seconds = _HANDSHAKE_SECONDS if self._tls else None
        try:
            await self._loop.connect_accepted_socket(
                self._make_protocol,
                connection,
                ssl=self._tls,
                ssl_handshake_timeout=patience_seconds,
            )
        except OSError:  # ssl.SSLError is one, too: a client that does not speak TLS, or goes
            connection.close()
