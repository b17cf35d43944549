"""A small ASGI kernel: requests, replies, routes, and one way for everything that goes wrong.

Of our own because the wires we speak want their own 404s, odd headers and exact bytes, and
because it costs a third of a framework (docs/dependencies.md).
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from guichet.logs import REQUEST_ID
from guichet.web.proxies import TrustedProxies

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger(__name__)

_QUERY_FIELDS_MAX = 200
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}\Z")
#: The order in which methods are named to clients.
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


class Refusal(Exception):
    """The kernel cannot hand the request to a handler; ``status`` is HTTP's word for why."""

    status = 400


class RouteNotFound(Refusal):
    """No route has this path."""

    status = 404


class MethodNotAllowed(Refusal):
    """The path exists, without this method; ``allowed`` are those it has."""

    status = 405

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__()
        self.allowed = allowed


class BodyTooSlow(Refusal):
    """The body did not arrive in time."""

    status = 408


class BodyTooLarge(Refusal):
    """The body is longer than the limit."""

    status = 413


class EncodingNotSupported(Refusal):
    """The body is compressed: it would have to be unpacked to know how large it is."""

    status = 415


class _ClientGone(Exception):
    """The client closed the connection before its request was complete."""


class Reply(NamedTuple):
    """An answer; ``headers`` are added to Content-Type (left out when empty) and -Length."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


class Request:
    """One HTTP request, its body read.

    ``path`` is decoded and has no trailing slash; ``parameters`` are the route's. A handler or an
    error reply may append to ``reply_headers`` what every answer to this request must carry.
    ``request_id`` names the request in logs, events and answers: ours, or a trusted proxy's.
    """

    __slots__ = (
        "_headers", "_proxies", "_query",
        "body", "method", "parameters", "path", "reply_headers", "request_id", "scope",
    )  # fmt: skip

    def __init__(self, scope: Scope, proxies: TrustedProxies) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        path: str = scope["path"]
        self.path = (path.rstrip("/") or "/") if path.endswith("/") else path
        self.parameters: dict[str, str] = {}
        self.body = b""
        self.reply_headers: list[tuple[str, str]] = []
        self._proxies = proxies
        self._headers: dict[str, str] | None = None
        self._query: list[tuple[str, str]] | None = None
        self.request_id = self._proxies_id() or os.urandom(8).hex()

    @property
    def headers(self) -> dict[str, str]:
        """Headers by lower-case name; a repeated one is joined by commas (RFC 9110 5.3)."""
        headers = self._headers
        if headers is None:
            headers = self._headers = {}
            for raw_name, raw_value in self.scope["headers"]:
                name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
                headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return headers

    @property
    def query(self) -> list[tuple[str, str]]:
        """The query's names and values in their order, blanks kept; ``Refusal`` when too many."""
        query = self._query
        if query is None:
            text = self.scope["query_string"].decode("latin-1")
            try:
                query = parse_qsl(text, keep_blank_values=True, max_num_fields=_QUERY_FIELDS_MAX)
            except ValueError as error:
                raise Refusal from error
            self._query = query
        return query

    def query_value(self, name: str) -> str | None:
        """The last value of ``name`` in the query, or None."""
        for known, value in reversed(self.query):
            if known == name:
                return value
        return None

    @property
    def client_address(self) -> str:
        """The client's address; ``X-Forwarded-For`` counts only from a trusted proxy."""
        client = self.scope.get("client")
        peer: str = client[0] if client else ""
        return self._proxies.client_address(peer, self.headers.get("x-forwarded-for"))

    def _proxies_id(self) -> str:
        """The name that a trusted proxy gave the request, if it gave one that can be used."""
        for name, value in self.scope["headers"]:
            if name == b"x-request-id":
                client = self.scope.get("client")
                text: str = value.decode("latin-1")
                usable = client and self._proxies.trusts(client[0]) and _REQUEST_ID.match(text)
                return text if usable else ""
        return ""


Handler = Callable[[Request], Awaitable[Reply]]
#: Turns whatever went wrong into a reply; total: anything unknown is a 500.
ErrorReply = Callable[[Request, Exception], Reply]


class Route:
    """The handlers of one path, by method."""

    def __init__(self, segments: tuple[str, ...]) -> None:
        self.segments = segments
        self.handlers: dict[str, Handler] = {}
        self.allowed: tuple[str, ...] = ()

    def add(self, method: str, handler: Handler) -> None:
        """Serve ``method``; GET serves HEAD too."""
        if method in self.handlers:
            raise ValueError(f"{method} /{'/'.join(self.segments)} is routed twice")
        self.handlers[method] = handler
        if method == "GET":
            self.handlers["HEAD"] = handler
        self.allowed = tuple(name for name in _METHODS if name in self.handlers)

    def match(self, segments: list[str]) -> dict[str, str] | None:
        """The parameters if the (equally many) ``segments`` fit, else None."""
        parameters = {}
        for expected, segment in zip(self.segments, segments, strict=True):
            if expected.startswith("{"):
                if not segment:
                    return None
                parameters[expected[1:-1]] = segment
            elif expected != segment:
                return None
        return parameters


