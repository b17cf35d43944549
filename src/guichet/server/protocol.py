"""uvicorn's HTTP protocol with head and body of an answer in one system call."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class OneWriteProtocol(HttpToolsProtocol):
    """uvicorn writes an answer's head and body one after the other, and each write is a system
    call and a packet: a quarter of all CPU time of a busy server. Here they leave together.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(_Joining(transport, self.loop))  # type: ignore[arg-type]


class _Joining:
    """A transport that keeps a write until the next one, or until the loop's next turn."""

    __slots__ = ("_call_soon", "_kept", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._call_soon = loop.call_soon
        self._kept: bytes | None = None

    def write(self, data: bytes) -> None:
        kept = self._kept
        if kept is None:
            self._kept = data
            self._call_soon(self._flush)
        else:
            self._kept = None
            self._transport.write(kept + data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _flush(self) -> None:
        kept = self._kept
        if kept is not None:
            self._kept = None
            if not self._transport.is_closing():
                self._transport.write(kept)
