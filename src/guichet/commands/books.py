"""``guichet ledger`` and ``guichet docs``."""

from __future__ import annotations

import sys
from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from cyclopts import App, Parameter

from guichet import documents
from guichet.commands.common import now, with_database
from guichet.domain.access import Environment
from guichet.domain.errors import Invalid, NotFound
from guichet.domain.money import is_currency
from guichet.ledger import hledger
from guichet.store import access, exports
from guichet.store.audit import INVARIANTS, findings
from guichet.store.database import Connection
from guichet.store.exports import Selection

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


@ledger.command(name="export")
def export(
    *,
    layout: Annotated[Literal["hledger"], Parameter("--format")] = "hledger",  # noqa: ARG001 -- the one there is
    environment: Environment = Environment.LIVE,
    application: UUID | None = None,
    currency: str | None = None,
    since: date | None = None,
    until: date | None = None,
) -> None:
    """Print the books as a journal: every entry, and what the accounts must hold at the end.

    Parameters
    ----------
    layout
        The program that is to read it.
    environment
        Whose books, where no application says.
    application
        The entries of one application alone.
    currency
        Those in one currency alone: XAF.
    since
        Those from this day on, in UTC; what was before comes as opening balances.
    until
        Those before this day.
    """
    if currency is not None and not is_currency(currency):
        raise Invalid("currency", "unknown")
    if since is not None and until is not None and until <= since:
        raise Invalid("until", "it is not after --since")

    async def write(connection: Connection) -> None:
        place: str | None = environment.value
        if application is not None:
            place = await exports.environment_of(connection, application)
        if place is None:
            raise NotFound("application", str(application))
        await print_journal(connection, Selection(place, application, currency, since, until))

    with_database(write)


async def print_journal(connection: Connection, which: Selection) -> None:
    """Print the selected entries between what the accounts held before and hold after them."""
    async with exports.one_moment(connection):
        opening = await exports.opening(connection, which)
        closing = await exports.closing(connection, which)
        whose = f", application {which.application_id}" if which.application_id else ""
        comment = f"Guichet's books, {which.environment}{whose}, as of {now():%Y-%m-%dT%H:%M:%SZ}"
        names = await exports.application_names(connection, which)
        print(hledger.head(comment, (account for account, _ in closing), names), end="")
        if which.since is not None:
            print(hledger.opening(which.since, opening), end="")
        last = which.since
        async for entry in exports.entries(connection, which):
            print(hledger.transaction(entry), end="")
            day = entry.occurred_at.date()
            last = day if last is None else max(last, day)
        if last is not None:
            print(hledger.closing(last, closing), end="")


@ledger.command
def resume() -> None:
    """Let new money move again after the books were found wrong; only if every invariant holds."""

    async def look_and_resume(connection: Connection) -> list[str]:
        wrong = [f"{found.invariant}: {found.what}" for found in await findings(connection)]
        if not wrong:
            await access.resume(connection)
        return wrong

    wrong = with_database(look_and_resume)
    for line in wrong:
        print(line)
    if wrong:
        sys.exit(1)
    print(f"{len(INVARIANTS)} invariants hold; new money may move.")


@docs.command(name="settings")
def print_settings() -> None:
    """Print docs/settings.md."""
    print(documents.settings(), end="")


@docs.command(name="states")
def print_states() -> None:
    """Print docs/states.md."""
    print(documents.states(), end="")