class Router:
    """Routes by path; ``{name}`` stands for one segment. Fixed paths are found by one lookup."""

    def __init__(self) -> None:
        self._fixed: dict[str, Route] = {}
        self._patterns: dict[int, list[Route]] = {}

    def add(self, method: str, path: str, handler: Handler) -> None:
        """Serve ``method`` on ``path``; ``ValueError`` if that is taken."""
        segments = tuple(path.strip("/").split("/"))
        if "{" not in path:
            self._fixed.setdefault(path, Route(segments)).add(method, handler)
            return
        patterns = self._patterns.setdefault(len(segments), [])
        route = next((known for known in patterns if known.segments == segments), None)
        if route is None:
            route = Route(segments)
            patterns.append(route)
        route.add(method, handler)

    def routes(self) -> Iterator[tuple[str, str]]:
        """Every method and path that was added, HEAD aside."""
        for route in (*self._fixed.values(), *chain.from_iterable(self._patterns.values())):
            for method in route.allowed:
                if method != "HEAD":
                    yield method, f"/{'/'.join(route.segments)}"

    def find(self, path: str) -> tuple[Route, dict[str, str]]:
        """The route of ``path`` and its parameters; raises ``RouteNotFound``."""
        route = self._fixed.get(path)
        if route is not None:
            return route, {}
        segments = path[1:].split("/")
        for route in self._patterns.get(len(segments), ()):
            parameters = route.match(segments)
            if parameters is not None:
                return route, parameters
        raise RouteNotFound


class _Timer:
    """Cancels the task that made it once the time is over, unless it is stopped before."""

    __slots__ = ("_expired", "_handle", "_task")

    def __init__(self, seconds: float) -> None:
        self._task = asyncio.current_task()
        self._expired = False
        self._handle = asyncio.get_running_loop().call_later(seconds, self._expire)

    def ran_out(self) -> bool:
        """Whether the cancellation being handled is the timer's own, and nobody else's too."""
        return self._expired and self._task is not None and self._task.uncancel() == 0

    def stop(self) -> None:
        self._handle.cancel()

    def _expire(self) -> None:
        if self._task is not None:
            self._expired = True
            self._task.cancel()


class Application:
    """An ASGI application over a router.

    ``error_reply`` answers every exception of a handler and every ``Refusal`` of the kernel; what
    it answers with 500 is logged, once, with its traceback. Serves the path as the server gives it.
    """

    def __init__(
        self,
        router: Router,
        error_reply: ErrorReply,
        *,
        body_limit_bytes: int,
        proxies: TrustedProxies,
        body_timeout_seconds: float = 15.0,
    ) -> None:
        self._router = router
        self._error_reply = error_reply
        self._body_limit_bytes = body_limit_bytes
        self._proxies = proxies
        self._body_timeout_seconds = body_timeout_seconds

    def serves(self, path: str) -> bool:
        """Whether there is a route for the path."""
        try:
            self._router.find(path.rstrip("/") or "/")
        except RouteNotFound:
            return False
        return True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        request = Request(scope, self._proxies)
        REQUEST_ID.set(request.request_id)
        try:
            reply = await self._answer(request, receive)
        except _ClientGone:
            return
        except Exception as error:  # noqa: BLE001 - every defect must become a reply
            reply = self._failed(request, error)
        await _send_reply(request, reply, send)

    async def _answer(self, request: Request, receive: Receive) -> Reply:
        route, request.parameters = self._router.find(request.path)
        handler = route.handlers.get(request.method)
        if handler is None:
            if request.method == "OPTIONS":
                return Reply(200, b"", "", (("allow", ", ".join(route.allowed)),))
            raise MethodNotAllowed(route.allowed)
        headers = request.headers
        if "content-length" in headers or "transfer-encoding" in headers:
            request.body = await self._read_body(headers, receive)
        return await handler(request)

    async def _read_body(self, headers: dict[str, str], receive: Receive) -> bytes:
        if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            raise EncodingNotSupported
        length = headers.get("content-length")
        if length is not None and int(length) > self._body_limit_bytes:
            raise BodyTooLarge
        # asyncio.timeout() would cost more than reading a body that is there already.
        timer = _Timer(self._body_timeout_seconds)
        try:
            return await self._read_chunks(receive)
        except asyncio.CancelledError:
            if timer.ran_out():
                raise BodyTooSlow from None
            raise
        finally:
            timer.stop()

    async def _read_chunks(self, receive: Receive) -> bytes:
        body = b""
        chunks: list[bytes] = []
        size_bytes = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _ClientGone
            body = message.get("body", b"")
            size_bytes += len(body)
            if size_bytes > self._body_limit_bytes:
                raise BodyTooLarge
            if not message.get("more_body", False):
                return b"".join((*chunks, body)) if chunks else body
            chunks.append(body)

    def _failed(self, request: Request, error: Exception) -> Reply:
        reply = self._error_reply(request, error)
        if reply.status == 500:
            log.error(
                "request failed",
                exc_info=error,
                extra={"request_id": request.request_id, "method": request.method},
            )
        if isinstance(error, BodyTooLarge | BodyTooSlow | EncodingNotSupported):
            # The rest of the body is still on its way: it must not be read as the next request.
            request.reply_headers.append(("connection", "close"))
        return reply


def always(reply: Reply) -> Asgi:
    """An application that has one answer for everything."""

    async def answer(scope: Scope, _receive: Receive, send: Send) -> None:
        await _send_reply(Request(scope, TrustedProxies()), reply, send)

    return answer


async def _send_reply(request: Request, reply: Reply, send: Send) -> None:
    headers = [
        (b"content-length", b"%d" % len(reply.body)),
        (b"x-request-id", request.request_id.encode("ascii")),
    ]
    if reply.content_type:
        headers.append(_encoded("content-type", reply.content_type))
    for name, value in (*reply.headers, *request.reply_headers):
        headers.append(_encoded(name, value))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    body = b"" if request.method == "HEAD" else reply.body
    await send({"type": "http.response.body", "body": body})


@lru_cache(maxsize=512)  # most answers carry the same few
def _encoded(name: str, value: str) -> tuple[bytes, bytes]:
    if "\r" in value or "\n" in value:
        raise ValueError(f"line break in header {name}")
    return name.lower().encode("ascii"), value.encode("latin-1")
