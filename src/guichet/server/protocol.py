"""uvicorn's HTTP protocol with what it lacks: answers in one system call, clients' certificates."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

from cryptography import x509
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class OneWriteProtocol(HttpToolsProtocol):
    """uvicorn writes an answer's head and body one after the other, and each write is a system
    call and a packet: a quarter of all CPU time of a busy server. Here they leave together.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(_Joining(transport, self.loop))  # type: ignore[arg-type]


class TlsProtocol(OneWriteProtocol):
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


class _Joining:
    """A transport that keeps a write until the next one, or until the loop's next turn."""

    __slots__ = ("_call_soon", "_kept", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._call_soon = loop.call_soon
        self._kept: bytes | None = None

    def write(self, data: bytes) -> None:
        kept = self._kept
        if kept is None:
            self._kept = data
            self._call_soon(self._flush)
        else:
            self._kept = None
            self._transport.write(kept + data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _flush(self) -> None:
        kept = self._kept
        if kept is not None:
            self._kept = None
            if not self._transport.is_closing():
                self._transport.write(kept)
