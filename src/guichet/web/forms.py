"""Reading of application/x-www-form-urlencoded, with brackets for nesting."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from guichet.web.strict_json import DEPTH_MAX, Unreadable, storable

_FIELDS_MAX = 200


def read_form(body: bytes) -> dict[str, Any]:
    """The form's fields; ``payment[amount]=1`` is ``{"payment": {"amount": "1"}}``.

    Of a name given twice the last counts. Raises ``Unreadable``.
    """
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=_FIELDS_MAX,
            errors="strict",
        )
    except ValueError as error:
        raise Unreadable(str(error)) from error
    form: dict[str, Any] = {}
    for name, value in pairs:
        if not (storable(name) and storable(value)):
            raise Unreadable("a text holds what cannot be stored")
        put_field(form, name, value)
    return form


def put_field(form: dict[str, Any], name: str, value: str) -> None:
    """Put a field into ``form`` where its name's brackets say; raises ``Unreadable``."""
    _put(form, _path(name), value)


def _path(name: str) -> list[str]:
    first, bracket, rest = name.partition("[")
    if not bracket or not first or not rest.endswith("]"):
        return [name]
    path = [first, *rest[:-1].split("][")]
    if len(path) > DEPTH_MAX:
        raise Unreadable("too deep")
    return path


def _put(form: dict[str, Any], path: list[str], value: str) -> None:
    for step in path[:-1]:
        inner = form.get(step)
        if not isinstance(inner, dict):
            inner = form[step] = {}
        form = inner
    form[path[-1]] = value
