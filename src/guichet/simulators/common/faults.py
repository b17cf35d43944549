"""What can go wrong between a call and its answer, and how it is made to go wrong.

``drop`` under uvicorn: the transport behind the request is aborted before anything was written,
so that the caller sees its connection closed without an answer and no log line is written. Under
another server, where the transport cannot be reached, the call is held until the caller gives up.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

Kind = Literal["delay", "drop", "hold", "error", "garble", "hide", "duplicate", "page"]
KINDS: tuple[Kind, ...] = (
    "delay",
    "drop",
    "hold",
    "error",
    "garble",
    "hide",
    "duplicate",
    "page",
)

_HELD_SECONDS = 60.0


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong with the next ``times`` calls of an operation.

    ``when``: ``before`` the operation is carried out (nothing happens) or ``after`` it.
    ``seconds`` is for ``delay`` and ``hold``, ``status`` for ``error`` and ``page`` (HTML of
    something on the way), ``copies`` (of a webhook) for ``duplicate``. ``hide`` answers 404.
    """

    kind: Kind
    when: Literal["before", "after"] = "after"
    seconds: float = _HELD_SECONDS
    status: int = 502
    copies: int = 2
    times: int = 1

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Faults:
    """Faults waiting for calls, first in, first out, one queue for each operation."""

    def __init__(self) -> None:
        self._queues: dict[str, deque[Fault]] = {}

    def add(self, operation: str, fault: Fault) -> None:
        self._queues.setdefault(operation, deque()).append(fault)

    def take(self, operation: str) -> Fault | None:
        """The fault that this call meets, if any; counts it down."""
        queue = self._queues.get(operation)
        if not queue:
            return None
        fault = queue[0]
        fault.times -= 1
        if fault.times <= 0:
            queue.popleft()
        return fault

    def clear(self) -> None:
        self._queues.clear()

    def as_json(self) -> dict[str, Any]:
        return {name: [each.as_json() for each in queue] for name, queue in self._queues.items()}


#: Carries an operation out: its answer, and a fault that the operation itself asks for.
Handle = Callable[[Request, bytes], tuple[Response, Fault | None]]
#: The provider's error answer for a status and a sentence.
Refuse = Callable[[int, str], Response]


def faulty(
    name: str, faults: Faults, handle: Handle, refuse: Refuse
) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint of an operation, with the fault that waits for it if there is one."""

    async def endpoint(request: Request) -> Response:
        body = await request.body()
        fault = faults.take(name)
        if fault is not None and fault.kind == "hide":
            return refuse(404, "Not found")
        if fault is not None and fault.when == "before":
            if fault.kind != "delay":
                return await spoilt(request, fault, Response(b"{}"), refuse)
            await asyncio.sleep(fault.seconds)
            fault = None
        answer, own_fault = handle(request, body)
        return await spoilt(request, fault or own_fault, answer, refuse)

    return endpoint


async def spoilt(
    request: Request, fault: Fault | None, answer: Response, refuse: Refuse
) -> Response:
    """The answer, or what the fault makes of it."""
    if fault is None:
        return answer
    if fault.kind == "delay":
        await until_gone(request, fault.seconds)
    elif fault.kind == "hold":
        await until_gone(request, fault.seconds)
        await cut(request)
    elif fault.kind == "drop":
        await cut(request)
    elif fault.kind == "error":
        return refuse(fault.status, "The bank did not answer")
    elif fault.kind == "page":
        return HTMLResponse("<html><h1>Bad Gateway</h1></html>", fault.status)
    elif fault.kind == "garble":
        half = bytes(answer.body)[: len(answer.body) // 2]
        return Response(half, answer.status_code, media_type=answer.headers.get("content-type"))
    return answer


async def until_gone(request: Request, seconds: float) -> None:
    """Waits until the caller has closed the connection, at most ``seconds``."""
    try:
        async with asyncio.timeout(seconds):
            while (await request.receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return


async def cut(request: Request) -> None:
    """Closes the caller's connection without an answer; nothing sent after this arrives."""
    cycle = getattr(request.receive, "__self__", None)
    transport = getattr(cycle, "transport", None)
    if transport is not None:
        transport.abort()
    await until_gone(request, _HELD_SECONDS)
