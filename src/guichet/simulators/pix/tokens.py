"""OAuth 2.0 client credentials (RFC 6749), tokens bound to the client's certificate (RFC 8705)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from guichet.simulators.common.wire import encode

from .book import Book
from .problems import Problem
from .records import Receiver

TOKEN_SECONDS = 3600
SCOPES = (
    "cob.read",
    "cob.write",
    "pix.read",
    "pix.write",
    "webhook.read",
    "webhook.write",
)


@dataclass(frozen=True, slots=True)
class Token:
    """``certificate`` is the SHA-256 of the certificate it was issued to, None without one."""

    receiver: Receiver
    scopes: frozenset[str]
    certificate: str | None
    expires_at: datetime


class Tokens:
    """Issues access tokens and knows whose they are."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._tokens: dict[str, Token] = {}

    def revoke_all(self) -> None:
        self._tokens.clear()

    def issue(self, request: Request, body: bytes) -> Response:
        """The answer of ``POST /oauth/token``."""
        receiver = self._client(request)
        if receiver is None:
            return _error(401, "invalid_client", "The client id or its secret is wrong")
        form = parse_qs(body.decode("utf-8", "replace"))
        if form.get("grant_type") != ["client_credentials"]:
            known = "grant_type" in form
            error = "unsupported_grant_type" if known else "invalid_request"
            return _error(400, error, "grant_type must be client_credentials")
        asked = " ".join(form.get("scope", [" ".join(SCOPES)])).split()
        if unknown := sorted(set(asked) - set(SCOPES)):
            return _error(400, "invalid_scope", f"There is no scope {', '.join(unknown)}")
        now = self._book.now()
        self._tokens = {key: each for key, each in self._tokens.items() if each.expires_at > now}
        token = secrets.token_urlsafe(32)
        self._tokens[token] = Token(
            receiver,
            frozenset(asked),
            certificate_of(request),
            now + timedelta(seconds=TOKEN_SECONDS),
        )
        return _json(
            200,
            {
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": TOKEN_SECONDS,
                "scope": " ".join(asked),
            },
        )

    def receiver_of(self, request: Request, scope: str) -> Receiver:
        """Who calls; raises ``Problem`` 401 or, for want of a scope, 403."""
        kind, _, text = request.headers.get("authorization", "").partition(" ")
        token = self._tokens.get(text.strip()) if kind.lower() == "bearer" else None
        if token is None or token.expires_at <= self._book.now():
            raise Problem(401, "AcessoNegado", "O token de acesso falta, é inválido ou expirou.")
        if token.certificate is not None and token.certificate != certificate_of(request):
            raise Problem(401, "AcessoNegado", "O token foi emitido para outro certificado.")
        if scope not in token.scopes:
            raise Problem(403, "AcessoNegado", f"O token não tem o escopo {scope}.")
        return token.receiver

    def _client(self, request: Request) -> Receiver | None:
        kind, _, text = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "basic":
            return None
        try:
            given = base64.b64decode(text.strip(), validate=True)
        except binascii.Error:
            return None
        client_id, _, secret = given.partition(b":")
        receiver = self._book.receivers.get(client_id.decode("utf-8", "replace"))
        expected = receiver.client_secret if receiver is not None else ""
        if not secrets.compare_digest(secret, expected.encode()):
            return None
        return receiver


def certificate_of(request: Request) -> str | None:
    """The SHA-256 of the caller's certificate, URL-safe base64 (``x5t#S256``).

    Under uvicorn the TLS connection behind the request is asked; None without TLS, or under a
    server where the program cannot reach the connection.
    """
    cycle = getattr(request.receive, "__self__", None)
    transport = getattr(cycle, "transport", None)
    tls = transport.get_extra_info("ssl_object") if transport is not None else None
    certificate = tls.getpeercert(binary_form=True) if tls is not None else None
    if certificate is None:
        return None
    digest = hashlib.sha256(certificate).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _error(status: int, error: str, description: str) -> Response:
    answer = _json(status, {"error": error, "error_description": description})
    if status == 401:
        answer.headers["www-authenticate"] = 'Basic realm="pix"'
    return answer


def _json(status: int, body: dict[str, object]) -> Response:
    headers = {"cache-control": "no-store", "pragma": "no-cache"}
    return Response(encode(body), status, headers, "application/json")
