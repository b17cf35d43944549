"""What a dialect says of each of its operations, before it becomes OpenAPI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from guichet.dialects.openapi.schemas import Schema

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
CSV = "text/csv"

#: Example values by a short name that says what they show.
Examples = Mapping[str, Any]
#: Ways to be let in: any of them, each by all its schemes.
Security = Sequence[Mapping[str, Sequence[str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What a request carries. ``media`` are the forms in which it is taken, the usual one first;
    ``examples`` are values before they are written in any of them. ``also`` are other forms that
    have schemas of their own.
    """

    schema: Schema
    examples: Examples
    media: Sequence[str] = (JSON, FORM)
    required: bool = True
    also: Mapping[str, Schema] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A successful answer. ``headers`` name headers among the components; ``also`` are forms other
    than JSON, with their schemas.
    """

    description: str
    schema: Schema | None
    examples: Examples = field(default_factory=dict)
    headers: Sequence[str] = ()
    also: Mapping[str, Schema] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation. ``failures`` are the statuses that it has beside those that all have.

    ``aliases`` (``"PUT /api/customers/{id}"``) are other ways to say the same. ``security`` is
    OpenAPI's; None takes the document's.
    """

    route: str
    name: str
    tag: str
    summary: str
    answers: Mapping[int, Answer]
    description: str = ""
    parameters: Sequence[Schema] = ()
    body: Body | None = None
    failures: Sequence[int] = ()
    aliases: Sequence[str] = ()
    security: Security | None = None
    deprecated: bool = False

    @property
    def method(self) -> str:
        """The verb of its route, ``GET``."""
        return self.route.partition(" ")[0]

    @property
    def path(self) -> str:
        """The path of its route, ``/api/customers/{id}``."""
        return self.route.partition(" ")[2]


def in_path(name: str, description: str, example: str) -> Schema:
    """A parameter that is a segment of the path."""
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": {"type": "string", "minLength": 1},
        "example": example,
    }


def in_query(name: str, description: str, schema: Schema, **more: Any) -> Schema:
    """A parameter of the query, always optional here; ``more`` are OpenAPI's further keys."""
    return {"name": name, "in": "query", "description": description, "schema": schema, **more}


def in_header(name: str, description: str, schema: Schema) -> Schema:
    """An optional header."""
    return {"name": name, "in": "header", "description": description, "schema": schema}
