"""How a simulator sends a notice."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Mapping
from functools import cache

import httpx2

#: Posts a body with headers to an address; answers the HTTP status.
HttpPost = Callable[[str, bytes, Mapping[str, str]], Awaitable[int]]

#: Sends a body by a method; answers the HTTP status. For providers that notify by PUT.
HttpSend = Callable[[str, str, bytes, Mapping[str, str]], Awaitable[int]]

_SECONDS = 10


async def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """The plain way to send a notice; answers the HTTP status."""
    return await _send("POST", url, body, headers, _usual_context())


def post_with(context: ssl.SSLContext) -> HttpPost:
    """The same over TLS with the client certificate, and the trust, of ``context``."""

    async def http_post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
        return await _send("POST", url, body, headers, context)

    return http_post


async def send(method: str, url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """The plain way to notify by another method than POST; answers the HTTP status."""
    return await _send(method, url, body, headers, _usual_context())


@cache
def _usual_context() -> ssl.SSLContext:
    # Reading the machine's authorities takes a tenth of a second, in which nothing else moves.
    return ssl.create_default_context()


async def _send(
    method: str, url: str, body: bytes, headers: Mapping[str, str], context: ssl.SSLContext
) -> int:
    async with httpx2.AsyncClient(verify=context, trust_env=False, timeout=_SECONDS) as client:
        answer = await client.request(method, url, content=body, headers=dict(headers))
    return answer.status_code
