from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Reader: TypeAlias = asyncio.StreamReader
Writer: TypeAlias = asyncio.StreamWriter
Handler = Callable[[bytes, Writer], Awaitable[None]]


@dataclass
class Listener:
    """A server on a real port that counts what reaches it."""

    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def listening(handler: Handler, **options: Any) -> AsyncIterator[Listener]:
    """Answers every request head (and body, by its length) with ``handler``."""
    listener = Listener()

    async def serve(reader: Reader, writer: Writer) -> None:
        listener.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = 0
                for line in head.lower().split(b"\r\n"):
                    if line.startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                listener.requests.append(head + await reader.readexactly(length))
                await handler(listener.requests[-1], writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, **options)
    listener.port = server.sockets[0].getsockname()[1]
    try:
        yield listener
    finally:
        server.close()


def untrusting() -> ssl.SSLContext:
    """A context that trusts nobody; reading the system's roots costs a test 30 ms."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def answer(status: str = "200 OK", headers: str = "", body: bytes = b"ok") -> Handler:
    async def handler(_request: bytes, writer: Writer) -> None:
        writer.write(f"HTTP/1.1 {status}\r\n{headers}content-length: {len(body)}\r\n\r\n".encode())
        writer.write(body)

    return handler
