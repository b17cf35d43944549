"""The program ``guichet``: one command per process and per thing that an operator does."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Literal, TypeVar
from uuid import UUID

from cyclopts import App

from guichet import demo, documents, logs
from guichet.domain.access import Environment
from guichet.domain.errors import GuichetError
from guichet.embedded import CannotStart
from guichet.server import operations
from guichet.server.errors import CannotServe
from guichet.services import administration
from guichet.settings import InvalidSetting, Settings
from guichet.store.audit import INVARIANTS, findings
from guichet.store.database import Connection
from guichet.store.migrate import ChangedMigration
from guichet.vault import generate_key

Answer = TypeVar("Answer")

_FAILURES = (CannotServe, CannotStart, ChangedMigration, GuichetError, InvalidSetting)

app = App(name="guichet", help="A self-hosted payment gateway.")
merchants = App(name="merchant", help="Merchants.")
applications = App(name="application", help="Applications of merchants: what API keys belong to.")
keys = App(name="key", help="API keys, and keys that seal what is stored.")
ledger = App(name="ledger", help="The books.")
docs = App(name="docs", help="Documents written from the code.")
for group in (merchants, applications, keys, ledger, docs):
    app.command(group)


def main() -> None:
    """Run the command that the arguments name; errors that have a sentence end with it."""
    try:
        app()
    except _FAILURES as error:
        sys.exit(f"guichet: {error}")


# Processes ----------------------------------------------------------------------------------------


@app.command
def run() -> None:
    """Run everything on this machine, with a database of its own: for development."""
    import uvloop

    from guichet.server.development import run as run_everything

    settings = _settings()
    uvloop.run(run_everything(settings, lambda demo: _announce(settings, demo)))


@app.command
def serve(*, workers: int = 1, simulators: bool = False) -> None:
    """Serve the API and the payers' pages.

    Parameters
    ----------
    workers
        Processes that share the port: one per processor.
    simulators
        Serve the simulated providers too, for a sandbox of your own (one process only).
    """
    from guichet.server import production

    production.serve(_settings(), workers, simulators)


@app.command
def work() -> None:
    """Do what is due: ask providers, expire payments, deliver notifications."""
    import uvloop

    from guichet.server import production

    uvloop.run(production.work(_settings()))


# Setting up ---------------------------------------------------------------------------------------


@app.command(name="migrate")
def migrate_database() -> None:
    """Bring the tables to this version, as the role that owns them."""
    applied = asyncio.run(operations.apply_migrations(_settings()))
    for name in applied:
        print(name)
    print(f"{len(applied)} migrations applied.")


@app.command
def doctor() -> None:
    """Check whether this machine and its database can be trusted with money."""
    found = asyncio.run(operations.examine(_settings()))
    for problem in found:
        print(f"wrong: {problem}")
    if found:
        sys.exit(1)
    print("Nothing is wrong.")


@merchants.command(name="create")
def create_merchant(name: str, *, country: str | None = None) -> None:
    """Create a merchant and print its id."""

    async def create(connection: Connection) -> UUID:
        return await administration.create_merchant(connection, name, country, _now())

    print(_with_database(create))


@applications.command(name="create")
def create_application(
    merchant: UUID,
    name: str,
    *,
    environment: Environment,
    currency: str,
    payee_name: str,
    payee_country: str,
    payee_bank: str,
    payee_account: str,
    payee_bic: str,
    dialect: Literal["neopay"] = "neopay",
    fee_percent_bps: int = 0,
    fee_fixed_minor: int = 0,
    requests_per_minute: int = 60,
    settlement_delay_hours: int = 0,
) -> None:
    """Create an application with its first key. The key and the webhook secret are shown once.

    Parameters
    ----------
    fee_percent_bps
        Our fee in hundredths of a percent: 150 is 1.5 %.
    fee_fixed_minor
        Our fee per payment, in the currency's smallest unit.
    requests_per_minute
        0 means no limit.
    """
    new = administration.NewApplication(
        merchant_id=merchant,
        name=name,
        dialect=dialect,
        environment=environment,
        currency=currency,
        payee_name=payee_name,
        payee_country=payee_country,
        bank_name=payee_bank,
        account=payee_account,
        bic=payee_bic,
        fee_percent_bps=fee_percent_bps,
        fee_fixed_minor=fee_fixed_minor,
        requests_per_minute=requests_per_minute,
        settlement_delay_hours=settlement_delay_hours,
    )

    vault = operations.open_vault(_settings())

    async def create(connection: Connection) -> administration.Credentials:
        return await administration.create_application(connection, vault, new, _now())

    made = _with_database(create)
    print(f"x-app-key:      {made.application_id}")
    print(f"Authorization:  {made.key}")
    print(f"webhook secret: {made.webhook_secret}")
    print("Key and secret are shown this once: keep them now.")


# Keys ---------------------------------------------------------------------------------------------


@keys.command(name="create")
def create_key(application: UUID) -> None:
    """Give an application one more key, shown once."""

    async def create(connection: Connection) -> str:
        return await administration.create_key(connection, application, _now())

    print(_with_database(create))


@keys.command(name="rotate")
def rotate_key(application: UUID, *, webhook: bool = False) -> None:
    """Give an application a new key, shown once, and revoke all it had.

    Parameters
    ----------
    webhook
        Replace the secret that signs notifications instead.
    """
    if webhook:
        vault = operations.open_vault(_settings())

        async def rotate_secret(connection: Connection) -> str:
            return await administration.rotate_webhook_secret(connection, vault, application)

        print(_with_database(rotate_secret))
        return

    async def rotate(connection: Connection) -> tuple[str, list[str]]:
        return await administration.rotate_key(connection, application, _now())

    key, revoked = _with_database(rotate)
    print(f"revoked: {', '.join(revoked) or 'none'}", file=sys.stderr)
    print(key)


@keys.command(name="revoke")
def revoke_key(application: UUID, prefix: str) -> None:
    """Revoke the key whose beginning is PREFIX, as lists show it; it ends within a second."""

    async def revoke(connection: Connection) -> None:
        await administration.revoke_key(connection, application, prefix, _now())

    _with_database(revoke)


@keys.command(name="generate")
def generate_secret_key() -> None:
    """Print a new key for GUICHET_SECRET_KEYS."""
    print(generate_key())


# Books and documents ------------------------------------------------------------------------------


@ledger.command
def audit() -> None:
    """Check every invariant of the books; the exit code is 1 if one does not hold."""

    async def look(connection: Connection) -> list[str]:
        return [f"{found.invariant}: {found.what}" for found in await findings(connection)]

    wrong = _with_database(look)
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


# Helpers ------------------------------------------------------------------------------------------


def _settings() -> Settings:
    settings = Settings.from_environment()
    logs.configure(settings.log_level)
    return settings


def _now() -> datetime:
    return datetime.now(UTC)


def _with_database(use: Callable[[Connection], Awaitable[Answer]]) -> Answer:
    return asyncio.run(operations.with_database(_settings(), use))


def _announce(settings: Settings, has_demo: bool) -> None:
    print(f"Guichet is ready: {settings.base_url} (stop with Ctrl-C)")
    print(f"  API        {settings.base_url}/api")
    print(f"  Simulator  {settings.base_url}/simulators/yapily")
    print(f"  Health     {settings.base_url}/healthz   Metrics {settings.base_url}/metrics")
    if has_demo:
        print("Demo merchant, on this machine only:")
        print(f"  Neopay     x-app-key: {demo.APPLICATION_ID}   Authorization: {demo.KEY}")
        print(f"             notifications are signed with {demo.WEBHOOK_SECRET}")
        print("  Notch Pay  pk_test.demo   sk_test.demo   hsk_test.demo (for later)")
    sys.stdout.flush()
