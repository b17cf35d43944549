"""The control API under ``/_control``: how its commands are read and answered.

It is for tests and for people with curl, has no authentication and belongs on no open network.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .faults import KINDS, Fault, Faults
from .wire import Refusal, decode, encode

Command = Callable[[dict[str, Any]], object]


def command(method: str, name: str, handler: Command) -> Route:
    """The route of one command: a JSON object in (or nothing), JSON out, ``{"error"}`` if wrong."""
    return Route(f"/_control/{name}", _endpoint(handler), methods=[method])


def fault_commands(faults: Faults, operations: Collection[str]) -> list[Route]:
    """The commands that list, add and clear faults."""

    def add(asked: dict[str, Any]) -> object:
        faults.add(*_fault_of(asked, operations))
        return faults.as_json()

    def clear(_asked: dict[str, Any]) -> object:
        faults.clear()
        return faults.as_json()

    return [
        command("GET", "faults", lambda _: faults.as_json()),
        command("POST", "faults", add),
        command("DELETE", "faults", clear),
    ]


def number_of(
    asked: dict[str, Any], name: str, least: int, most: int, default: float | None = None
) -> Decimal | float:
    """A number between ``least`` and ``most``; raises ``Refusal`` 422."""
    value = asked.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise Refusal(422, f"{name} must be a number")
    if not least <= value <= most:
        raise Refusal(422, f"{name} must be between {least} and {most}")
    return value


def address_of(asked: dict[str, Any], name: str) -> str | None:
    """An http or https address, or None; raises ``Refusal`` 422."""
    url = asked.get(name)
    if url is None:
        return None
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise Refusal(422, f"{name} must be an http or https address, or null for none")
    return url


def _fault_of(asked: dict[str, Any], operations: Collection[str]) -> tuple[str, Fault]:
    operation, kind = asked.get("operation"), asked.get("kind")
    if not isinstance(operation, str) or operation not in operations:
        raise Refusal(422, f"operation must be one of {', '.join(operations)}")
    if kind not in KINDS:
        raise Refusal(422, f"kind must be one of {', '.join(KINDS)}")
    fault = Fault(kind)
    fault.seconds = float(number_of(asked, "seconds", 0, 3600, fault.seconds))
    fault.status = int(number_of(asked, "status", 400, 599, fault.status))
    fault.copies = int(number_of(asked, "copies", 0, 100, fault.copies))
    fault.times = int(number_of(asked, "times", 1, 10**6, fault.times))
    if (when := asked.get("when", fault.when)) not in ("before", "after"):
        raise Refusal(422, "when must be before or after")
    fault.when = when
    return operation, fault


def _endpoint(handler: Command) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        status = 200
        try:
            body = await request.body()
            answer = handler(decode(body) if body else {})
        except Refusal as refusal:
            status, answer = refusal.status, {"error": refusal.message}
        return Response(encode(answer), status, media_type="application/json")

    return endpoint
