"""From a dialect's operations to its OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guichet.dialects.openapi.curl import curl_line
from guichet.dialects.openapi.operations import Answer, Body, Examples, Operation, Security
from guichet.dialects.openapi.schemas import Schema

OPENAPI_VERSION = "3.1.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """All that a dialect's document says, the server's address aside.

    ``failures`` name the answer among ``responses`` for each status that is no success; those in
    ``everywhere`` belong to every operation. ``credentials`` are example values by the name of the
    header, for the curl lines.
    """

    title: str
    version: str
    summary: str
    description: str
    tags: Mapping[str, str]
    operations: Sequence[Operation]
    schemas: Mapping[str, Schema]
    responses: Mapping[str, Schema]
    headers: Mapping[str, Schema]
    failures: Mapping[int, str]
    everywhere: Sequence[int]
    security_schemes: Mapping[str, Schema]
    security: Security
    credentials: Mapping[str, str]
    webhooks: Mapping[str, Schema]


def document(dialect: Dialect, server_url: str) -> dict[str, Any]:
    """The dialect's document as of a server at ``server_url``."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in dialect.operations:
        for route, made in _operations(dialect, operation, server_url):
            method, _, path = route.partition(" ")
            paths.setdefault(path, {})[method.lower()] = made
    return {
        "openapi": OPENAPI_VERSION,
        "info": {
            "title": dialect.title,
            "version": dialect.version,
            "summary": dialect.summary,
            "description": dialect.description,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": server_url}],
        "security": [dict(each) for each in dialect.security],
        "tags": [{"name": name, "description": text} for name, text in dialect.tags.items()],
        "paths": paths,
        "webhooks": dict(dialect.webhooks),
        "components": {
            "schemas": dict(dialect.schemas),
            "responses": dict(dialect.responses),
            "headers": dict(dialect.headers),
            "securitySchemes": dict(dialect.security_schemes),
        },
    }


def response(description: str, schema: Schema, examples: Examples, *headers: str) -> Schema:
    """A response for the components."""
    made = {"description": description, "content": _content(schema, examples, ["application/json"])}
    return made | _headers(headers)


def notice(
    summary: str, description: str, schema: Schema, examples: Examples, headers: Sequence[Schema]
) -> Schema:
    """An entry of ``webhooks``: a request that we send, answered by any 2xx."""
    return {
        "post": {
            "summary": summary,
            "description": description,
            "parameters": list(headers),
            "requestBody": {
                "required": True,
                "content": _content(schema, examples, ["application/json"]),
            },
            "responses": {"2XX": {"description": "Taken. Anything else is tried again later."}},
        }
    }


def _operations(
    dialect: Dialect, operation: Operation, server_url: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The operation and its aliases, each by its route."""
    whole = _operation(dialect, operation, server_url)
    yield operation.route, whole
    for count, alias in enumerate(operation.aliases, start=1):
        yield (
            alias,
            whole
            | {
                "operationId": f"{operation.name}Alias{count}",
                "deprecated": True,
                "summary": f"{operation.summary} (alias)",
                "description": f"Another way to say `{operation.route}`, for older clients.",
                "x-alias-of": operation.name,
            },
        )


def _operation(dialect: Dialect, operation: Operation, server_url: str) -> dict[str, Any]:
    responses: dict[str, Any] = {
        str(status): _answer(answer) for status, answer in operation.answers.items()
    }
    for status in sorted({*operation.failures, *dialect.everywhere}):
        responses[str(status)] = {"$ref": f"#/components/responses/{dialect.failures[status]}"}
    made: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description,
    }
    if operation.deprecated:
        made["deprecated"] = True
    if operation.security is not None:
        made["security"] = [dict(each) for each in operation.security]
    if operation.parameters:
        made["parameters"] = list(operation.parameters)
    if operation.body is not None:
        made["requestBody"] = _body(operation.body)
    source = curl_line(operation, server_url, _sent(dialect, operation))
    return made | {
        "responses": responses,
        "x-codeSamples": [{"lang": "Shell", "label": "curl", "source": source}],
    }


def _sent(dialect: Dialect, operation: Operation) -> dict[str, str]:
    """The headers that carry the credentials of the first way to be let in."""
    ways = operation.security if operation.security is not None else dialect.security
    schemes = (dialect.security_schemes[name] for name in (ways[0] if ways else ()))
    return {scheme["name"]: dialect.credentials[scheme["name"]] for scheme in schemes}


def _body(body: Body) -> dict[str, Any]:
    return {
        "required": body.required,
        "content": _content(body.schema, body.examples, body.media) | _also(body.also),
    }


def _answer(answer: Answer) -> dict[str, Any]:
    made: dict[str, Any] = {"description": answer.description}
    if answer.schema is not None:
        content = _content(answer.schema, answer.examples, ["application/json"])
        made["content"] = content | _also(answer.also)
    return made | _headers(answer.headers)


def _also(schemas: Mapping[str, Schema]) -> dict[str, Any]:
    return {media: {"schema": schema} for media, schema in schemas.items()}


def _headers(names: Sequence[str]) -> dict[str, Any]:
    if not names:
        return {}
    return {"headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names}}


def _content(schema: Schema, examples: Examples, media: Sequence[str]) -> dict[str, Any]:
    """Examples stand with the first form alone: the others carry the same values."""
    content: dict[str, Any] = {name: {"schema": schema} for name in media}
    if examples:
        content[media[0]]["examples"] = {
            name.replace(" ", "-"): {"summary": name, "value": value}
            for name, value in examples.items()
        }
    return content


def encoded(made: Mapping[str, Any]) -> bytes:
    """The document's bytes: the same for the same document, readable as they are."""
    return json.dumps(made, ensure_ascii=False, indent=1).encode() + b"\n"
