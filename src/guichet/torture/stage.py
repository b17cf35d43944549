"""A whole installation of real processes, ready to be tortured, and its books afterwards."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg

from guichet.embedded import Endpoints
from guichet.torture import accounts
from guichet.torture.accounts import Application, Receivers
from guichet.torture.books import Books, read_ours
from guichet.torture.calls import Merchant
from guichet.torture.journal import Journal, read_journal
from guichet.torture.kills import Killer, Probe, is_served, killers, until
from guichet.torture.load import Load, Traffic, Writer
from guichet.torture.payers import BankPayers, CodePayers
from guichet.torture.phones import PhonePayers
from guichet.torture.programs import (
    ENTRY,
    Cluster,
    CommandFailed,
    Launcher,
    Program,
    command,
    environment,
    running,
)
from guichet.torture.providers import (
    CREDENTIALS,
    OperatorSimulator,
    PixSimulator,
    Simulator,
    free_port,
    simulating,
    simulating_operators,
    simulating_pix,
)
from guichet.torture.receiver import Hook, read_receipts

CUSTOMERS_A_SECOND = 12
QUIET_SECONDS = 90
_START_SECONDS = 60
_NOTICES_SECRET = "torture-notices"

# A code that nobody paid stays open for a day.
_UNSETTLED = """
    SELECT 'attempts' AS what, count(*) FROM attempts
    WHERE status IN ('starting', 'unknown')
        OR status = 'waiting' AND (rail <> 'pix' OR id = ANY($1::uuid[]))
    UNION ALL SELECT 'notices', count(*) FROM rail_notices WHERE next_try_at IS NOT NULL
    UNION ALL SELECT 'refunds', count(*) FROM refunds WHERE status IN ('initiated', 'sent')
    UNION ALL SELECT 'transfers', count(*) FROM transfers WHERE status IN ('initiated', 'sent')
    UNION ALL SELECT 'deliveries', count(*) FROM webhook_deliveries
    WHERE status = 'pending' AND url <> ALL($2::text[])
