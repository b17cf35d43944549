"""What listens on the port: who answers which path."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Mapping

from prometheus_client import Counter

from guichet.dialects.neopay import app as neopay
from guichet.dialects.notchpay import app as notchpay
from guichet.gateway import Gateway
from guichet.metrics import REQUEST_SECONDS
from guichet.pages import app as pages
from guichet.server import notices
from guichet.server.apis import api_documents
from guichet.server.health import Health, not_ready, reply
from guichet.server.refusals import Refusal
from guichet.server.requests import Asked
from guichet.server.shedding import Shedder
from guichet.web.asgi import Application, Asgi, Message, Receive, Scope, Send

REQUESTS = Counter(
    "guichet_requests", "Requests answered, by part of the server and status.", ["part", "status"]
)


_SECONDS = {part: REQUEST_SECONDS.labels(part) for part in ("api", "notchpay", "pages", "notices")}


class Site:
    """The ASGI application of a serving process.

    Until ``open`` and after ``close`` it answers 503, except for ``mounts``: independent programs
    by path, which see a root path as behind a proxy.
    """

    def __init__(
        self, mounts: Mapping[str, Asgi] | None = None, health: Health | None = None
    ) -> None:
        self._mounts = dict(mounts or {})
        self._health = health or Health()
        self._api: Asgi = neopay.unavailable
        self._notices: Asgi = _unavailable
        self._pages: Application | None = None
        self._notchpay: Asgi = notchpay.unavailable
        self._shedder: Shedder | None = None

    def open(self, gateway: Gateway) -> None:
        """Answer requests."""
        self._api = neopay.build_app(gateway)
        self._notices = notices.build_app(gateway)
        self._pages = pages.build_app(gateway, api_documents(gateway.settings.base_url))
        self._notchpay = notchpay.build_app(gateway)
        self._health.open(gateway)
        self._shedder = Shedder(gateway)

    def judge(self, asked: Asked) -> Refusal | None:
        """How to refuse a request for which there is no time; None lets it pass."""
        return self._shedder.judge(asked) if self._shedder else None

    def close(self) -> None:
        """Be unhealthy, so that a load balancer looks elsewhere; requests are still answered."""
        self._health.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        match path[1:].partition("/")[0]:
            case "api":
                await self._api(scope, receive, _Counting("api", send))
            case segment if segment in Health.PATHS:
                await self._health(scope, receive, send)
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


class NoticesOnly:
    """A site's ``/notices`` and nothing else of it: what listens to providers by mutual TLS."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith("/notices/"):
            await self._site(scope, receive, send)
        else:
            await reply(send, 404, b"not found\n")


class _Counting:
    """A ``send`` that counts the answer's status and measures how long it took."""

    __slots__ = ("_began_at", "_part", "_send")

    _counters: dict[tuple[str, int], Counter] = {}  # noqa: RUF012 - looking a label up is slow

    def __init__(self, part: str, send: Send) -> None:
        self._part = part
        self._send = send
        self._began_at = time.monotonic()

    def __call__(self, message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            key = (self._part, message["status"])
            counter = self._counters.get(key)
            if counter is None:
                counter = self._counters[key] = REQUESTS.labels(*map(str, key))
            counter.inc()
            _SECONDS[self._part].observe(time.monotonic() - self._began_at)
        return self._send(message)


def _under(prefix: str, app: Asgi) -> Asgi:
    async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "root_path": prefix}, receive, send)

    return mounted


async def _unavailable(_scope: Scope, _receive: Receive, send: Send) -> None:
    await not_ready(send)
