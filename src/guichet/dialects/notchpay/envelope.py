"""Notch Pay's envelopes (contract 5): code, status, message and the resource."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any

from guichet.domain.paging import Page
from guichet.web.asgi import Reply

#: The documents' words where they differ from HTTP's.
_WORDS = {201: "Created", 202: "Accepted", 200: "OK", 422: "Unprocessable Content"}
_INDEX = re.compile(r"(?:0|[1-9][0-9]{0,9})\Z", re.ASCII)


def encode(value: Any) -> bytes:
    """Compact JSON, nothing escaped that need not be: it survives a parse and a re-stringify."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


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


def timestamp(moment: datetime) -> str:
    """UTC with six decimals: ``2024-06-17T07:27:11.000000Z``."""
    return f"{moment.isoformat()[:19]}.{moment.microsecond:06d}Z"


def timestamp_or_none(moment: datetime | None) -> str | None:
    """The same, where there may be no moment."""
    return timestamp(moment) if moment else None


def as_object(text: str | None) -> Mapping[str, Any]:
    """A stored JSON object, its keys in the order that JavaScript gives them; none is empty."""
    value = json.loads(text, object_pairs_hook=_indexes_first) if text else {}
    return value if isinstance(value, dict) else {}


def _indexes_first(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    indexes = sorted((pair for pair in pairs if _INDEX.match(pair[0])), key=lambda p: int(p[0]))
    return dict(indexes + [pair for pair in pairs if not _INDEX.match(pair[0])])
