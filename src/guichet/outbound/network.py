"""The network below the client: resolve once, judge every address, connect to a judged one."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterable
from typing import Any

import httpcore2

from guichet.outbound.policy import Policy


class JudgedNetwork(httpcore2.AsyncNetworkBackend):
    """Opens connections only to addresses that ``policy`` allows.

    The name is resolved here, once, and the connection goes to the very address that was judged,
    so an answer that changes between two look-ups (DNS rebinding) changes nothing. One forbidden
    address among several refuses the name: which one is tried must not be left to luck. The HTTP
    layer above keeps the name for the Host header and for TLS.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect; raises ``RefusedAddress``, ``httpcore2.ConnectError`` or ``ConnectTimeout``.

        ``timeout`` seconds cover the look-up and all tries together.
        """
        try:
            async with asyncio.timeout(timeout):
                addresses = await _resolve(host, port)
                for address in addresses:
                    self._policy.judge(address)
                return await self._connect(addresses, port, local_address, socket_options)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout("no connection in time") from error

    async def _connect(
        self,
        addresses: list[str],
        port: int,
        local_address: str | None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None,
    ) -> httpcore2.AsyncNetworkStream:
        failure = httpcore2.ConnectError("the name has no address")
        for address in addresses:
            try:
                return _Stream(
                    await self._network.connect_tcp(
                        address, port, local_address=local_address, socket_options=socket_options
                    )
                )
            except httpcore2.ConnectError as error:
                failure = error
        raise failure


class _Stream(httpcore2.AsyncNetworkStream):
    """A stream that is closed when its TLS handshake is cancelled, too.

    The library closes it after an error only, so that a time-out around the whole request would
    leave the socket open.
    """

    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self._stream = stream

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's signature
    ) -> httpcore2.AsyncNetworkStream:
        try:
            return await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except asyncio.CancelledError:
            await self._stream.aclose()
            raise

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


async def _resolve(host: str, port: int) -> list[str]:
    """Every address of ``host``, in the system's order of preference."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore2.ConnectError("the name cannot be resolved") from error
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