"""


class Unsettled(Exception):
    """Work is left when everything should be quiet."""


@dataclass
class Providers:
    """The simulated providers, each a process with a book of its own."""

    bank: Simulator
    psp: PixSimulator
    operators: OperatorSimulator

    async def clear_faults(self) -> None:
        """Nothing goes wrong at any of them any more."""
        for each in (self.bank, self.psp, self.operators):
            await each.clear_faults()

    async def orders(self) -> list[dict[str, object]]:
        """All of their books, in one shape."""
        books = [await each.orders() for each in (self.bank, self.psp, self.operators)]
        return [order for book in books for order in book]


@dataclass
class Stage:
    """Everything that runs, and where its files are."""

    seed: int
    folder: Path
    url: str
    settings: dict[str, str]
    cluster: Cluster
    endpoints: Endpoints
    providers: Providers
    applications: list[Application]
    receivers: Receivers
    server: Program
    worker: Program
    killers: list[Killer]
    journal: Journal
    load: Load
    probe: Probe

    def chance(self, name: str) -> random.Random:
        """Random choices for ``name``, from the seed."""
        return random.Random(f"{self.seed} {name}")

    async def is_served(self) -> bool:
        """Whether the server answers and says that a commit can succeed."""
        return await is_served(self.url)

    @property
    def hostile(self) -> list[str]:
        """The addresses of receivers that never take anything."""
        return [
            self.receivers.url(path) for path, hook in self.receivers.hooks.items() if hook.behaves
        ]


@asynccontextmanager
async def staged(
    folder: Path, seed: int, launcher: Launcher | None = None, **extra: str
) -> AsyncIterator[Stage]:
    """Database, providers, receiver, server and worker, each a process; and the load to come.

    ``extra`` are settings of the gateway, by their names in the environment.
    """
    async with AsyncExitStack() as stack:
        cluster = Cluster(folder / "database")
        stack.push_async_callback(cluster.stop)
        journal = Journal(folder / "journal")
        stack.callback(journal.close)
        endpoints, providers = await asyncio.gather(cluster.start(), _providers(stack, folder))
        port, receiver_port, notices_port = free_port(), free_port(), free_port()
        url, notices_url = f"http://127.0.0.1:{port}", f"https://127.0.0.1:{notices_port}"
        settings = environment(
            **_settings(endpoints, providers, port, notices_port),
            GUICHET_SECRET_KEYS=accounts.secret_key(),
            **extra,
        )
        await accounts.migrate(settings)
        made = await accounts.applications(settings)
        over_tls = settings | {"GUICHET_NOTICES_URL": notices_url}
        await accounts.connect_pix(over_tls, made[0], providers.psp, folder)
        hook_url = f"{url}/notices/yapily/sandbox/{_NOTICES_SECRET}"
        await providers.bank.control("webhook", url=hook_url)
        receivers = Receivers(receiver_port, folder / "receipts", folder / "hooks")
        for application in made[:2]:
            receivers.open(f"/neopay/{application.id}", Hook(application.secret))
        book = [str(receiver_port), str(receivers.book), str(receivers.file)]
        receiver = Program(
            ["guichet.torture.receiver", *book], folder / "receiver.log", environment(), launcher
        )
        server = Program([ENTRY, "serve"], folder / "server.log", dict(settings), launcher)
        worker = Program([ENTRY, "work"], folder / "worker.log", dict(settings), launcher)
        for program in (receiver, server, worker):
            await stack.enter_async_context(running(program))
        kills = killers(seed, server, worker, cluster, url, endpoints.superuser_dsn)
        async with asyncio.timeout(_START_SECONDS):
            for each in kills:
                await until(each.is_ready)
        shop = accounts.notchpay_shop(url, made[2])
        await accounts.listen(receivers, shop, made[2], "/notchpay")
        await shop.close()
        chance = random.Random(f"{seed} load")
        traffic = _traffic(url, journal, providers, made, receivers, chance)
        load = Load(journal, traffic, 1 / CUSTOMERS_A_SECOND, chance)
        probe = Probe(endpoints.owner_dsn)
        yield Stage(
            seed, folder, url, settings, cluster, endpoints, providers, made, receivers,
            server, worker, kills, journal, load, probe,
        )  # fmt: skip


async def _providers(stack: AsyncExitStack, folder: Path) -> Providers:
    enter = stack.enter_async_context
    bank, psp, operators = await asyncio.gather(
        enter(simulating(folder / "bank.log")),
        enter(simulating_pix(folder / "psp")),
        enter(simulating_operators(folder / "operators.log")),
    )
    for operator in ("cm.mtn", "cm.orange"):
        await operators.control("float", operator=operator, balance="1000000000")
    return Providers(bank, psp, operators)


def _settings(
    endpoints: Endpoints, providers: Providers, port: int, notices_port: int
) -> dict[str, str]:
    named = providers.psp.notices | providers.operators.account
    return {
        "GUICHET_PORT": str(port),
        "GUICHET_DATABASE_URL": endpoints.serving_dsn,
        "GUICHET_OWNER_DATABASE_URL": endpoints.owner_dsn,
        "GUICHET_YAPILY_SANDBOX_URL": providers.bank.url,
        "GUICHET_YAPILY_SANDBOX_ID": CREDENTIALS[0],
        "GUICHET_YAPILY_SANDBOX_SECRET": CREDENTIALS[1],
        "GUICHET_YAPILY_WEBHOOK_SECRET": _NOTICES_SECRET,
        "GUICHET_PROVIDER_TIMEOUT_SECONDS": "1.5",
        "GUICHET_WEBHOOK_TIMEOUT_SECONDS": "1.5",
        "GUICHET_LEASE_SECONDS": "4",
        "GUICHET_LOG_LEVEL": "warning",
        "GUICHET_NOTICES_TLS_PORT": str(notices_port),
        "GUICHET_RECONCILE_SECONDS": "5",
        **{f"GUICHET_{name.upper()}": text for name, text in named.items()},
    }


def _traffic(
    url: str,
    journal: Journal,
    providers: Providers,
    made: list[Application],
    receivers: Receivers,
    chance: random.Random,
) -> list[Traffic]:
    writer = Writer(journal)
    merchants = [accounts.neopay_merchant(url, each) for each in made[:2]]

    def callback_of(merchant: Merchant) -> str:
        return receivers.url(f"/neopay/{merchant.application_id}")

    pix = accounts.neopay_merchant(url, made[0])
    shop = accounts.notchpay_shop(url, made[2])
    return [
        BankPayers(writer, merchants, providers.bank, callback_of, chance),
        CodePayers(writer, pix, providers.psp, callback_of(pix), chance),
        PhonePayers(writer, shop, str(made[2].id), chance),
    ]


async def settle(stage: Stage, limit_seconds: float = QUIET_SECONDS) -> float:
    """Wait until nothing is left to do; returns how long that took. Raises ``Unsettled``."""
    started = time.monotonic()
    orders = await stage.providers.psp.orders()
    paid = [UUID(each["paymentIdempotencyId"]) for each in orders if each["movements"]]
    connection = await asyncpg.connect(stage.endpoints.owner_dsn)
    try:
        while left := [
            tuple(row)
            for row in await connection.fetch(_UNSETTLED, paid, stage.hostile)
            if row["count"]
        ]:
            if time.monotonic() - started > limit_seconds:
                raise Unsettled(f"after {limit_seconds:.0f} s: {left}")
            await asyncio.sleep(0.1)
    finally:
        await connection.close()
    return time.monotonic() - started


async def read_books(stage: Stage) -> Books:
    """All four books, as they are now."""
    connection = await asyncpg.connect(stage.endpoints.owner_dsn)
    try:
        ours = await read_ours(connection)
    finally:
        await connection.close()
    return Books(
        journal=read_journal(stage.folder / "journal"),
        ours=ours,
        provider=await stage.providers.orders(),
        receipts=read_receipts(stage.receivers.book),
    )


async def audit(settings: Mapping[str, str]) -> list[str]:
    """What the release's own audit finds."""
    try:
        await command(settings, "ledger", "audit")
    except CommandFailed as error:
        return str(error).splitlines()
    return []
