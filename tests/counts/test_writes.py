"""Each write of the server is a system call and a packet."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from guichet.server.transports import JoiningTransport


class _Transport:
    """Keeps what is written, write by write."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True


def _joining(transport: _Transport) -> JoiningTransport:
    loop = asyncio.get_running_loop()
    return JoiningTransport(cast("Any", transport), loop, lambda closing: closing.close())


async def test_head_and_body_of_an_answer_are_one_write() -> None:
    transport = _Transport()
    joining = _joining(transport)
    joining.write(b"head")
    joining.write(b"body")
    await asyncio.sleep(0)
    assert transport.written == [b"headbody"]


async def test_a_head_without_a_body_leaves_at_the_next_turn_of_the_loop() -> None:
    transport = _Transport()
    _joining(transport).write(b"head")
    await asyncio.sleep(0)
    assert transport.written == [b"head"]


async def test_closing_writes_what_was_kept_first() -> None:
    transport = _Transport()
    joining = _joining(transport)
    joining.write(b"head")
    joining.close()
    assert (transport.written, transport.closed) == ([b"head"], True)


async def test_nothing_is_written_to_a_connection_that_the_client_closed() -> None:
    transport = _Transport()
    _joining(transport).write(b"head")
    transport.closed = True
    await asyncio.sleep(0)
    assert transport.written == []
