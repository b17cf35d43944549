"""Whose rows a task may see: the applications that row security lets through (migration 0007).

The faces and the worker say for whom they act, once and from what they have proved (a key, a
page's token, a claimed row); ``Database`` tells PostgreSQL in each transaction. A query does not
choose for itself: one that forgets its application, or is given a wrong one, still finds nothing
of others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

_ACTING: ContextVar[frozenset[UUID]] = ContextVar("guichet_applications", default=frozenset())

#: A condition that names the applications in the statement itself, ``{}`` being the parameter with
#: their ``literal``: for the hot statements, which have no round trip to spare. PostgreSQL
#: evaluates a condition without columns once, before it reads (a plan's one-time filter); were it
#: ever not so, nothing would be found.
GATE = "(SELECT set_config('guichet.applications', {}, true)) IS NOT NULL"


@contextmanager
def acting_for(*application_ids: UUID) -> Iterator[None]:
    """Act for these applications, and for no others, while the block runs."""
    token = _ACTING.set(frozenset(application_ids))
    try:
        yield
    finally:
        _ACTING.reset(token)


def acting() -> frozenset[UUID]:
    """The applications that this task acts for."""
    return _ACTING.get()


def literal(application_ids: Iterable[UUID]) -> str:
    """The ids as PostgreSQL reads an array."""
    return "{" + ",".join(map(str, application_ids)) + "}"


def setting(application_ids: Iterable[UUID]) -> str:
    """The command that names the applications for the rest of a transaction."""
    return f"SET LOCAL guichet.applications = '{literal(application_ids)}'"
