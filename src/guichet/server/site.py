"""What listens on the port: health, metrics, and who answers which path."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Mapping

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from guichet.dialects.neopay import app as neopay
from guichet.dialects.notchpay import app as notchpay
from guichet.gateway import Gateway
from guichet.pages import app as pages
from guichet.server import notices
from guichet.server.apis import api_documents
from guichet.store.checks import prove_commit
from guichet.web.asgi import Application, Asgi, Message, Receive, Scope, Send

_log = logging.getLogger(__name__)

#: However often it is asked for, the database's health is looked at this often at most.
_HEALTH_SECONDS = 1.0
_HEALTH_PATIENCE_SECONDS = 3.0

REQUESTS = Counter(
    "guichet_requests", "Requests answered, by part of the server and status.", ["part", "status"]
)


class Site:
    """The ASGI application of a serving process.

    Until ``open`` and after ``close`` it answers 503, except for ``mounts``: independent programs
    by path, which see a root path as behind a proxy.
    """

    def __init__(self, mounts: Mapping[str, Asgi] | None = None) -> None:
        self._mounts = dict(mounts or {})
        self._gateway: Gateway | None = None
        self._api: Asgi = _unavailable
        self._notices: Asgi = _unavailable
        self._pages: Application | None = None
        self._notchpay: Asgi = notchpay.unavailable
        self._healthy_at = float("-inf")

    def open(self, gateway: Gateway) -> None:
        """Answer requests."""
        self._api = neopay.build_app(gateway)
        self._notices = notices.build_app(gateway)
        self._pages = pages.build_app(gateway, api_documents(gateway.settings.base_url))
        self._notchpay = notchpay.build_app(gateway)
        self._gateway = gateway

    def close(self) -> None:
        """Be unhealthy, so that a load balancer looks elsewhere; requests are still answered."""
        self._gateway = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        match path[1:].partition("/")[0]:
            case "api":
                await self._api(scope, receive, _Counting("api", send))
            case "healthz":
                await self._health(send)
            case "metrics":
                await _reply(send, 200, _metrics(), CONTENT_TYPE_LATEST)
            case "notices":
                await self._notices(scope, receive, _Counting("notices", send))
            case segment if segment in notchpay.SEGMENTS:
                await self._notchpay(scope, receive, _Counting("notchpay", send))
            case _:
                await self._elsewhere(path, scope, receive, send)

    async def _elsewhere(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        for prefix, app in self._mounts.items():
            if path == prefix or path.startswith(f"{prefix}/"):
                await _under(prefix, app)(scope, receive, _Counting("pages", send))
                return
        if notchpay.is_client(scope) and (path == "/" or not self._is_page(path)):
            await self._notchpay(scope, receive, _Counting("notchpay", send))
            return
        await (self._pages or _unavailable)(scope, receive, _Counting("pages", send))

    def _is_page(self, path: str) -> bool:
        return self._pages is not None and self._pages.serves(path)

    async def _health(self, send: Send) -> None:
        if await self._is_healthy():
            await _reply(send, 200, b"ready\n")
        else:
            await _not_ready(send)

    async def _is_healthy(self) -> bool:
        """Whether a commit succeeds: anything less would be a promise that cannot be kept."""
        gateway = self._gateway
        if gateway is None:
            return False
        now = asyncio.get_running_loop().time()
        if now - self._healthy_at > _HEALTH_SECONDS:
            try:
                async with (
                    asyncio.timeout(_HEALTH_PATIENCE_SECONDS),
                    gateway.database.connection() as connection,
                ):
                    await prove_commit(connection)
            except Exception as error:  # noqa: BLE001 - whatever it is, we are not healthy
                _log.warning("the database takes no commit: %s", error)
                return False
            self._healthy_at = now
        return self._gateway is not None


class NoticesOnly:
    """A site's ``/notices`` and nothing else of it: what listens to providers by mutual TLS."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith("/notices/"):
            await self._site(scope, receive, send)
        else:
            await _reply(send, 404, b"not found\n")


class _Counting:
    """A ``send`` that counts the answer's status."""

    __slots__ = ("_part", "_send")

    _counters: dict[tuple[str, int], Counter] = {}  # noqa: RUF012 - looking a label up is slow

    def __init__(self, part: str, send: Send) -> None:
        self._part = part
        self._send = send

    def __call__(self, message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            key = (self._part, message["status"])
            counter = self._counters.get(key)
            if counter is None:
                counter = self._counters[key] = REQUESTS.labels(*map(str, key))
            counter.inc()
        return self._send(message)


def _under(prefix: str, app: Asgi) -> Asgi:
    async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "root_path": prefix}, receive, send)

    return mounted


def _metrics() -> bytes:
    """This process's numbers, or those of all when several share the port."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


async def _unavailable(_scope: Scope, _receive: Receive, send: Send) -> None:
    await _not_ready(send)


async def _not_ready(send: Send) -> None:
    await _reply(send, 503, b"not ready\n", extra=[(b"retry-after", b"1")])


async def _reply(
    send: Send,
    status: int,
    body: bytes,
    content_type: str = "text/plain; charset=utf-8",
    extra: list[tuple[bytes, bytes]] | None = None,
) -> None:
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *(extra or []),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
