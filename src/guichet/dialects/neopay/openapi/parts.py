"""What several of Neopay's operations have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from guichet.dialects.neopay.envelope import PAGE_SIZE, PAGE_SIZE_MAX
from guichet.dialects.openapi.operations import (
    Answer,
    Examples,
    in_query,
)
from guichet.dialects.openapi.schemas import (
    Schema,
    integer,
    record,
    ref,
)


def shown(words: Iterable[str]) -> dict[str, Any]:
    """The words as the examples of a parameter."""
    return {word: {"value": word} for word in words}


_LIMITS = ("X-RateLimit-Limit", "X-RateLimit-Remaining")
#: The parameters of every list.
PAGES = (
    in_query("page", "From 1; anything that is no page is the first.", integer(minimum=1)),
    in_query(
        "per_page",
        f"Items a page, {PAGE_SIZE} unless told otherwise.",
        integer(minimum=1, maximum=PAGE_SIZE_MAX),
    ),
)


def answered(description: str, schema: Schema, shown: Examples) -> dict[int, Answer]:
    """The only success of an operation."""
    return {200: Answer(description=description, schema=schema, examples=shown, headers=_LIMITS)}


def saved(noun: str, name: str, verb: str) -> Schema:
    """``{"message": …, "customer": …}``."""
    sentence = f"{noun.title()} {verb} successfully!"
    return record({"message": {"type": "string", "const": sentence}, noun: ref(name)})
