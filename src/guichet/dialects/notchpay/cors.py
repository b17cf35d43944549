"""CORS for clients in browsers (contract 3): every answer may be read, preflights need no key."""

from __future__ import annotations

from guichet.web.asgi import Asgi, Message, Receive, Scope, Send

EVERYONE = "*"
_ALLOWED_HEADERS = (
    "Authorization, Content-Type, Accept, X-Grant, Grant-Authorization, X-Sync, X-Auth,"
    " N-Authorization"
)
_ALLOWED_METHODS = "GET, POST, PUT, PATCH, DELETE"
_EXPOSED_HEADERS = "Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset"
_PREFLIGHT_SECONDS = 86_400
#: The header of clients of 2021, who ask with credentials. A preflight only announces it.
_OF_2021 = b"n-authorization"

_Headers = list[tuple[bytes, bytes]]


class Cors:
    """An application that pages of other origins may call: of all, or of those in ``origins``,
    separated by commas.

    Keys travel in headers that a page must know, never in cookies, so an origin that asks with
    credentials learns nothing more by that. Browsers demand its own name then, in place of ``*``.
    """

    def __init__(self, app: Asgi, origins: str = EVERYONE) -> None:
        self._app = app
        self._origins = frozenset(
            origin.strip().rstrip("/").lower().encode("latin-1") for origin in origins.split(",")
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight; let everything else be read."""
        headers = self._headers(scope)
        if scope["method"] == "OPTIONS":
            await _preflight(headers, send)
            return

        async def readable(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *headers]
            await send(message)

        await self._app(scope, receive, readable)

    def _headers(self, scope: Scope) -> _Headers:
        origin = next((value for name, value in scope["headers"] if name == b"origin"), None)
        headers = [(b"vary", b"Origin")]
        is_open = EVERYONE.encode() in self._origins
        if not is_open and (origin is None or origin.lower() not in self._origins):
            return headers
        if origin is not None:
            headers.append((b"access-control-expose-headers", _EXPOSED_HEADERS.encode()))
        if origin is None or (is_open and not _has_credentials(scope)):
            return [*headers, (b"access-control-allow-origin", EVERYONE.encode())]
        return [
            *headers,
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-credentials", b"true"),
        ]


def _has_credentials(scope: Scope) -> bool:
    """Whether the page asks with credentials, or is about to, as far as that can be seen."""
    for name, value in scope["headers"]:
        if name in {b"cookie", _OF_2021}:
            return True
        if name == b"access-control-request-headers" and _OF_2021 in value.lower():
            return True
    return False


async def _preflight(headers: _Headers, send: Send) -> None:
    headers = [
        *headers,
        (b"access-control-allow-methods", _ALLOWED_METHODS.encode()),
        (b"access-control-allow-headers", _ALLOWED_HEADERS.encode()),
        (b"access-control-max-age", str(_PREFLIGHT_SECONDS).encode()),
        (b"content-length", b"0"),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
