"""Nothing but the guarded client calls out: no other module has the means."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2] / "src" / "guichet"
#: Modules with which one can call somebody, and calls that open a connection.
MEANS = {
    "httpx2", "httpx", "httpcore2", "httpcore", "requests", "aiohttp", "urllib3", "http.client",
    "urllib.request", "ftplib", "smtplib", "telnetlib", "xmlrpc.client", "websockets", "anyio",
}  # fmt: skip
CALLS = {"open_connection", "create_connection", "open_unix_connection", "getaddrinfo"}
#: Who may: the client itself; the simulators, which are other people's servers; the torture, which
#: is a client of its own.
ALLOWED = ("outbound/", "simulators/", "torture/")


def ways_out(source: str) -> Iterator[str]:
    """What in ``source`` can call out."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (each.name for each in names if each.name in MEANS)
            case ast.ImportFrom(module=str(module), names=names):
                full = {module, *(f"{module}.{each.name}" for each in names)}
                yield from sorted(full & MEANS)
            case ast.Attribute(attr=name) | ast.Name(id=name) if name in CALLS:
                yield name
            case _:
                pass


def test_only_the_guarded_client_has_a_way_out() -> None:
    found = {}
    for path in SOURCES.rglob("*.py"):
        name = path.relative_to(SOURCES).as_posix()
        ways = list(ways_out(path.read_text("utf-8")))
        if ways and not name.startswith(ALLOWED):
            found[name] = ways
    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        "import httpx2",
        "from urllib import request",
        "from urllib.request import urlopen",
        "import http.client",
        "import asyncio\nasyncio.open_connection('a', 1)",
        "import socket\nsocket.create_connection(('a', 1))",
        "def late():\n    from httpcore2 import URL",
    ],
)
def test_a_way_out_is_found(source: str) -> None:
    assert list(ways_out(source))
