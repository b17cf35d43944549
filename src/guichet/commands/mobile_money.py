"""``guichet mobile-money``: accounts of applications at operators and at the aggregator.

What speaks to providers is imported when a command needs it: the others start in half the time.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

from cyclopts import App, Parameter

from guichet.commands.common import read_settings
from guichet.domain.errors import GuichetError

mobile_money = App(
    name="mobile-money", help="Applications' accounts at mobile operators and at Notch Pay."
)

Rail = Annotated[Literal["mtn", "gsma", "notchpay"], Parameter(help="Whose account it is.")]


class Unreadable(GuichetError):
    """A file of settings cannot be read."""


@mobile_money.command
def connect(
    rail: Rail, /, *, application: UUID, settings_file: Path, register_webhook: bool = False
) -> None:
    """Give an application an account of its own, in place of the one it had.

    The settings are read now and stored sealed. Payments under way stay with the account they were
    begun at.

    Parameters
    ----------
    settings_file
        File of lines `name = value`; docs/mobile-money.md names them. Delete it afterwards.
    register_webhook
        Notch Pay only: have it send its notices here.
    """
    from guichet.server import mobile_accounts

    if register_webhook and rail != "notchpay":
        raise Unreadable("operators are told with each order where to call back")
    fields = _fields(settings_file)
    settings = read_settings()
    connected = mobile_accounts.connect(settings, rail, application, fields)
    print(f"account: {connected.account.id}")
    print(f"webhook: {connected.webhook_url}")
    if register_webhook:
        mobile_accounts.register_webhook(settings, connected)
        print("Notch Pay sends its notices there from now on.")


@mobile_money.command
def check(rail: Rail, /, *, application: UUID | None = None) -> None:
    """Ask a provider something harmless with an account; say what is wrong.

    Parameters
    ----------
    application
        Whose account; the sandbox's own unless given.
    """
    from guichet.server import mobile_accounts

    wrong = mobile_accounts.look(read_settings(), rail, application)
    print("The provider knows the account and answers.")
    for problem in wrong:
        print(f"wrong: {problem}")
    if wrong:
        sys.exit(1)


def _fields(file: Path) -> dict[str, str]:
    """The settings in a file; blank lines and those that begin with # say nothing."""
    try:
        lines = file.read_text("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise Unreadable(f"{file} is not a text file") from error
    except OSError as error:
        raise Unreadable(f"{file} cannot be read: {error.strerror}") from error
    fields = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals:
            raise Unreadable(f"{file}, line {number}: not a line of the form name = value")
        fields[name.strip()] = value.strip()
    return fields
