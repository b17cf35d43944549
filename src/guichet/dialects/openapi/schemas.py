"""Short ways to write JSON Schema (2020-12).

What we answer is closed: a key that no schema names is a difference between code and document.
What we are sent is open: unknown fields are ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Schema = dict[str, Any]


def text(description: str = "", **more: Any) -> Schema:
    """A string; ``more`` are further keywords (``maxLength``, ``pattern``, ``examples``)."""
    return _of("string", description, more)


def uuid(description: str = "", **more: Any) -> Schema:
    """A UUID."""
    return text(description, format="uuid", **more)


def address(description: str = "", **more: Any) -> Schema:
    """A web address."""
    return text(description, format="uri", **more)


def number(description: str = "", **more: Any) -> Schema:
    """A number."""
    return _of("number", description, more)


def integer(description: str = "", **more: Any) -> Schema:
    """A number without decimals."""
    return _of("integer", description, more)


def boolean(description: str = "", **more: Any) -> Schema:
    """True or false."""
    return _of("boolean", description, more)


def words(known: Iterable[str], description: str = "") -> Schema:
    """One of the ``known`` words."""
    return {"type": "string", "enum": list(known)} | _described(description)


def listed(items: Schema, description: str = "", **more: Any) -> Schema:
    """An array."""
    return {"type": "array", "items": items} | _described(description) | more


def either(*schemas: Schema, description: str = "") -> Schema:
    """Whatever fits one of the schemas."""
    return {"anyOf": list(schemas)} | _described(description)


def ref(name: str) -> Schema:
    """The schema of that name among the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def nullable(schema: Schema) -> Schema:
    """The same, or null."""
    kind = schema.get("type")
    if not isinstance(kind, str):
        return {"anyOf": [schema, {"type": "null"}]}
    made = {**schema, "type": [kind, "null"]}
    if "enum" in schema:
        made["enum"] = [*schema["enum"], None]
    return made


def record(
    properties: Mapping[str, Schema], description: str = "", optional: Iterable[str] = ()
) -> Schema:
    """An object that we answer: these keys, no others, all of them but the ``optional`` ones."""
    left_out = set(optional)
    return {
        "type": "object",
        **_described(description),
        "properties": dict(properties),
        "required": [name for name in properties if name not in left_out],
        "additionalProperties": False,
    }


def fields(
    properties: Mapping[str, Schema],
    description: str = "",
    required: Iterable[str] = (),
    **more: Any,
) -> Schema:
    """An object that we are sent; what it has besides is ignored."""
    made = {"type": "object", **_described(description), "properties": dict(properties)}
    if needed := list(required):
        made["required"] = needed
    return made | more


def any_object(description: str = "") -> Schema:
    """An object of the caller's own making."""
    return {"type": "object", **_described(description), "additionalProperties": True}


def _of(kind: str, description: str, more: Mapping[str, Any]) -> Schema:
    return {"type": kind, **_described(description), **more}


def _described(description: str) -> Schema:
    return {"description": description} if description else {}
