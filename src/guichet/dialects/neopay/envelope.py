"""Laravel's envelope of one page of a list (contract 3.5)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from guichet.domain.paging import Page
from guichet.web.asgi import Request

PAGE_SIZE = 10
PAGE_SIZE_MAX = 100
_POSITIVE = re.compile(r"[1-9][0-9]{0,14}", re.ASCII)
#: Laravel's numbers: pages shown on each side of the present one, and at either end.
_EACH_SIDE = 3
_ENDS = 2


def asked_page(request: Request) -> Page:
    """The page that the query asks for; nonsense means the first one of the usual size."""
    number = request.query_value("page") or ""
    size = request.query_value("per_page") or ""
    size_asked = int(size) if _POSITIVE.fullmatch(size) else PAGE_SIZE
    return Page(
        number=int(number) if _POSITIVE.fullmatch(number) else 1,
        size=size_asked if size_asked <= PAGE_SIZE_MAX else PAGE_SIZE,
    )


def links_and_meta(
    base_url: str, request: Request, page: Page, count: int, total: int
) -> dict[str, Any]:
    """``links`` and ``meta`` for a page that holds ``count`` items of ``total``: not to be changed.

    Addresses are absolute and keep the filters of the request.
    """
    filters = tuple(pair for pair in request.query if pair[0] != "page")
    return _links_and_meta(base_url + request.path, filters, page, count, total)


@lru_cache(maxsize=1024)  # who polls a list asks for the same page again and again
def _links_and_meta(
    path: str, filters: tuple[tuple[str, str], ...], page: Page, count: int, total: int
) -> dict[str, Any]:
    prefix = f"{path}?{urlencode(filters)}&page=" if filters else f"{path}?page="
    last_page = max(-(-total // page.size), 1)
    previous = f"{prefix}{page.number - 1}" if page.number > 1 else None
    following = f"{prefix}{page.number + 1}" if page.number < last_page else None
    numbers = [
        {
            "url": f"{prefix}{number}" if number else None,
            "label": str(number) if number else "...",
            "active": number == page.number,
        }
        for number in _numbers_shown(page.number, last_page)
    ]
    return {
        "links": {
            "first": f"{prefix}1",
            "last": f"{prefix}{last_page}",
            "prev": previous,
            "next": following,
        },
        "meta": {
            "current_page": page.number,
            "from": page.offset + 1 if count else None,
            "last_page": last_page,
            "links": [
                {"url": previous, "label": "Previous", "active": False},
                *numbers,
                {"url": following, "label": "Next", "active": False},
            ],
            "path": path,
            "per_page": page.size,
            "to": page.offset + count if count else None,
            "total": total,
        },
    }


def _numbers_shown(current: int, last: int) -> Sequence[int]:
    """The page numbers to offer; 0 stands for pages left out."""
    if last < _EACH_SIDE * 2 + 8:
        return range(1, last + 1)
    window = _EACH_SIDE + 4
    start, finish = range(1, _ENDS + 1), range(last - _ENDS + 1, last + 1)
    if current <= window:
        return [*range(1, window + _EACH_SIDE + 1), 0, *finish]
    if current > last - window:
        return [*start, 0, *range(last - (window + _EACH_SIDE - 1), last + 1)]
    return [*start, 0, *range(current - _EACH_SIDE, current + _EACH_SIDE + 1), 0, *finish]
