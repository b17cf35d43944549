"""CORS for clients in browsers (contract 3): every answer may be read, preflights need no key."""

from __future__ import annotations

from guichet.web.asgi import Asgi, Message, Receive, Scope, Send

_ALLOWED_HEADERS = (
    "Authorization, Content-Type, Accept, X-Grant, Grant-Authorization, X-Sync, X-Auth,"
    " N-Authorization"
)
_ALLOWED_METHODS = "GET, POST, PUT, PATCH, DELETE"
_EXPOSED_HEADERS = "Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset"
_PREFLIGHT_SECONDS = 86_400


class Cors:
    """An application that pages of every origin may call.

    Keys travel in headers that a page must know, never in cookies, so an origin that asks with
    credentials learns nothing more by that.
    """

    def __init__(self, app: Asgi) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight; let everything else be read."""
        origin = next((value for name, value in scope["headers"] if name == b"origin"), None)
        headers = _headers(origin)
        if scope["method"] == "OPTIONS":
            await _preflight(headers, send)
            return

        async def readable(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *headers]
            await send(message)

        await self._app(scope, receive, readable)


def _headers(origin: bytes | None) -> list[tuple[bytes, bytes]]:
    if origin is None:
        return [(b"access-control-allow-origin", b"*"), (b"vary", b"Origin")]
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", _EXPOSED_HEADERS.encode()),
        (b"vary", b"Origin"),
    ]


async def _preflight(headers: list[tuple[bytes, bytes]], send: Send) -> None:
    headers = [
        *headers,
        (b"access-control-allow-methods", _ALLOWED_METHODS.encode()),
        (b"access-control-allow-headers", _ALLOWED_HEADERS.encode()),
        (b"access-control-max-age", str(_PREFLIGHT_SECONDS).encode()),
        (b"content-length", b"0"),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
