"""Whether a process lives, whether it is ready, and its numbers: for supervisors and Prometheus."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import logging
import os

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from guichet.gateway import Gateway
from guichet.store.checks import prove_commit
from guichet.web.asgi import Receive, Scope, Send

_log = logging.getLogger(__name__)

#: However often it is asked for, the database's health is looked at this often at most.
_LOOK_SECONDS = 1.0
#: A write that found no room: the next one will not either, until somebody has made some.
_FULL_SECONDS = 10.0
_PATIENCE_SECONDS = 3.0
_FORWARDED = frozenset({b"forwarded", b"x-forwarded-for"})


class Health:
    """The ASGI application of ``PATHS``; anything else is not found.

    ``/livez``: the process turns. ``/readyz`` (and ``/healthz``): a commit succeeds and the books
    may take new money; between ``open`` and ``close`` only. ``/metrics`` is for whoever shows
    ``metrics_token``; without one, for this machine alone.
    """

    PATHS = frozenset({"livez", "readyz", "healthz", "metrics"})

    def __init__(self, metrics_token: str = "") -> None:
        self._metrics_token = metrics_token
        self._gateway: Gateway | None = None
        self._committed_at = float("-inf")
        self._looking: asyncio.Task[bool] | None = None

    def open(self, gateway: Gateway) -> None:
        """Be ready when the gateway is."""
        self._gateway = gateway

    def close(self) -> None:
        """Be unready, so that a load balancer looks elsewhere."""
        self._gateway = None

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        match scope["path"].strip("/"):
            case "livez":
                await reply(send, 200, b"alive\n")
            case "readyz" | "healthz":
                reason = await self._unready()
                await (not_ready(send, reason) if reason else reply(send, 200, b"ready\n"))
            case "metrics" if self._may_read(scope):
                await reply(send, 200, _numbers(), CONTENT_TYPE_LATEST)
            case "metrics":
                await reply(send, 403, b"GUICHET_METRICS_TOKEN, or from this machine\n")
            case _:
                await reply(send, 404, b"not found\n")

    async def _unready(self) -> str:
        """Why the process is not ready; empty: it is."""
        gateway = self._gateway
        if gateway is None:
            return "starting or stopping"
        if asyncio.get_running_loop().time() - self._committed_at > _LOOK_SECONDS:
            # However many ask meanwhile, one looks.
            self._looking = self._looking or asyncio.create_task(self._commits(gateway))
            if not await asyncio.shield(self._looking):
                return "the database takes no commit"
        if asyncio.get_running_loop().time() - gateway.database.full_at < _FULL_SECONDS:
            return "the database's disk is full"
        if gateway.access.halted_because:
            return "the books are wrong, no new money moves"
        return "" if self._gateway is gateway else "stopping"

    async def _commits(self, gateway: Gateway) -> bool:
        """Whether a commit succeeds: anything less would be a promise that cannot be kept."""
        try:
            async with (
                asyncio.timeout(_PATIENCE_SECONDS),
                gateway.database.bare_connection() as connection,
            ):
                await prove_commit(connection)
        except Exception as error:  # noqa: BLE001 - whatever it is, we are not ready
            _log.warning("the database takes no commit: %s", error)
            return False
        finally:
            self._looking = None
        self._committed_at = asyncio.get_running_loop().time()
        return True

    def _may_read(self, scope: Scope) -> bool:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        if self._metrics_token:
            shown = b"Bearer " + self._metrics_token.encode()
            return any(
                name == b"authorization" and hmac.compare_digest(value, shown)
                for name, value in headers
            )
        # A proxy on this machine says for whom it asks.
        return _is_here(scope) and not any(name in _FORWARDED for name, _ in headers)


def _is_here(scope: Scope) -> bool:
    try:
        return ipaddress.ip_address((scope.get("client") or ("", 0))[0]).is_loopback
    except ValueError:
        return False


def _numbers() -> bytes:
    """This process's numbers, or those of all when several share the port."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


async def not_ready(send: Send, reason: str = "") -> None:
    """Answer that the process cannot do its work now."""
    body = f"not ready: {reason}\n" if reason else "not ready\n"
    await reply(send, 503, body.encode(), extra=[(b"retry-after", b"1")])


async def reply(
    send: Send,
    status: int,
    body: bytes,
    content_type: str = "text/plain; charset=utf-8",
    extra: list[tuple[bytes, bytes]] | None = None,
) -> None:
    """Send a small answer that nobody may keep."""
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *(extra or []),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
