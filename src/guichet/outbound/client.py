"""The guarded client: time-outs, no redirects, no proxy, bounded answers, judged addresses."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpcore2
import httpx2

from guichet import metrics
from guichet.failpoints import reach
from guichet.outbound.circuits import Circuits
from guichet.outbound.policy import Policy, RefusedAddress, check_url
from guichet.outbound.pools import Pools

#: The largest answer that is read, unless the caller allows more.
ANSWER_BYTES_MAX = 65_536
_CONNECT_SECONDS = 3.0
#: Merchants' receivers have schedules of their own, each endpoint by itself.
_WITHOUT_CIRCUIT = frozenset({"webhook", "other"})

# The library's debug lines print whole headers of answers.
logging.getLogger("httpcore2").setLevel(logging.WARNING)


class NotSent(Exception):
    """Certainly nothing of the request left: name, address, connection or TLS failed."""


class CircuitOpen(NotSent):
    """Nothing was sent: the provider has answered nobody for a while. Try later."""


class NoAnswer(Exception):
    """Something of the request left, and no whole answer came back: it may have been acted on."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. ``headers`` have lower-case names; ``cut`` says the body was longer."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    cut: bool = False


class GuardedClient:
    """HTTP for everything that leaves this server, with pooled connections.

    Follows no redirect, reads no proxy from the environment, keeps no cookie, asks for no
    compression and logs no header or body. Connections opened under one policy, or showing one
    certificate, are never used under another.
    """

    def __init__(
        self, ssl_context: ssl.SSLContext | None = None, circuits: Circuits | None = None
    ) -> None:
        self._circuits = circuits or Circuits()
        self._pools = Pools(ssl_context or ssl.create_default_context())
        #: Requests that are waiting for their answers.
        self.under_way = 0

    async def send(
        self,
        method: str,
        url: str,
        *,
        policy: Policy,
        timeout_seconds: float,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        limit_bytes: int = ANSWER_BYTES_MAX,
        identity: ssl.SSLContext | None = None,
        about: str = "other",
    ) -> Answer:
        """Send one request and return the answer, whatever its status.

        ``identity`` (``outbound.identity``) is the client certificate to show, and whom to
        believe; None: no certificate, the system's authorities.
        Raises ``RefusedAddress`` or ``NotSent`` if certainly nothing left, ``NoAnswer`` if it may
        have been acted on. ``timeout_seconds`` is for everything together, the reading of the
        answer included; the connection alone gets 3 seconds. Reading stops at ``limit_bytes``.
        ``about`` is for whom the call is in the numbers: a rail's name, ``webhook``. Calls to
        providers go through circuits: ``CircuitOpen`` where one is open.
        """
        circuit = None if about in _WITHOUT_CIRCUIT else f"{about} {_origin(url)}"
        if circuit is not None and not self._circuits.may_call(circuit):
            metrics.CALLS.labels(about, "circuit_open").inc()
            raise CircuitOpen("the provider has answered nobody for a while")
        started, outcome = time.monotonic(), "no_answer"
        self.under_way += 1
        try:
            answer = await self._send(
                method, url, policy, timeout_seconds, headers or {}, body, limit_bytes, identity
            )
            outcome = f"{answer.status // 100}xx"
            return answer
        except RefusedAddress:
            outcome = "refused"
            raise
        except NotSent:
            outcome = "not_sent"
            raise
        finally:
            self.under_way -= 1
            if circuit is not None:
                answered = outcome not in ("not_sent", "no_answer")
                self._circuits.called(circuit, answered=answered)
            metrics.CALLS.labels(about, outcome).inc()
            metrics.CALL_SECONDS.labels(about).observe(time.monotonic() - started)

    async def _send(
        self,
        method: str,
        url: str,
        policy: Policy,
        timeout_seconds: float,
        headers: Mapping[str, str],
        body: bytes,
        limit_bytes: int,
        identity: ssl.SSLContext | None,
    ) -> Answer:
        check_url(url, policy)
        request, sent = _request(method, url, headers, body)
        try:
            async with asyncio.timeout(timeout_seconds):
                if identity is None:
                    return await _exchange(self._pools.common(policy), request, limit_bytes)
                async with self._pools.own(identity, policy) as pool:
                    return await _exchange(pool, request, limit_bytes)
        except RefusedAddress:
            raise
        except TimeoutError as error:
            raise _failure(sent, "no answer in time") from error
        except (httpcore2.ConnectError, httpcore2.ConnectTimeout, httpcore2.PoolTimeout) as error:
            raise NotSent("no connection") from error
        except httpcore2.LocalProtocolError as error:
            raise NotSent("the request breaks HTTP's rules") from error
        except (
            httpcore2.NetworkError,
            httpcore2.TimeoutException,
            httpcore2.ProtocolError,
        ) as error:
            raise _failure(sent, "the connection broke") from error

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pools.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


def _origin(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])


class _Sent:
    """Whether the first byte of a request may have left."""

    def __init__(self) -> None:
        self.begun = False

    async def trace(self, event: str, _info: Mapping[str, Any]) -> None:
        if event == "http11.send_request_headers.started":
            self.begun = True


def _request(
    method: str, url: str, headers: Mapping[str, str], body: bytes
) -> tuple[httpcore2.Request, _Sent]:
    # httpx2 builds the request (Host, Content-Length, percent-encoding, international names).
    built = httpx2.Request(
        method, url, headers={"accept-encoding": "identity", **headers}, content=body or None
    )
    sent = _Sent()
    request = httpcore2.Request(
        method=built.method,
        url=httpcore2.URL(
            scheme=built.url.raw_scheme,
            host=built.url.raw_host,
            port=built.url.port,
            target=built.url.raw_path,
        ),
        headers=built.headers.raw,
        content=body,
        extensions={"timeout": {"connect": _CONNECT_SECONDS}, "trace": sent.trace},
    )
    return request, sent


async def _exchange(
    pool: httpcore2.AsyncConnectionPool, request: httpcore2.Request, limit_bytes: int
) -> Answer:
    reach("call.before")
    answer = await _read(await pool.handle_async_request(request), limit_bytes)
    reach("call.after")
    return answer


async def _read(response: httpcore2.Response, limit_bytes: int) -> Answer:
    body = bytearray()
    cut = False
    try:
        async with aclosing(response.aiter_stream()) as chunks:
            async for chunk in chunks:
                body += chunk
                if len(body) > limit_bytes:
                    cut = True
                    break
    finally:
        await response.aclose()
    headers = {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers
    }
    return Answer(response.status, headers, bytes(body[:limit_bytes]), cut)


def _failure(sent: _Sent, message: str) -> NotSent | NoAnswer:
    return NoAnswer(message) if sent.begun else NotSent(message)
