"""A server on a real port, and raw bytes to and from it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from guichet.server.http import HttpServer, bind
from guichet.server.requests import Gate
from guichet.settings import Settings
from guichet.web.asgi import Asgi


class Wire:
    """One connection, spoken to in bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        """Write; whether the server still takes it is for ``rest`` to show."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except ConnectionError:
            pass

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """The next answer: status, headers, body."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head[1:] if line)
        }
        body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        return int(head[0].split()[1]), headers, body

    async def rest(self) -> bytes:
        """Everything until the server closes."""
        try:
            return await self._reader.read()
        except ConnectionError:
            return b""

    async def finish(self) -> None:
        """Send nothing more."""
        with suppress(OSError):
            self._writer.write_eof()

    async def say(self, data: bytes) -> bytes:
        """Send ``data`` and return everything that comes until the server closes."""
        await self.send(data)
        return await self.rest()

    async def close(self) -> None:
        self._writer.close()


@asynccontextmanager
async def served(app: Asgi, settings: Settings, gate: Gate | None = None) -> AsyncIterator[int]:
    """The port on which ``app`` is served while the block runs."""
    listener = bind("127.0.0.1", 0)
    port: int = listener.getsockname()[1]
    server = HttpServer(app, listener, settings=settings, gate=gate)
    server.start()
    try:
        yield port
    finally:
        await server.stop()


@asynccontextmanager
async def wire(port: int, source: str = "127.0.0.1") -> AsyncIterator[Wire]:
    """A connection from ``source``, an address of this machine."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    connection = Wire(reader, writer)
    try:
        yield connection
    finally:
        await connection.close()


def statuses(answers: bytes) -> list[int]:
    """The statuses of all answers in ``answers``."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", answers)]


class Echo:
    """Reads every body and answers how much came; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, int]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        size_bytes, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            size_bytes += len(message["body"])
            more = message["more_body"]
        self.asked.append((scope["method"], scope["path"], size_bytes))
        body = b"%d" % size_bytes
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
