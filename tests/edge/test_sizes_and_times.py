"""How much a connection may send and how long it may take, whoever reads it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from edge.sockets import Echo, served, statuses, wire
from guichet.settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="module")

HASTY = Settings(
    header_timeout_seconds=0.2,
    body_timeout_seconds=-0.8,  # the server gives the application a second more
    keep_alive_seconds=0.2,
    body_limit_bytes=1000,
    notice_limit_bytes=1000,
)
PATIENT = replace(HASTY, header_timeout_seconds=60, body_timeout_seconds=60, keep_alive_seconds=60)
HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"


async def deaf(_scope: Any, _receive: Any, send: Any) -> None:
    """Answers without having read anything."""
    headers = [(b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hasty() -> AsyncIterator[int]:
    async with served(Echo(), HASTY) as port:
        yield port


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def patient() -> AsyncIterator[int]:
    async with served(Echo(), PATIENT) as port:
        yield port


# Sizes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("probe", "status"),
    [
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET /" + b"a" * 2_000_000, 414),
        (HEAD + b"X-A: " + b"a" * 33_000 + b"\r\n\r\n", 431),
        (HEAD + b"X-A: " + b"a" * 2_000_000, 431),
        (HEAD + b"x" * 2_000_000, 431),
        (HEAD + b"a: b\r\n" * 100 + b"\r\n", 431),
        (HEAD + b"a:\r\n" * 200_000, 431),
        (HEAD + b"Content-Length: 1001\r\n\r\n" + b"a" * 1001, 413),
        (HEAD + b"Content-Length: 20000000\r\n\r\n" + b"a" * 3_000_000, 413),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 1001, 413),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1;" + b"a" * 3_000_000, 413),
    ],
    ids=[
        "a long target", "an endless target", "a long header", "an endless header",
        "an endless name", "many headers", "very many headers", "a body over the limit",
        "20 MB", "chunks over the limit", "a chunk's endless extension",
    ],
)  # fmt: skip
async def test_what_is_too_large_is_answered_and_the_rest_not_read(
    patient: int, probe: bytes, status: int
) -> None:
    async with wire(patient) as connection:
        answers = await connection.say(probe)
    assert statuses(answers) == [status]
    assert b'"code":%d' % status in answers


async def test_what_fits_is_taken_however_it_is_cut(patient: int) -> None:
    request = HEAD + b"X-A: " + b"a" * 30_000 + b"\r\nContent-Length: 1000\r\n\r\n" + b"b" * 1000
    async with wire(patient) as connection:
        for cut in (1, 15, 100, 30_060, len(request) - 1):
            await connection.send(request[:cut])
            await asyncio.sleep(0)  # lets the server read what there is
            await connection.send(request[cut:])
            assert (await connection.answer())[::2] == (200, b"1000")


async def test_a_head_behind_a_long_body_is_not_too_large() -> None:
    settings = replace(PATIENT, body_limit_bytes=200_000)
    request = HEAD + b"Content-Length: 150000\r\n\r\n" + b"b" * 150_000
    async with served(Echo(), settings) as port, wire(port) as connection:
        await connection.send(request + request[:20])
        assert (await connection.answer())[2] == b"150000"
        await connection.send(request[20:])
        assert (await connection.answer())[2] == b"150000"


async def test_a_body_that_nobody_reads_is_limited_too() -> None:
    async with served(deaf, PATIENT) as port, wire(port) as connection:
        await connection.send(HEAD + b"Content-Length: 20000000\r\n\r\n")
        assert (await connection.answer())[0] == 404
        assert await connection.say(b"a" * 3_000_000) == b""


# Times --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("probe", "expected"),
    [
        (b"", []),
        (b"\r\n", []),
        (b"GET / HT", [408]),
        (HEAD + b"X-A: b\r\n", [408]),
        (HEAD + b"Content-Length: 10\r\n\r\nabc", [408]),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n", [408]),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", [200]),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HT", [200, 408]),
    ],
    ids=[
        "nothing", "a line's end", "half a request line", "half a head", "half a body",
        "half the chunks", "nothing after an answer", "half a request after an answer",
    ],
)  # fmt: skip
async def test_what_does_not_come_in_time_is_given_up(
    hasty: int, probe: bytes, expected: list[int]
) -> None:
    async with wire(hasty) as connection:
        assert statuses(await connection.say(probe)) == expected


@pytest.mark.parametrize(
    "head",
    [HEAD + b"X-A: ", HEAD + b"Content-Length: 900\r\n\r\n"],
    ids=["in a head", "in a body"],
)
async def test_a_byte_now_and_then_buys_no_time(hasty: int, head: bytes) -> None:
    async with wire(hasty) as connection:
        await connection.send(head)
        reading = asyncio.create_task(connection.rest())
        while not reading.done():
            await connection.send(b"a")
            await asyncio.wait([reading], timeout=0.05)
        assert statuses(await reading) == [408]


async def test_who_takes_nothing_of_an_answer_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guichet.server.protocol._SEND_SECONDS", 0.1)
    ended = asyncio.Event()

    async def endless(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(200):
            await send({"type": "http.response.body", "body": b"a" * 100_000, "more_body": True})
        ended.set()

    async with served(endless, PATIENT) as port, wire(port) as connection:
        await connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await ended.wait()
