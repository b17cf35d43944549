"""``guichet run``, ``serve``, ``work``, ``migrate``, ``doctor``: processes and what they need."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Annotated

from cyclopts import Parameter

from guichet import demo
from guichet.commands.common import read_settings
from guichet.server import operations
from guichet.settings import Settings


def run() -> None:
    """Run everything on this machine, with a database of its own: for development."""
    import uvloop

    from guichet.server.development import run as run_everything

    settings = read_settings()
    uvloop.run(run_everything(settings, lambda demo: _announce(settings, demo)))


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

    production.serve(read_settings(), workers, simulators)


def work() -> None:
    """Do what is due: ask providers, expire payments, deliver notifications."""
    import uvloop

    from guichet.server import production

    uvloop.run(production.work(read_settings()))


def migrate_database() -> None:
    """Bring the tables to this version, as the role that owns them."""
    applied = asyncio.run(operations.apply_migrations(read_settings()))
    for name in applied:
        print(name)
    print(f"{len(applied)} migrations applied.")


def doctor(*, as_json: Annotated[bool, Parameter("--json")] = False, every: bool = False) -> None:
    """Check whether this installation can be trusted with money; the exit code is 1 if not.

    Parameters
    ----------
    as_json
        Print every check as JSON: name, verdict (fine, mind, wrong) and what was seen.
    every
        Print what is fine, too.
    """
    from guichet.server.examination import Verdict, examine

    found = asyncio.run(examine(read_settings()))
    wrong = [each for each in found if each.verdict is Verdict.WRONG]
    if as_json:
        print(json.dumps([each._asdict() for each in found], indent=2))
    else:
        for each in found:
            if every or each.verdict is not Verdict.FINE:
                print(f"{each.verdict}: {each.said}")
        if not wrong:
            print("Nothing is wrong.")
    if wrong:
        sys.exit(1)


def _announce(settings: Settings, has_demo: bool) -> None:
    print(f"Guichet is ready: {settings.base_url} (stop with Ctrl-C)")
    print(f"  APIs       {settings.base_url}/openapi   (Neopay at /api, Notch Pay at the root)")
    print(f"  Banks      {settings.base_url}/simulators/yapily   (simulated)")
    if not settings.pix_sandbox_url:
        print(f"  Wallet     {settings.base_url}/simulators/pix   (simulated: pays PIX codes)")
    print(f"  Phones     {settings.base_url}/simulators/operator   (simulated: mobile money)")
    print(f"  Health     {settings.base_url}/readyz   Metrics {settings.base_url}/metrics")
    if has_demo:
        print("Demo merchant, on this machine only:")
        print(f"  Neopay     x-app-key: {demo.APPLICATION_ID}   Authorization: {demo.KEY}")
        print(f"             notifications are signed with {demo.WEBHOOK_SECRET}")
        print(f"  Notch Pay  Authorization: {demo.PUBLIC_KEY}   X-Grant: {demo.PRIVATE_KEY}")
        print(f"             notifications are signed with {demo.HASH_KEY}")
    sys.stdout.flush()
