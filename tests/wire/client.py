"""Calls an ASGI application in this process, byte for byte as a server would hand it on.

What a dialect answers is judged by its OpenAPI document (``documented``), whatever a test is about.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from documented import judge_of
from guichet.web.asgi import Asgi

Headers = Iterable[tuple[str, str]]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body; numbers with a point as ``Decimal``, so that nothing is rounded on the way."""
        return json.loads(self.body, parse_float=Decimal)


class Client:
    """``headers`` are sent with every call unless the call names them itself; None drops one."""

    def __init__(self, app: Asgi, headers: dict[str, str] | None = None) -> None:
        self.app = app
        self.headers = headers or {}

    def with_headers(self, **headers: str | None) -> Client:
        """The same client with other headers; ``_`` stands for ``-``."""
        changed = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        merged = {**self.headers, **changed}
        return Client(
            self.app, {name: value for name, value in merged.items() if value is not None}
        )

    async def call(
        self,
        method: str,
        target: str,
        body: bytes | list[bytes] | None = None,
        *,
        peer: str = "203.0.113.7",
        headers: Mapping[str, str | None] | None = None,
    ) -> Answer:
        """One request; a list of bytes arrives in as many pieces, without a Content-Length."""
        sent = self.with_headers(**(headers or {})).headers
        path, _, query = target.partition("?")
        pieces = body if isinstance(body, list) else [body or b""]
        if isinstance(body, list):
            sent["transfer-encoding"] = "chunked"
        elif body is not None:
            sent.setdefault("content-length", str(len(body)))
        scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "path": unquote(path),
            "query_string": query.encode(),
            "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in sent.items()],
            "client": (peer, 50000),
        }
        messages: list[Any] = []
        incoming = _messages(pieces)

        async def receive() -> Any:
            return await anext(incoming)

        async def send(message: Any) -> None:
            messages.append(message)

        await self.app(scope, receive, send)
        start, end = messages
        answer = Answer(
            start["status"],
            {name.decode(): value.decode("latin-1") for name, value in start["headers"]},
            end["body"],
        )
        judge = judge_of(self.app, scope["path"])
        if judge is not None:
            judge.response(method, scope["path"], answer.status, answer.headers, answer.body)
        return answer

    async def get(self, target: str, **headers: str | None) -> Answer:
        return await self.call("GET", target, headers=headers)

    async def post(self, target: str, content: Any, **headers: str | None) -> Answer:
        """``content``: bytes and texts as they are, anything else as JSON."""
        return await self.call("POST", target, encoded(content), headers=headers)

    async def patch(self, target: str, content: Any, **headers: str | None) -> Answer:
        return await self.call("PATCH", target, encoded(content), headers=headers)


def encoded(content: Any) -> bytes:
    if isinstance(content, bytes):
        return content
    return content.encode() if isinstance(content, str) else json.dumps(content).encode()


async def _messages(pieces: list[bytes]) -> AsyncIterator[dict[str, Any]]:
    for index, piece in enumerate(pieces, start=1):
        yield {"type": "http.request", "body": piece, "more_body": index < len(pieces)}
    yield {"type": "http.disconnect"}
