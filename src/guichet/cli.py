"""The program ``guichet``: one command per process and per thing that an operator does."""

from __future__ import annotations

import os
import sys

from cyclopts import App

from guichet.commands import backups, developing, processes
from guichet.commands.applications import applications, merchants
from guichet.commands.books import docs, ledger
from guichet.commands.keys import keys
from guichet.commands.mobile_money import mobile_money
from guichet.commands.money import balance, suspense
from guichet.commands.payouts import payouts
from guichet.commands.people import beneficiaries, customers
from guichet.commands.pix import pix
from guichet.commands.refunds import refunds
from guichet.commands.torturing import torture
from guichet.commands.transfers import transfers
from guichet.commands.webhooks import webhooks
from guichet.domain.errors import GuichetError
from guichet.embedded import CannotStart
from guichet.server.errors import CannotServe
from guichet.settings import InvalidSetting
from guichet.store.migrate import ChangedMigration
from guichet.store.sealing import KeysWanted
from guichet.store.seals import WrongKeys

_FAILURES = (
    CannotServe,
    CannotStart,
    ChangedMigration,
    GuichetError,
    InvalidSetting,
    KeysWanted,
    WrongKeys,
)

app = App(name="guichet", help="A self-hosted payment gateway.")
for command in (processes.run, processes.serve, processes.work, processes.doctor):
    app.command(command)
app.command(processes.migrate_database, name="migrate")
app.command(backups.backup)
app.command(backups.restore)
app.command(balance)
app.command(developing.listen)
app.command(developing.trigger)
app.command(torture)
for group in (
    merchants,
    applications,
    keys,
    pix,
    mobile_money,
    refunds,
    transfers,
    payouts,
    suspense,
    webhooks,
    customers,
    beneficiaries,
    ledger,
    docs,
):
    app.command(group)


def main() -> None:
    """Run the command that the arguments name; errors that have a sentence end with it."""
    try:
        app()
    except _FAILURES as error:
        sys.exit(f"guichet: {error}")
    except BrokenPipeError:  # whoever reads what we print has seen enough: nothing is to be flushed
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
