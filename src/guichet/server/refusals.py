"""Answers that the edge gives by itself, before any application has seen the request.

The body is a JSON object that clients of both dialects read: Neopay's know ``message``, Notch Pay's
``code``, ``status`` and ``message``. Pages of any origin may read it, as the dialects' answers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Self


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP answer but for its status line's end and its ``Date`` and ``Connection`` headers."""

    status: int
    head: bytes
    body: bytes

    @classmethod
    def of(cls, status: HTTPStatus, retry_after_seconds: int = 0) -> Self:
        """The answer for ``status``; with ``retry_after_seconds`` it says when to try again."""
        content = {"code": status.value, "status": status.phrase, "message": status.phrase}
        body = json.dumps(content, separators=(",", ":")).encode()
        return cls._with(status, retry_after_seconds, "application/json", body)

    @classmethod
    def page(cls, status: HTTPStatus, retry_after_seconds: int, body: str) -> Self:
        """A page of HTML for ``status``."""
        content_type = "text/html; charset=utf-8"
        return cls._with(status, retry_after_seconds, content_type, body.encode())

    @classmethod
    def _with(
        cls, status: HTTPStatus, retry_after_seconds: int, content_type: str, body: bytes
    ) -> Self:
        lines = [
            f"HTTP/1.1 {status.value} {status.phrase}",
            f"content-type: {content_type}",
            f"content-length: {len(body)}",
            "cache-control: no-store",
            "access-control-allow-origin: *",
            "access-control-expose-headers: Retry-After",
        ]
        if retry_after_seconds:
            lines.append(f"retry-after: {retry_after_seconds}")
        return cls(status.value, "\r\n".join((*lines, "")).encode(), body)

    def encoded(self, headers: list[tuple[bytes, bytes]], *, close: bool) -> bytes:
        """The bytes of the answer with more ``headers``; ``close`` says that it is the last."""
        more = b"".join(b"%b: %b\r\n" % header for header in headers)
        return b"%b%b%b\r\n%b" % (
            self.head,
            more,
            b"connection: close\r\n" if close else b"",
            self.body,
        )


BAD_REQUEST = Refusal.of(HTTPStatus.BAD_REQUEST)
TOO_SLOW = Refusal.of(HTTPStatus.REQUEST_TIMEOUT)
BODY_TOO_LARGE = Refusal.of(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
TARGET_TOO_LONG = Refusal.of(HTTPStatus.REQUEST_URI_TOO_LONG)
HEAD_TOO_LARGE = Refusal.of(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
TOO_MANY_OF_ADDRESS = Refusal.of(HTTPStatus.TOO_MANY_REQUESTS, 1)
TOO_MANY = Refusal.of(HTTPStatus.SERVICE_UNAVAILABLE, 1)
#: Spread over time, so that those refused together do not come back together.
BUSY = tuple(Refusal.of(HTTPStatus.SERVICE_UNAVAILABLE, seconds) for seconds in (1, 2, 3))
#: For a payer's browser, in the languages of the payer's pages; it comes again by itself.
BUSY_PAGE = Refusal.page(
    HTTPStatus.SERVICE_UNAVAILABLE,
    2,
    """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="2"><title>One moment</title>
<p>Many people are paying right now. This page tries again by itself.
<p lang="fr">Beaucoup de personnes paient en ce moment. Cette page réessaie toute seule.
<p lang="es">Muchas personas están pagando ahora. Esta página lo intenta de nuevo por sí sola.
<p lang="pt">Muitas pessoas estão pagando agora. Esta página tenta de novo sozinha.
</html>
""",
)
