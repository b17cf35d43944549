"""A line for curl that shows an operation at work."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from guichet.dialects.openapi.operations import JSON, Operation

_CONTINUED = " \\\n  "


def curl_line(operation: Operation, server_url: str, headers: Mapping[str, str]) -> str:
    """The operation's first example as a shell command with these headers."""
    path = operation.path
    for parameter in operation.parameters:
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(parameter["example"]))
    parts = [f"curl -s {_method(operation)}{shlex.quote(server_url + path)}"]
    parts += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in headers.items()]
    if operation.body is not None and operation.body.examples:
        example: Any = next(iter(operation.body.examples.values()))
        parts.append(f"-H 'Content-Type: {JSON}'")
        parts.append(f"-d {shlex.quote(json.dumps(example, ensure_ascii=False, indent=2))}")
    return _CONTINUED.join(parts)


def _method(operation: Operation) -> str:
    has_body = operation.body is not None and bool(operation.body.examples)
    implied = "POST" if has_body else "GET"
    return "" if operation.method == implied else f"-X {operation.method} "
