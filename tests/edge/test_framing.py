"""Raw bytes against the server: one request is one request, or it is refused and that is the end.

The table of design/reliability.md section 6, and the forms by which requests are smuggled past a
proxy. Each probe carries a second request behind it: were it answered, it would have been smuggled.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from edge.sockets import Echo, served, statuses, wire
from guichet.settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECOND = b"GET /smuggled HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def echo() -> Echo:
    return Echo()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def port(echo: Echo) -> AsyncIterator[int]:
    async with served(echo, Settings()) as listening:
        yield listening


def post(*headers: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join((b"POST /first HTTP/1.1", b"Host: a", *headers, b"", body))


REFUSED = {
    "two lengths": post(b"Content-Length: 2", b"Content-Length: 3", body=b"abc"),
    "the same length twice": post(b"Content-Length: 2", b"Content-Length: 2", body=b"ab"),
    "a list of lengths": post(b"Content-Length: 2, 2", body=b"ab"),
    "length and chunks": post(
        b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"
    ),
    "chunks and length": post(
        b"Transfer-Encoding: chunked", b"Content-Length: 5", body=b"0\r\n\r\n"
    ),
    "chunks twice": post(
        b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"
    ),
    "chunks twice in one": post(b"Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n"),
    "identity, then chunks": post(b"Transfer-Encoding: identity, chunked", body=b"0\r\n\r\n"),
    "compressed chunks": post(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
    "an unknown coding": post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
    "a coding after a tab": post(b"Transfer-Encoding:\x0bchunked", body=b"0\r\n\r\n"),
    "blank before the colon": post(b"Transfer-Encoding : chunked", body=b"0\r\n\r\n"),
    "a signed length": post(b"Content-Length: +4", body=b"abcd"),
    "a negative length": post(b"Content-Length: -1"),
    "a hexadecimal length": post(b"Content-Length: 0x4", body=b"abcd"),
    "an underscored length": post(b"Content-Length: 1_0", body=b"abcdefghij"),
    "an endless length": post(b"Content-Length: 99999999999999999999", body=b"abcd"),
    "an empty length": post(b"Content-Length:", body=b""),
    "a bad chunk end": post(b"Transfer-Encoding: chunked", body=b"2\r\nabcd\r\n0\r\n\r\n"),
    "a chunk with a bare line feed": post(b"Transfer-Encoding: chunked", body=b"2\nab\n0\n\n"),
    "a signed chunk": post(b"Transfer-Encoding: chunked", body=b"+2\r\nab\r\n0\r\n\r\n"),
    "a prefixed chunk": post(b"Transfer-Encoding: chunked", body=b"0x2\r\nab\r\n0\r\n\r\n"),
    "an endless chunk": post(b"Transfer-Encoding: chunked", body=b"f" * 17 + b"\r\n"),
    "a folded header": post(b"X-A: b", b" folded", b"Content-Length: 0"),
    "a header before the first": b"GET / HTTP/1.1\r\n Host: a\r\n\r\n",
    "NUL in a value": post(b"X-A: b\x00c", b"Content-Length: 0"),
    "CR in a value": post(b"X-A: b\rContent-Length: 5", b"Content-Length: 0"),
    "NUL in a name": post(b"X-\x00A: b", b"Content-Length: 0"),
    "a header without a colon": post(b"X-A", b"Content-Length: 0"),
    "a header without a name": post(b": b", b"Content-Length: 0"),
    "two hosts": post(b"Host: b", b"Content-Length: 0"),
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "chunks in HTTP/1.0": b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/2.0": b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
    "HTTP/2's preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/1.2": b"GET / HTTP/1.2\r\nHost: a\r\n\r\n",
    "a method in lower case": b"get / HTTP/1.1\r\nHost: a\r\n\r\n",
    "a method of our own": b"PAY / HTTP/1.1\r\nHost: a\r\n\r\n",
    "a tunnel": b"CONNECT inside.example:443 HTTP/1.1\r\nHost: a\r\n\r\n",
    "a target without a slash": b"GET first HTTP/1.1\r\nHost: a\r\n\r\n",
    "a target of another scheme": b"GET file:///etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n",
    "a blank in the target": b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
    "a target beyond ASCII": b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "a PROXY line": b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
}


@pytest.mark.parametrize("probe", REFUSED.values(), ids=REFUSED)
async def test_what_readers_could_read_differently_is_refused_and_nothing_after_it_is_read(
    port: int, echo: Echo, probe: bytes
) -> None:
    echo.asked.clear()
    async with wire(port) as connection:
        answers = await connection.say(probe + SECOND)

    assert statuses(answers) == [400]
    assert b"connection: close" in answers
    assert answers.endswith(b'{"code":400,"status":"Bad Request","message":"Bad Request"}')
    assert echo.asked == []


TAKEN = {
    "chunks": (post(b"Transfer-Encoding: Chunked", body=b"2\r\nab\r\n0\r\n\r\n"), 2),
    "a chunk's extension": (
        post(b"Transfer-Encoding: chunked", body=b"2;a=b\r\nab\r\n0\r\n\r\n"),
        2,
    ),
    "a trailer": (post(b"Transfer-Encoding: chunked", body=b"0\r\nHost: b\r\n\r\n"), 0),
    "an empty body": (post(b"Content-Length: 0"), 0),
    "a body of GET": (b"GET /first HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab", 2),
    "an absolute target": (b"GET http://other.example/first HTTP/1.1\r\nHost: a\r\n\r\n", 0),
    "lines before the request": (b"\r\n\r\n" + post(b"Content-Length: 0"), 0),
}


@pytest.mark.parametrize(("probe", "size_bytes"), TAKEN.values(), ids=TAKEN)
async def test_what_is_odd_and_clear_is_answered_and_so_is_the_next(
    port: int, echo: Echo, probe: bytes, size_bytes: int
) -> None:
    echo.asked.clear()
    async with wire(port) as connection:
        answers = await connection.say(probe + SECOND)

    assert statuses(answers) == [200, 200]
    assert [(path, size) for _, path, size in echo.asked] == [
        ("/first", size_bytes),
        ("/smuggled", 0),
    ]


async def test_a_protocol_that_is_not_spoken_is_not_switched_to(port: int, echo: Echo) -> None:
    echo.asked.clear()
    upgrade = b"GET /first HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: %b\r\n\r\n"
    for protocol in (b"h2c", b"websocket"):
        async with wire(port) as connection:
            assert statuses(await connection.say(upgrade % protocol + SECOND)) == [200]
    assert [path for _, path, _ in echo.asked] == ["/first", "/first"]


async def test_a_header_cannot_change_the_method(port: int, echo: Echo) -> None:
    echo.asked.clear()
    async with wire(port) as connection:
        await connection.say(
            b"POST /first HTTP/1.1\r\nHost: a\r\nX-HTTP-Method-Override: DELETE\r\n"
            b"X-Method-Override: PUT\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
    assert echo.asked == [("POST", "/first", 0)]


async def test_http_1_0_gets_one_answer(port: int) -> None:
    async with wire(port) as connection:
        answers = await connection.say(b"GET / HTTP/1.0\r\n\r\n" + SECOND)
    assert statuses(answers) == [200]
    assert b"connection: close" in answers


async def test_pipelined_requests_are_answered_in_their_order(port: int, echo: Echo) -> None:
    echo.asked.clear()
    numbers = range(20)
    requests = b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in numbers)
    async with wire(port) as connection:
        assert statuses(await connection.say(requests + SECOND)) == [200] * 21
    assert [path for _, path, _ in echo.asked[:-1]] == [f"/{number}" for number in numbers]


@pytest.mark.parametrize("bad", ["two lengths", "a folded header", "another protocol"])
async def test_what_came_before_a_bad_request_is_still_answered(port: int, bad: str) -> None:
    async with wire(port) as connection:
        answers = await connection.say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" + REFUSED[bad])
    assert statuses(answers) in ([200], [200, 400])
