"""Notch Pay's envelopes (contract 5): code, status, message and the resource."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any

from guichet.domain.paging import Page
from guichet.web.asgi import Reply, Request

_PAGE_SIZE = 30
_PAGE_SIZE_MAX = 100
_NUMBER = re.compile(r"[0-9]{1,9}\Z", re.ASCII)
#: The documents' words where they differ from HTTP's.
_WORDS = {201: "Created", 202: "Accepted", 200: "OK", 422: "Unprocessable Content"}


def encode(value: Any) -> bytes:
    """Compact JSON, nothing escaped that need not be: it survives a parse and a re-stringify."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def answer(code: int, message: str, status: str | None = None, **resources: Any) -> Reply:
    """``{"code", "status", "message", …}``; the HTTP status is the code."""
    return Reply(code, encode(_head(code, message, status) | resources))


def _head(code: int, message: str, status: str | None = None) -> dict[str, Any]:
    return {"code": code, "status": status or status_of(code), "message": message}


def status_of(code: int) -> str:
    """The word that stands beside a code."""
    return _WORDS.get(code) or HTTPStatus(code).phrase


def listing(
    message: str, items: Sequence[Any], page: Page, total: int, keys: Sequence[str]
) -> Reply:
    """One page of a list under each of its ``keys``: older clients read other names (1, row 9)."""
    totals = {
        "totals": total,
        "last_page": max(-(-total // page.size), 1),
        "current_page": page.number,
        "selected": len(items),
    }
    return Reply(200, encode(_head(200, message) | totals | dict.fromkeys(keys, items)))


def asked_page(request: Request) -> Page:
    """The page that the query asks for: ``limit`` (or ``perpage``) up to 100, ``page`` from 1."""
    size = next(
        (
            int(text)
            for name in ("limit", "perpage", "per_page")
            if _NUMBER.match(text := request.query_value(name) or "") and int(text)
        ),
        _PAGE_SIZE,
    )
    number = request.query_value("page") or ""
    return Page(
        number=max(int(number), 1) if _NUMBER.match(number) else 1,
        size=min(size, _PAGE_SIZE_MAX),
    )


def asked_words(request: Request, name: str) -> list[str]:
    """A list in the query: by commas, repeated, or as ``name[0]=`` (contract 5.3)."""
    pattern = re.compile(rf"{name}(?:\[[0-9]*\])?\Z", re.ASCII)
    found = (text for key, text in request.query if pattern.match(key))
    return [word.strip() for text in found for word in text.split(",") if word.strip()]


def timestamp(moment: datetime) -> str:
    """UTC with six decimals: ``2024-06-17T07:27:11.000000Z``."""
    return f"{moment.isoformat()[:19]}.{moment.microsecond:06d}Z"


def timestamp_or_none(moment: datetime | None) -> str | None:
    """The same, where there may be no moment."""
    return timestamp(moment) if moment else None


def as_object(text: str | None) -> Mapping[str, Any]:
    """A stored JSON object; none is empty."""
    value = json.loads(text) if text else {}
    return value if isinstance(value, dict) else {}
