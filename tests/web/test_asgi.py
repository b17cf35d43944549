"""The kernel: routes, bodies, and what goes wrong."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from guichet.web.asgi import (
    Application,
    MethodNotAllowed,
    Refusal,
    Reply,
    Request,
    RouteNotFound,
    Router,
)
from guichet.web.proxies import TrustedProxies
from wire.client import Client

LIMIT_BYTES = 1000


def error_reply(_: Request, error: Exception) -> Reply:
    status = error.status if isinstance(error, Refusal) else 500
    return Reply(status, type(error).__name__.encode(), "text/plain")


async def echo(request: Request) -> Reply:
    return Reply(
        200, repr((request.method, request.path, request.parameters, request.body)).encode()
    )


async def fail(_: Request) -> Reply:
    raise RuntimeError("a secret")


async def break_headers(_: Request) -> Reply:
    return Reply(303, b"", "", (("location", "/a\r\nset-cookie: b=c"),))


def application(proxies: str = "", timeout_seconds: float = 15) -> Application:
    router = Router()
    router.add("GET", "/", echo)
    router.add("GET", "/things", echo)
    router.add("POST", "/things", echo)
    router.add("GET", "/things/{id}", echo)
    router.add("GET", "/things/{id}/parts/{part}", echo)
    router.add("POST", "/things/{id}/close", echo)
    router.add("GET", "/fail", fail)
    router.add("GET", "/headers", break_headers)
    return Application(
        router,
        error_reply,
        body_limit_bytes=LIMIT_BYTES,
        proxies=TrustedProxies(proxies),
        body_timeout_seconds=timeout_seconds,
    )


@pytest.fixture
def client() -> Client:
    return Client(application())


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/", ("GET", "/", {}, b"")),
        ("/things", ("GET", "/things", {}, b"")),
        ("/things/", ("GET", "/things", {}, b"")),
        ("/things//", ("GET", "/things", {}, b"")),
        ("/things/7", ("GET", "/things/7", {"id": "7"}, b"")),
        ("/things/a%40b", ("GET", "/things/a@b", {"id": "a@b"}, b"")),
        ("/things/7/parts/8/", ("GET", "/things/7/parts/8", {"id": "7", "part": "8"}, b"")),
    ],
)
async def test_path_finds_its_handler(client: Client, path: str, seen: object) -> None:
    assert (await client.get(path)).body == repr(seen).encode()


@pytest.mark.parametrize(
    "path",
    ["/other", "/things/7/8", "/things//parts/8", "/things/a%2Fb", "//things", "/Things"],
)
async def test_other_paths_are_not_found(client: Client, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status, answer.body) == (404, b"RouteNotFound")


async def test_path_and_method_are_apart(client: Client) -> None:
    answer = await client.call("DELETE", "/things")
    assert (answer.status, answer.body) == (405, b"MethodNotAllowed")


def test_route_knows_its_methods_in_the_usual_order() -> None:
    router = Router()
    for method in ("PUT", "POST", "GET"):
        router.add(method, "/a", echo)
    assert router.find("/a")[0].allowed == ("GET", "HEAD", "POST", "PUT")


def test_route_cannot_be_taken_twice() -> None:
    router = Router()
    router.add("GET", "/a/{id}", echo)
    with pytest.raises(ValueError, match="routed twice"):
        router.add("GET", "/a/{id}", echo)


async def test_body_arrives_whole_from_pieces(client: Client) -> None:
    answer = await client.call("POST", "/things", [b"ab", b"", b"cd"])
    assert b"b'abcd'" in answer.body


@pytest.mark.parametrize("pieces", [[b"x" * 1001], [b"x" * 999, b"xx"], [b"x"] * 1001])
async def test_body_beyond_the_limit_is_refused_and_the_connection_closed(
    client: Client, pieces: list[bytes]
) -> None:
    answer = await client.call("POST", "/things", pieces)
    assert (answer.status, answer.headers["connection"]) == (413, "close")


async def test_declared_length_beyond_the_limit_is_refused_unread(client: Client) -> None:
    answer = await client.post("/things", b"", content_length="300000")
    assert answer.status == 413


async def test_body_of_the_limit_is_taken(client: Client) -> None:
    assert (await client.post("/things", b"x" * LIMIT_BYTES)).status == 200


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip", "x"])
async def test_compressed_body_is_refused(client: Client, encoding: str) -> None:
    answer = await client.post("/things", b"{}", content_encoding=encoding)
    assert (answer.status, answer.headers["connection"]) == (415, "close")


async def test_identity_encoding_is_none(client: Client) -> None:
    assert (await client.post("/things", b"{}", content_encoding="Identity")).status == 200


async def test_body_that_does_not_come_is_given_up() -> None:
    slow = application(timeout_seconds=0)
    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/things",
        "query_string": b"",
        "headers": [(b"content-length", b"5")],
    }
    await slow(scope, receive, send)
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]


async def test_client_that_goes_gets_no_answer() -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/things",
        "query_string": b"",
        "headers": [(b"content-length", b"5")],
    }
    await application()(scope, receive, send)
    assert sent == []


async def test_defect_is_answered_and_logged_once(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await client.get("/fail")
    assert (answer.status, answer.body) == (500, b"RuntimeError")
    assert len(caplog.records) == 1
    assert caplog.records[0].__dict__["request_id"] == answer.headers["x-request-id"]


async def test_refusals_are_not_logged(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    await client.get("/other")
    assert caplog.records == []


async def test_header_cannot_be_split(client: Client) -> None:
    with pytest.raises(ValueError, match="line break"):
        await client.get("/headers")


def request(
    query: bytes = b"", headers: Any = (), proxies: str = "", peer: str = "10.0.0.1"
) -> Request:
    scope = {
        "method": "GET",
        "path": "/",
        "query_string": query,
        "headers": list(headers),
        "client": (peer, 1),
    }
    return Request(scope, TrustedProxies(proxies))


def test_query_is_read_in_order_and_the_last_value_counts() -> None:
    seen = request(b"a=1&b=&a=2&c=%C3%A9+x&d=%FF")
    assert seen.query[:3] == [("a", "1"), ("b", ""), ("a", "2")]
    assert (seen.query_value("a"), seen.query_value("c"), seen.query_value("z")) == (
        "2",
        "é x",
        None,
    )


def test_query_of_thousands_is_refused() -> None:
    with pytest.raises(Refusal):
        _ = request(b"&".join([b"a=1"] * 1000)).query


def test_repeated_header_is_joined() -> None:
    headers = [(b"x-a", b"1"), (b"x-b", b"2"), (b"x-a", b"3")]
    assert request(headers=headers).headers == {"x-a": "1, 3", "x-b": "2"}


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "client_address"),
    [
        ("", "10.0.0.1", "192.0.2.1", "10.0.0.1"),
        ("10.0.0.0/8", "203.0.113.1", "192.0.2.1", "203.0.113.1"),
        ("10.0.0.0/8", "10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", "192.0.2.1", "192.0.2.1"),
        ("10.0.0.0/8", "10.0.0.1", "198.51.100.9, 192.0.2.1", "192.0.2.1"),
        ("10.0.0.0/8", "10.0.0.1", "192.0.2.1, 10.0.0.2", "192.0.2.1"),
        ("10.0.0.0/8", "10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", "192.0.2.1, nonsense, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.0/8, ::1", "::1", "2001:db8::7", "2001:db8::7"),
        ("10.0.0.0/8", "::ffff:10.0.0.1", "192.0.2.1", "192.0.2.1"),
    ],
)
def test_client_address_behind_proxies(
    proxies: str, peer: str, forwarded: str | None, client_address: str
) -> None:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    assert request(headers=headers, proxies=proxies, peer=peer).client_address == client_address


def test_unreadable_proxy_network_is_an_error_at_the_start() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        TrustedProxies("nonsense")


def test_refusals_have_the_status_of_http() -> None:
    assert (RouteNotFound.status, MethodNotAllowed.status) == (404, 405)


@pytest.mark.parametrize(
    ("proxies", "given", "kept"),
    [
        ("127.0.0.0/8", "proxy-0001", True),
        ("", "proxy-0001", False),
        ("192.0.2.0/24", "proxy-0001", False),
        ("127.0.0.0/8", "short", False),
        ("127.0.0.0/8", "line\nbreak-in-it", False),
    ],
)
async def test_a_name_given_by_a_proxy_that_is_trusted_is_kept(
    proxies: str, given: str, kept: bool
) -> None:
    client = Client(application(proxies))

    answer = await client.call("GET", "/things", headers={"x-request-id": given}, peer="127.0.0.1")

    assert (answer.headers["x-request-id"] == given) is kept


async def test_every_answer_names_its_request(client: Client) -> None:
    first, second = [await client.get("/other") for _ in range(2)]

    assert re.fullmatch("[0-9a-f]{16}", first.headers["x-request-id"])
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
