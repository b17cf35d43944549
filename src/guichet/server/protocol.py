"""uvicorn's HTTP protocol with what it lacks: limits, strict framing, answers in one system call,
clients' certificates.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from math import inf
from typing import Any

import httptools
from cryptography import x509
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from guichet.server import refusals
from guichet.server.connections import TARGET_BYTES_MAX, Connections
from guichet.server.framing import FRAMING_HEADERS, Framing
from guichet.server.refusals import Refusal
from guichet.server.requests import Asked, Gate, Load
from guichet.server.transports import JoiningTransport

#: How long, and how much, is still read from a client that was refused: closing a socket that
#: holds unread bytes resets the connection, and the client may never see its answer.
_LINGER_SECONDS = 2.0
_LINGER_BYTES = 64 << 20
#: What the sizes of a body's chunks may take beside as many bytes as the body has.
_CHUNK_SIZES_BYTES = 1 << 20
#: After so long a client that takes nothing of its answer is gone.
_SEND_SECONDS = 20.0
#: Kept to answer after the application: its own time-out knows the dialect's words.
_GRACE_SECONDS = 1.0


class _Refused(Exception):
    """Raised out of the parser: the connection ends with this answer."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__()
        self.refusal = refusal


class _Answered:
    """Stands where uvicorn keeps the answer under way, once a request was answered without one."""

    response_complete = True
    disconnected = False
    keep_alive = True

    @property
    def message_event(self) -> Any:
        return self

    def set(self) -> None:
        """Nobody waits."""


