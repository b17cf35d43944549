"""Reading a request's body as Neopay's clients send it (contract 2.2 and 3.7)."""

from __future__ import annotations

import logging
from typing import Any

from guichet.domain.access import Caller
from guichet.web.asgi import Request
from guichet.web.forms import read_form
from guichet.web.strict_json import Unreadable, read_json, repair_commas

log = logging.getLogger(__name__)


def read_fields(request: Request) -> dict[str, Any]:
    """The fields of the body; none if it is unreadable, which the validation then reports.

    Whatever calls itself JSON, nothing at all, or begins with a brace is JSON: the documents
    themselves send ``application/json/``. A form may use brackets.
    """
    try:
        if _is_json(request):
            return _fields(read_json(request.body))
        if "application/x-www-form-urlencoded" in request.headers["content-type"].lower():
            return read_form(request.body)
    except Unreadable:
        pass
    return {}


def read_fields_leniently(request: Request, caller: Caller) -> dict[str, Any]:
    """As ``read_fields``; for applications that allow it, a body that is no JSON is read once
    more with the commas that the documented examples forget.
    """
    if not caller.application.lenient_json or not _is_json(request):
        return read_fields(request)
    try:
        return _fields(read_json(request.body))
    except Unreadable:
        repaired = repair_commas(request.body)
    if repaired is None:
        return {}
    try:
        fields = _fields(read_json(repaired))
    except Unreadable:
        return {}
    log.info("repaired commas in a body", extra={"application_id": str(caller.application.id)})
    return fields


def _is_json(request: Request) -> bool:
    content_type = request.headers.get("content-type", "").lower()
    return (
        "/json" in content_type
        or "+json" in content_type
        or not content_type
        or request.body.lstrip()[:1] == b"{"
    )


def _fields(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
