"""What the query of a list asks for (contract 5.3)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from guichet.dialects.validation import ValidationFailed, say
from guichet.domain.paging import Page
from guichet.web.asgi import Request
from guichet.web.strict_json import storable

PAGE_SIZE = 30
PAGE_SIZE_MAX = 100
_NUMBER = re.compile(r"[0-9]{1,9}\Z", re.ASCII)
_DAY_LENGTH = len("2026-01-31")
#: Before and after these no payment was made, and days can still be added to them.
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


def asked_page(request: Request) -> Page:
    """The page that the query asks for: ``limit`` (or ``perpage``) up to 100, ``page`` from 1."""
    size = next(
        (
            int(text)
            for name in ("limit", "perpage", "per_page")
            if _NUMBER.match(text := request.query_value(name) or "") and int(text)
        ),
        PAGE_SIZE,
    )
    number = request.query_value("page") or ""
    return Page(
        number=max(int(number), 1) if _NUMBER.match(number) else 1,
        size=min(size, PAGE_SIZE_MAX),
    )


def asked_text(request: Request, *names: str) -> str | None:
    """The first of ``names`` that the query has, blanks cut; raises ``ValidationFailed`` for a
    text that nothing stored can hold.
    """
    for name in names:
        text = (request.query_value(name) or "").strip()
        if not storable(text):
            raise ValidationFailed({name: [say("The {} field must be a string.", name)]})
        if text:
            return text
    return None


def asked_words(request: Request, name: str) -> list[str]:
    """A list in the query: by commas, repeated, or as ``name[0]=`` (contract 5.3)."""
    pattern = re.compile(rf"{name}(?:\[[0-9]*\])?\Z", re.ASCII)
    found = (text for key, text in request.query if pattern.match(key) and storable(text))
    return [word.strip() for text in found for word in text.split(",") if word.strip()]


def asked_days(request: Request) -> tuple[datetime | None, datetime | None]:
    """``date_start`` and ``date_end`` as bounds of the creation, the second one exclusive.

    Days are meant whole; of a moment with its time that moment is the end. What is neither is no
    bound.
    """
    start = _moment(request.query_value("date_start"))
    text = (request.query_value("date_end") or "").strip()
    end = _moment(text)
    if end is not None:
        whole_day = len(text) == _DAY_LENGTH
        end += timedelta(days=1) if whole_day else timedelta(microseconds=1)
    return start, end


def _moment(value: str | None) -> datetime | None:
    # An offset's plus comes as a blank from clients that do not escape it.
    text = (value or "").strip().replace(" ", "+" if "T" in (value or "") else " ")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(moment, _FIRST), _LAST)