class EdgeProtocol(HttpToolsProtocol):
    """One connection.

    A request's head must come within its time and size and be framed in one way that all readers
    understand alike; its body must come within its time and size, whether anybody reads it or not.
    Whatever breaks a rule is answered and the connection closed. ``expires_at`` is looked at ten
    times a second: no request sets a timer of its own.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        watch: Connections,
        load: Load,
        gate: Gate | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.expires_at = inf
        self._watch = watch
        self._load = load
        self._under_way = 0
        self._gate = gate
        self._limits = watch.limits
        self._peer = ""
        self._is_proxy = self._is_admitted = False
        #: Clients, as the proxy names them, of the requests that are not answered yet.
        self._forwarded: deque[str] = deque()
        self._framing = Framing()
        self._in_head = self._in_body = self._ended = self._closing = False
        self._messages = self._discarded_bytes = 0
        self._head_bytes = self._body_bytes = self._wire_bytes = 0

    # The connection ------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        joining = JoiningTransport(transport, self.loop, self._close)
        super().connection_made(joining)  # type: ignore[arg-type]
        self._watch.open(self)
        if self._watch.are_beyond_words:
            transport.abort()
            return
        self._expect(self._limits.header_seconds)
        self._peer = self.client[0] if self.client else ""
        self._is_proxy = self._watch.proxies.trusts(self._peer)
        refusal = self._watch.enter(None if self._is_proxy else self._peer)
        if refusal:
            self._end(refusal)
        else:
            self._is_admitted = True

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = self._closing = True
        self._watch.close(self)
        if self._is_admitted:
            self._watch.leave(None if self._is_proxy else self._peer)
        for address in self._forwarded:
            self._watch.leave_request(address)
        self._forwarded.clear()
        self._load.under_way -= self._under_way
        self._under_way = 0
        super().connection_lost(exc)

    def shutdown(self) -> None:
        if self._closing:
            self.transport.abort()
        else:
            super().shutdown()

    def expire(self) -> None:
        """Whatever the connection waited for did not come in time."""
        if self._closing or self.transport.is_closing():
            self.transport.abort()
        elif self._in_head or self._in_body:
            self._end(refusals.TOO_SLOW)
        elif self._is_answered:
            self.transport.close()  # nothing was asked, so nothing is answered
        else:
            self.transport.abort()  # it takes nothing of its answer

    @property
    def _is_answered(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    def _expect(self, seconds: float) -> None:
        self.expires_at = self._watch.now + seconds

    def _close(self, transport: asyncio.Transport) -> None:
        """The server wants no more of this client; every byte written is on its way."""
        if self._closing:
            return
        self._ended = self._closing = True
        self._expect(_LINGER_SECONDS)
        if self._in_body and transport.can_write_eof():
            self.flow.resume_reading()
            transport.write_eof()
        else:
            transport.close()

    def _end(self, refusal: Refusal) -> None:
        """Take no more requests; answer with ``refusal`` unless something else is answered."""
        self._ended = True
        cycle, queued = self.cycle, bool(self.pipeline)
        self.pipeline.clear()
        if self._is_answered:
            if not self._in_body:  # else the request has had its answer
                self._in_body = True
                self.transport.write(self._encoded(refusal, close=True))
            self.transport.close()
        elif queued or not self._in_body:
            self.expires_at = inf  # a request before this one is still to be answered
            cycle.keep_alive = False
        else:
            cycle.disconnected = True  # to the application the client is gone
            cycle.message_event.set()
            if cycle.response_started:
                self.transport.abort()
                return
            self.transport.write(self._encoded(refusal, close=True))
            self.transport.close()

    def _encoded(self, refusal: Refusal, *, close: bool) -> bytes:
        return refusal.encoded(self.server_state.default_headers, close=close)

    # Bytes ---------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self._ended:
            self._discarded_bytes += len(data)
            if self._discarded_bytes > _LINGER_BYTES:
                self.transport.abort()
            return
        messages = self._messages
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # Answered as what it is without the upgrade; what follows would be another protocol.
            self._end(refusals.BAD_REQUEST)
            return
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._end(cause.refusal if isinstance(cause, _Refused) else refusals.BAD_REQUEST)
            return
        if messages != self._messages:
            return  # what came of the latest message was counted as it was read
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > self._limits.header_bytes:
                self._end(refusals.HEAD_TOO_LARGE)
        elif self._in_body:
            self._wire_bytes += len(data)
            if self._wire_bytes > 2 * self._limits.body_bytes + _CHUNK_SIZES_BYTES:
                self._end(refusals.BODY_TOO_LARGE)  # chunks that are mostly their own sizes

    # The parser's events -------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._messages += 1
        self._in_head = True
        self._head_bytes = self._body_bytes = self._wire_bytes = 0
        self._framing = Framing()
        self.expires_at = self._watch.now + self._limits.header_seconds

    def on_url(self, url: bytes) -> None:
        self.url += url
        self._head_bytes += len(url)
        if len(self.url) > TARGET_BYTES_MAX:
            raise _Refused(refusals.TARGET_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value) + 4
        limits = self._limits
        if len(self.headers) >= limits.header_count or self._head_bytes > limits.header_bytes:
            raise _Refused(refusals.HEAD_TOO_LARGE)
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        elif name in FRAMING_HEADERS:
            self._framing.add(name, value)
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if not self._framing.is_plain(self.parser.get_http_version()):
            raise _Refused(refusals.BAD_REQUEST)
        refusal = self._judge() if self._is_answered else None
        if refusal is None:
            super().on_headers_complete()
        self._in_head = False
        self._in_body = True
        self._expect(self._limits.body_seconds + _GRACE_SECONDS)
        if refusal is not None:
            self._refuse(refusal)

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes > self._limits.body_bytes:
            raise _Refused(refusals.BODY_TOO_LARGE)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_body = False
        super().on_message_complete()
        if not self._is_answered:
            self._under_way += 1
            self._load.under_way += 1
        self._wait()

    # Answers -------------------------------------------------------------------------------------

    def _judge(self) -> Refusal | None:
        """How to refuse this request before anybody else sees it, if it is refused."""
        if self._is_proxy:
            forwarded = [value for name, value in self.headers if name == b"x-forwarded-for"]
            text = b",".join(forwarded).decode("latin-1")
            address = self._watch.proxies.client_address(self._peer, text)
            refusal = self._watch.enter_request(address)
            if refusal is not None:
                return refusal
            self._forwarded.append(address)
        if self._gate is None:
            return None
        refusal = self._gate(
            Asked(self.parser.get_method(), self.url, self.headers, self._load, self._watch.now)
        )
        if refusal is not None and self._is_proxy:
            self._watch.leave_request(self._forwarded.pop())
        return refusal

    def _refuse(self, refusal: Refusal) -> None:
        """Answer this request and go on to the next; its body is read and forgotten."""
        close = not self.parser.should_keep_alive()
        self.cycle = _Answered()  # type: ignore[assignment]
        self.server_state.total_requests += 1
        self.transport.write(self._encoded(refusal, close=close))
        if close:
            self.transport.close()
        elif not self.flow.read_paused and self._load.is_paused(self):
            self.flow.pause_reading()

    def resume(self) -> None:
        """Its turn has come to be read again."""
        if not self.transport.is_closing():
            self.flow.resume_reading()

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self._under_way:  # it may have been answered before it had come whole
            self._under_way -= 1
            self._load.under_way -= 1
        if self._forwarded:
            self._watch.leave_request(self._forwarded.popleft())
        if self._ended or self.transport.is_closing():
            self.transport.close()
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._wait()

    def _wait(self) -> None:
        """For the next request, or for the application; heads and bodies have their own time."""
        if not self._in_head and not self._in_body and not self._closing:
            if self._is_answered:
                self._expect(self._limits.keep_alive_seconds)
            else:
                self.expires_at = inf

    def pause_writing(self) -> None:
        super().pause_writing()
        self._expect(_SEND_SECONDS)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._wait()


class TlsProtocol(EdgeProtocol):
    """The same over TLS. Each scope has ASGI's TLS extension (asgiref's ``specs/tls.rst``), whose
    ``client_cert_name`` is the subject (RFC 4514) of the client's certificate as TLS verified it,
    or None.
    """

    _tls: dict[str, Any]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._tls = _tls_extension(transport.get_extra_info("ssl_object"))
        super().connection_made(transport)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {"tls": self._tls}  # type: ignore[dict-item]


def _tls_extension(connection: ssl.SSLObject) -> dict[str, Any]:
    shown = connection.getpeercert(binary_form=True)
    return {
        "server_cert": None,
        "client_cert_chain": [ssl.DER_cert_to_PEM_cert(shown)] if shown else [],
        "client_cert_name": _subject(shown) if shown else None,
        "client_cert_error": None,
        "tls_version": None,
        "cipher_suite": None,
    }


def _subject(certificate: bytes) -> str | None:
    """None for a certificate that TLS let pass and a stricter reader does not."""
    try:
        return x509.load_der_x509_certificate(certificate).subject.rfc4514_string()
    except ValueError:
        return None
