"""The books are watched while money moves: what is wrong stops new money at once."""

from __future__ import annotations

import logging

from guichet import metrics
from guichet.gateway import Gateway
from guichet.store import access, audit

_log = logging.getLogger(__name__)


async def watch_books(gateway: Gateway) -> list[audit.Finding]:
    """Look at the invariants that cost little; if one is broken, let no new money move.

    Money that is under way goes on to its end: what a provider did with it is a fact. Every process
    refuses new payments, refunds and transfers (``Halted``) within a second, until the owner of the
    database says ``guichet ledger resume``. Raises ``DatabaseUnavailable``.
    """
    async with gateway.database.connection() as connection:
        found = await audit.glance(connection)
        if found and await access.halt(connection, f"{found[0].invariant}: {found[0].what}"):
            _log.critical("the books are wrong, no new money moves: %s", found[0].invariant)
        halted = bool(found or await access.halted_because(connection))
    metrics.BOOKS_WRONG.set(len(found))
    metrics.HALTED.set(halted)
    return found
