"""How many connections there may be, in all and of one address."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest

from edge.sockets import Echo, Wire, served, statuses, wire
from guichet.settings import Settings

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
FEW = Settings(connections_per_address=2, connections_limit=4)
BEHIND_PROXY = replace(FEW, trusted_proxies="127.0.0.1/32", connections_limit=0)


async def opened(stack: AsyncExitStack, port: int, source: str) -> tuple[Wire, int]:
    """A new connection and the status of its first answer."""
    connection = await stack.enter_async_context(wire(port, source))
    await connection.send(REQUEST)
    return connection, (await connection.answer())[0]


async def test_an_address_has_so_many_connections_and_others_have_theirs() -> None:
    async with served(Echo(), FEW) as port, AsyncExitStack() as stack:
        sources = ["127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.2"]
        opens = [await opened(stack, port, source) for source in sources]
        assert [status for _, status in opens] == [200, 200, 429, 200]

        await opens[0][0].close()
        await opens[2][0].rest()
        status = 429
        while status == 429:  # until the server has seen that one is gone
            status = (await opened(stack, port, "127.0.0.1"))[1]
        assert status == 200


async def test_a_connection_too_many_is_told_when_to_come_again() -> None:
    async with served(Echo(), replace(FEW, connections_limit=1)) as port, AsyncExitStack() as stack:
        await opened(stack, port, "127.0.0.1")
        late = await stack.enter_async_context(wire(port, "127.0.0.2"))
        status, headers, body = await late.answer()
        assert (status, headers["retry-after"], headers["connection"]) == (503, "1", "close")
        assert b'"message":"Service Unavailable"' in body


async def test_beyond_words_they_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guichet.server.connections._TOLD_MAX", 1)
    async with served(Echo(), replace(FEW, connections_limit=1)) as port, AsyncExitStack() as stack:
        assert (await opened(stack, port, "127.0.0.1"))[1] == 200
        told, later = [await stack.enter_async_context(wire(port, "127.0.0.2")) for _ in "ab"]
        assert await later.say(REQUEST) == b""
        assert (await told.answer())[0] == 503


class Held:
    """Answers when it is told to."""

    def __init__(self, wanted: int) -> None:
        self._missing = wanted
        self.all_here = asyncio.Event()
        self.release = asyncio.Event()

    async def __call__(self, _scope: Any, _receive: Any, send: Any) -> None:
        self._missing -= 1
        if not self._missing:
            self.all_here.set()
        await self.release.wait()
        headers = [(b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


async def test_behind_a_trusted_proxy_the_forwarded_address_counts() -> None:
    held = Held(wanted=3)

    def forwarded(client: bytes) -> bytes:
        return b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 8.8.8.8, %b\r\n\r\n" % client

    async with served(held, BEHIND_PROXY) as port, AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(wire(port)) for _ in range(5)]
        for connection, client in zip(
            wires, [b"2001:db8::1", b"2001:db8::2", b"192.0.2.9"], strict=False
        ):
            await connection.send(forwarded(client))
        await held.all_here.wait()
        await wires[3].send(forwarded(b"2001:db8::3"))  # of the same /64 as the first two
        assert (await wires[3].answer())[0] == 429
        held.release.set()
        assert [(await connection.answer())[0] for connection in wires[:3]] == [200] * 3
        await wires[3].send(forwarded(b"2001:db8::3"))
        assert (await wires[3].answer())[0] == 200


async def test_what_a_stranger_says_it_forwards_does_not_count() -> None:
    settings = replace(BEHIND_PROXY, trusted_proxies="192.0.2.0/24")
    request = b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.%d\r\n\r\n"
    async with served(Echo(), settings) as port, AsyncExitStack() as stack:
        seen = []
        for number in range(3):
            connection = await stack.enter_async_context(wire(port))
            await connection.send(request % number)
            seen.append((await connection.answer())[0])
        assert seen == [200, 200, 429]


async def test_slow_connections_leave_room_for_others() -> None:
    """G16, small: a hundred that never finish, and none of the others notices."""
    settings = Settings(header_timeout_seconds=0.5, connections_per_address=150)
    async with served(Echo(), settings) as port, AsyncExitStack() as stack:
        slow = [await stack.enter_async_context(wire(port)) for _ in range(100)]
        for connection in slow:
            await connection.send(b"POST / HTTP/1.1\r\nHost: a\r\nX-A: ")
        normal = [(await opened(stack, port, "127.0.0.2"))[1] for _ in range(50)]
        ends = [await connection.rest() for connection in slow]
    assert normal == [200] * 50
    assert [statuses(end) for end in ends] == [[408]] * 100
