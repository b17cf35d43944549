"""Where tests stand: they call services themselves, with no face before them that knows a caller.

Such a call acts for every application, as an operator does. What is served and what a worker does
in the same process is left alone: there the gateway's own code says for whom it acts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID
from weakref import WeakSet

from guichet.services.access import AccessTable
from guichet.store import scope
from guichet.web.asgi import Application, Receive, Scope, Send
from guichet.worker.lanes import Lane

_WITHIN: ContextVar[bool] = ContextVar("within_the_gateway", default=False)
_TABLES: WeakSet[AccessTable] = WeakSet()


@contextmanager
def _within() -> Iterator[None]:
    token = _WITHIN.set(True)
    try:
        yield
    finally:
        _WITHIN.reset(token)


def stand_where_operators_do() -> None:
    """Let tests' own calls act for every application of the gateways that run; call once."""
    known, begun, served, done = scope.acting, AccessTable.__init__, Application.__call__, Lane._do

    def acting() -> frozenset[UUID]:
        if _WITHIN.get():
            return known()
        return known() or frozenset(id_ for table in _TABLES for id_ in table.application_ids())

    def begin(table: AccessTable, *arguments: Any) -> None:
        begun(table, *arguments)
        _TABLES.add(table)

    async def serve(application: Application, asgi: Scope, receive: Receive, send: Send) -> None:
        with _within():
            await served(application, asgi, receive, send)

    async def do(lane: Lane[Any], item: Any) -> None:
        with _within():
            await done(lane, item)

    scope.acting = acting
    AccessTable.__init__ = begin  # type: ignore[method-assign, assignment]
    Application.__call__ = serve  # type: ignore[method-assign, assignment]
    Lane._do = do  # type: ignore[method-assign, assignment]
