"""What several of Notch Pay's operations have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from guichet.dialects.notchpay.envelope import status_of
from guichet.dialects.notchpay.queries import PAGE_SIZE, PAGE_SIZE_MAX
from guichet.dialects.openapi.operations import (
    FORM,
    JSON,
    MULTIPART,
    Answer,
    Body,
    Security,
    in_query,
)
from guichet.dialects.openapi.schemas import Schema, integer, listed, record, ref, text

_LIMITS = ("X-RateLimit-Limit", "X-RateLimit-Remaining")
_EMPTY: Schema = {"type": "array", "maxItems": 0, "items": {}}

#: Operations that need the private key beside the public one.
GRANTED: Security = (
    {"key": [], "grant": []},
    {"key": [], "grantAuthorization": []},
    {"key": [], "xAuth": []},
)
#: Operations that need it live alone.
GRANTED_WHERE_LIVE: Security = ({"key": []}, *GRANTED)

PAGES = (
    in_query(
        "limit",
        f"Items a page, {PAGE_SIZE} unless told otherwise; also `perpage` and `per_page`.",
        integer(minimum=1, maximum=PAGE_SIZE_MAX),
    ),
    in_query("page", "From 1.", integer(minimum=1)),
)
DAYS = (
    in_query("date_start", "Created on this day or later; also a moment (ISO 8601).", text()),
    in_query("date_end", "Created on this day or earlier; also a moment.", text()),
)
CHANNELS = in_query("channels", "By these channels, separated by commas.", text())


def search(what: str) -> Schema:
    """The parameter ``search``."""
    return in_query("search", f"With this in {what}; also `query`.", text())


def status(known: Iterable[str]) -> Schema:
    """The parameter ``status``."""
    return in_query(
        "status",
        "With one of these statuses, separated by commas.",
        text(),
        examples={word: {"value": word} for word in known},
    )


def body(name: str, what: str, example: Mapping[str, Any]) -> Body:
    """A body by the schema of that name, in any of the forms that are taken."""
    return Body(schema=ref(name), examples={what: example}, media=(JSON, FORM, MULTIPART))


def answered(
    code: int,
    message: str,
    description: str,
    resources: Mapping[str, tuple[Schema, Any]],
    word: str | None = None,
    messages: Schema | None = None,
) -> dict[int, Answer]:
    """``{"code", "status", "message", …}``: each resource by its key, its schema and an example.

    ``messages`` is the schema of the message where it is not always the same.
    """
    word = word or status_of(code)
    said = messages or {"type": "string", "const": message}
    head: dict[str, Schema] = {
        "code": {"type": "integer", "const": code},
        "status": {"type": "string", "const": word},
        "message": said,
    }
    schemas = {key: schema for key, (schema, _) in resources.items()}
    shown = {key: example for key, (_, example) in resources.items()}
    return {
        code: Answer(
            description=description,
            schema=record(head | schemas),
            examples={"answer": {"code": code, "status": word, "message": message, **shown}},
            headers=_LIMITS,
        )
    }


def page_of(
    message: str, name: str, keys: Iterable[str], example: Mapping[str, Any]
) -> dict[int, Answer]:
    """A page of a list, the same array under each of its ``keys``."""
    counts = {
        "totals": (integer("All that match.", minimum=0), 1),
        "last_page": (integer(minimum=1), 1),
        "current_page": (integer(minimum=1), 1),
        "selected": (integer("On this page.", minimum=0), 1),
    }
    arrays = {key: (listed(ref(name)), [example]) for key in keys}
    return answered(200, message, "One page, newest first.", counts | arrays)


def deleted(message: str, *keys: str, code: int = 202) -> dict[int, Answer]:
    """What is left of a thing that was deleted: empty arrays."""
    return answered(code, message, "It is gone.", {key: (_EMPTY, []) for key in keys})
