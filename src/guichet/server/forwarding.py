"""For developers: what a sandbox tells is handed on to a program that is being written."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from guichet.domain.errors import GuichetError
from guichet.outbound.client import Answer, GuardedClient, NoAnswer, NotSent
from guichet.outbound.policy import ANYWHERE, RefusedAddress
from guichet.server.http import HttpServer, bind
from guichet.web.asgi import Asgi, Receive, Scope, Send

_TIMEOUT_SECONDS = 30.0
#: Headers that belong to the connection, not to what is handed on.
_NOT_HANDED_ON = frozenset({"host", "connection", "content-length", "transfer-encoding"})

Say = Callable[[str], None]


class CallFailed(GuichetError):
    """The gateway did not do what it was asked for."""


class Shop(NamedTuple):
    """A merchant's way to a gateway: the address of its API, and the merchant's key."""

    api_url: str
    key: str


async def call_api(
    http: GuardedClient, shop: Shop, method: str, path: str, body: object = None
) -> dict[str, Any]:
    """One call of Notch Pay's API, in JSON; raises ``CallFailed`` unless it is answered 2xx."""
    what = f"{method} {path}"
    try:
        answer = await http.send(
            method,
            shop.api_url.rstrip("/") + path,
            policy=ANYWHERE,
            timeout_seconds=_TIMEOUT_SECONDS,
            headers={"Authorization": shop.key, "Content-Type": "application/json"},
            body=b"" if body is None else json.dumps(body).encode(),
        )
        said = json.loads(answer.body)
    except (RefusedAddress, NotSent, NoAnswer) as error:
        raise CallFailed(f"{what}: {error} from {shop.api_url}: does the gateway run?") from error
    except ValueError as error:
        raise CallFailed(f"{what}: what answers at {shop.api_url} is no gateway") from error
    if not 200 <= answer.status < 300 or not isinstance(said, dict):
        raise CallFailed(f"{what}: {answer.status}: {answer.body[:500].decode('utf-8', 'replace')}")
    return said


async def listen(shop: Shop, forward_to: str, names: Sequence[str], say: Say) -> None:
    """Keep an endpoint on this machine until a signal comes, and hand on all that it is told."""
    http, stopped = GuardedClient(), asyncio.Event()
    socket = bind("127.0.0.1", 0)
    server = HttpServer(forwarder(http, forward_to, say), socket)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    url = f"http://127.0.0.1:{socket.getsockname()[1]}/"
    server.start()
    try:
        wanted = {"url": url, "events": list(names), "description": "guichet listen"}
        endpoint = (await call_api(http, shop, "POST", "/webhooks", wanted))["endpoint"]
        say(f"endpoint {endpoint['id']}, secret {endpoint['secret']}")
        say(f"handing on to {forward_to}; Ctrl-C ends it")
        await stopped.wait()
        await call_api(http, shop, "DELETE", f"/webhooks/{endpoint['id']}")
    finally:
        await server.stop()
        await http.aclose()


def forwarder(http: GuardedClient, forward_to: str, say: Say) -> Asgi:
    """An application that hands each request on, headers and bytes as they came, and answers what
    is answered: 502 if nothing is.
    """

    async def forward(scope: Scope, receive: Receive, send: Send) -> None:
        body = await _whole_body(receive)
        headers = {
            name: value.decode("latin-1")
            for raw, value in scope["headers"]
            if (name := raw.decode("latin-1")) not in _NOT_HANDED_ON
        }
        try:
            answer = await http.send(
                "POST",
                forward_to,
                policy=ANYWHERE,
                timeout_seconds=_TIMEOUT_SECONDS,
                headers=headers,
                body=body,
            )
            told = str(answer.status)
        except (RefusedAddress, NotSent, NoAnswer) as error:
            told = str(error)
            answer = Answer(502, {}, told.encode())
        say(f"{_event_of(body)} -> {told}")
        kept = [(b"content-length", b"%d" % len(answer.body))]
        if "retry-after" in answer.headers:
            kept.append((b"retry-after", answer.headers["retry-after"].encode("latin-1")))
        await send({"type": "http.response.start", "status": answer.status, "headers": kept})
        await send({"type": "http.response.body", "body": answer.body})

    return forward


async def _whole_body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _event_of(body: bytes) -> str:
    try:
        told = json.loads(body)
    except ValueError:
        return "what is no JSON"
    return f"{told.get('event')} {told.get('id')}" if isinstance(told, dict) else "no event"
