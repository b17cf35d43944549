"""Everything that can go wrong below a dialect, for the tests of the dialects' tables of errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from guichet.domain import errors
from guichet.web import asgi

_ARGUMENTS: dict[type[Exception], tuple[Any, ...]] = {
    errors.NotFound: ("payment", "7"),
    errors.Invalid: ("customer", "unknown"),
    errors.RateLimited: (60, 7),
    errors.NotPayable: ("expired",),
    errors.LinkNotPayable: ("closed",),
    errors.DuplicateReference: ("payment", "INV 1", "7"),
    errors.NotCancellable: ("completed",),
    errors.NotRefundable: ("amount", "too much"),
    errors.ForbiddenTransition: ("payment", "a", "b"),
    asgi.MethodNotAllowed: (("GET",),),
}


def one_of(kind: type[Exception]) -> Exception:
    """An error of the kind."""
    return kind(*_ARGUMENTS.get(kind, ()))


def kinds(dialect: str) -> list[type[Exception]]:
    """Those that can reach the dialect: other parts' own never leave them."""
    own = ("guichet.domain.", "guichet.web.", f"guichet.dialects.{dialect}.")
    return [*_walk(errors.GuichetError, own), *_walk(asgi.Refusal, own)]


def _walk(base: type[Exception], modules: tuple[str, ...]) -> Iterator[type[Exception]]:
    yield base
    for kind in base.__subclasses__():
        if kind.__module__.startswith(modules):
            yield from _walk(kind, modules)
