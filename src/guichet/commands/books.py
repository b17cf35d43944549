"""``guichet ledger`` and ``guichet docs``."""

from __future__ import annotations

import sys

from cyclopts import App

from guichet import documents
from guichet.commands.common import with_database
from guichet.store.audit import INVARIANTS, findings
from guichet.store.database import Connection

ledger = App(name="ledger", help="The books.")
docs = App(name="docs", help="Documents written from the code.")


@ledger.command
def audit() -> None:
    """Check every invariant of the books; the exit code is 1 if one does not hold."""

    async def look(connection: Connection) -> list[str]:
        return [f"{found.invariant}: {found.what}" for found in await findings(connection)]

    wrong = with_database(look)
    for line in wrong:
        print(line)
    if wrong:
        sys.exit(1)
    print(f"{len(INVARIANTS)} invariants hold.")


@docs.command(name="settings")
def print_settings() -> None:
    """Print docs/settings.md."""
    print(documents.settings(), end="")


@docs.command(name="states")
def print_states() -> None:
    """Print docs/states.md."""
    print(documents.states(), end="")
