"""Calls operations as the documents' examples do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from documented import documented
from wire.client import Answer, Client


class Shown(NamedTuple):
    """An operation with one of the bodies that its document shows, None where it takes none."""

    route: str
    label: str
    body: Any
    successes: frozenset[int]


def shown(dialect: str) -> Iterator[Shown]:
    """Every operation, aliases aside, with each of its examples."""
    for path, item in documented(dialect).document["paths"].items():
        for method, operation in item.items():
            if "x-alias-of" in operation:
                continue
            codes = frozenset(int(code) for code in operation["responses"] if code < "3")
            content = operation.get("requestBody", {}).get("content", {})
            examples = content.get("application/json", {}).get("examples", {"": {"value": None}})
            for label, example in examples.items():
                route = f"{method.upper()} {path}"
                yield Shown(route, f"{route} {label}".strip(), example["value"], codes)


async def call(client: Client, one: Shown, **ids: str) -> Answer:
    """The operation's answer; ``ids`` stand for the parameters of its path."""
    method, _, path = one.route.partition(" ")
    body = None if one.body is None else json.dumps(one.body).encode()
    return await client.call(method, path.format(**ids), body)
