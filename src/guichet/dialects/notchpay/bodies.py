"""Reading a request's body as Notch Pay's clients send it (contract 3)."""

from __future__ import annotations

from email.message import Message
from email.parser import BytesParser
from typing import Any

from guichet.web.asgi import Request
from guichet.web.forms import put_field, read_form
from guichet.web.strict_json import Unreadable, read_json, storable

_PARTS_MAX = 200


class InvalidBody(Exception):
    """The body is no JSON object and no form."""


def read_fields(request: Request) -> dict[str, Any]:
    """The fields of a body: texts trimmed, empty ones None; raises ``InvalidBody``.

    JSON, a URL-encoded form or multipart; whatever calls itself otherwise is tried as JSON first.
    Nothing at all and the empty array that PHP makes of no fields are no fields.
    """
    if not request.body.strip():
        return {}
    content_type = request.headers.get("content-type", "")
    media_type = content_type.partition(";")[0].strip().lower()
    try:
        if media_type == "multipart/form-data":
            fields = _read_multipart(content_type, request.body)
        elif media_type == "application/x-www-form-urlencoded" and not _looks_like_json(request):
            fields = read_form(request.body)
        else:
            fields = _read_json_or_form(request.body, content_type)
    except Unreadable as error:
        raise InvalidBody from error
    if not isinstance(fields, dict):
        raise InvalidBody
    return {name: trimmed(value) for name, value in fields.items()}


def _read_json_or_form(body: bytes, content_type: str) -> Any:
    """JSON, whatever it is called; without a name and not JSON, a form."""
    try:
        value = read_json(body)
    except Unreadable:
        if content_type or b"=" not in body or body.lstrip()[:1] in b"{[":
            raise
        return read_form(body)
    return {} if value == [] else value


def _looks_like_json(request: Request) -> bool:
    return request.body.lstrip()[:1] in (b"{", b"[")


def trimmed(value: Any) -> Any:
    """As Laravel's middleware: texts lose outer blanks, empty ones are none (contract 3)."""
    if isinstance(value, dict):
        return {name: trimmed(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [trimmed(inner) for inner in value]
    if type(value) is str:
        return value.strip() or None
    return value


def _read_multipart(content_type: str, body: bytes) -> dict[str, Any]:
    head = f"content-type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    parts = BytesParser().parsebytes(head + body).get_payload()
    if not isinstance(parts, list):
        raise Unreadable("no parts")
    form: dict[str, Any] = {}
    for count, part in enumerate(parts):
        assert isinstance(part, Message)
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if count >= _PARTS_MAX or not isinstance(name, str) or not isinstance(payload, bytes):
            raise Unreadable("a part without a name, or too many")
        try:
            text = payload.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Unreadable("a part is no text") from error
        if not (storable(name) and storable(text)):
            raise Unreadable("a text holds what cannot be stored")
        put_field(form, name, text)
    return form
