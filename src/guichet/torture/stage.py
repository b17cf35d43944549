"""A whole installation of real processes, ready to be tortured, and its books afterwards."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import asyncpg

from guichet.embedded import Endpoints
from guichet.torture import accounts
from guichet.torture.accounts import Application, Receivers
from guichet.torture.books import Books, read_ours
from guichet.torture.calls import Merchant
from guichet.torture.compare import compare
from guichet.torture.disks import small_disk
from guichet.torture.journal import Journal, read_journal
from guichet.torture.kills import Killer, Probe, is_served, killers, until
from guichet.torture.load import Load, Writer
from guichet.torture.payers import BankPayers, CodePayers
from guichet.torture.phones import AGGREGATED, PhonePayers
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
    AggregatorSimulator,
    OperatorSimulator,
    PixSimulator,
    Simulator,
    free_port,
    simulating,
    simulating_aggregator,
    simulating_operators,
    simulating_pix,
)
from guichet.torture.receiver import Hook, read_receipts
from guichet.torture.relay import HttpLosses, http_relay

CUSTOMERS_A_SECOND = 12
QUIET_SECONDS = 90
LEASE_SECONDS = 4
_START_SECONDS = 60
_NOTICES_SECRET = "torture-notices"

# A code that nobody paid stays open for a day.
_UNSETTLED = """
    SELECT 'attempts' AS what, count(*) FROM attempts
    WHERE status IN ('starting', 'unknown')
        OR status = 'waiting' AND (rail <> 'pix' OR id = ANY($1::uuid[]))
    UNION ALL SELECT 'lost orders', count(*) FROM unnest($1::uuid[]) AS paid (id)
    WHERE NOT EXISTS (SELECT FROM attempts a WHERE a.id = paid.id)
        AND NOT EXISTS (SELECT FROM unclaimed_receipts u WHERE u.order_id = paid.id)
    UNION ALL SELECT 'notices', count(*) FROM rail_notices WHERE next_try_at IS NOT NULL
    UNION ALL SELECT 'refunds', count(*) FROM refunds WHERE status IN ('initiated', 'sent')
    UNION ALL SELECT 'transfers', count(*) FROM transfers WHERE status IN ('initiated', 'sent')
    UNION ALL SELECT 'deliveries', count(*) FROM webhook_deliveries
    WHERE status = 'pending' AND url <> ALL($2::text[])
"""


@dataclass(frozen=True, eq=False)
class Kind:
    """What is special about an installation."""

    name: str
    database_settings: Mapping[str, str] = field(default_factory=dict)
    #: More for the environment of server and worker.
    environment: Mapping[str, str] = field(default_factory=dict)
    #: What must be true of the books once everything is quiet.
    judge: Callable[[Books], list[str]] = compare
    #: The database lies on a disk of its own of this size; 0: beside everything else.
    disk_mib: int = 0


ORDINARY = Kind("ordinary")


class Unsettled(Exception):
    """Work is left when everything should be quiet."""


@dataclass
class Providers:
    """The simulated providers, each a process with a book of its own."""

    bank: Simulator
    psp: PixSimulator
    operators: OperatorSimulator
    aggregator: AggregatorSimulator

    @property
    def _all(self) -> tuple[Simulator, PixSimulator, OperatorSimulator, AggregatorSimulator]:
        return self.bank, self.psp, self.operators, self.aggregator

    async def clear_faults(self) -> None:
        """Nothing goes wrong at any of them any more."""
        for each in self._all:
            await each.clear_faults()

    async def orders(self) -> list[dict[str, object]]:
        """All of their books, in one shape."""
        books = [await each.orders() for each in self._all]
        return [order for book in books for order in book]


@dataclass
class Stage:
    """Everything that runs, and where its files are."""

    kind: Kind
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
    launcher: Launcher | None
    killers: list[Killer]
    journal: Journal
    load: Load
    bank_payers: BankPayers
    code_payers: CodePayers
    phone_payers: PhonePayers
    aggregated_payers: PhonePayers
    losses: HttpLosses
    probe: Probe
    #: A folder whose path is short enough for sockets.
    short_folder: Path

    def chance(self, name: str) -> random.Random:
        """Random choices for ``name``, from the seed."""
        return random.Random(f"{self.seed} {name}")

    async def is_served(self) -> bool:
        """Whether the server answers and says that a commit can succeed."""
        return await is_served(self.url)

    async def restarted(self, *programs: Program) -> None:
        """Kill programs, which start again with the environment that they have now, and wait until
        all is ready.
        """
        for program in programs:
            program.kill()
        await self.is_ready()

    async def is_ready(self) -> None:
        """Wait until server, worker and database are there."""
        for each in self.killers:
            await until(each.is_ready)

    async def acknowledges(self) -> float:
        """Wait until one more write is acknowledged; how long that took, in seconds."""
        started, before = time.monotonic(), self.journal.acknowledged
        while self.journal.acknowledged == before:
            await asyncio.sleep(0.02)
        return time.monotonic() - started

    @property
    def hostile(self) -> list[str]:
        """The addresses of receivers that never take anything."""
        paths = [path for path, hook in self.receivers.hooks.items() if hook.behaves]
        urls = [self.receivers.url(path) for path in paths]
        return urls + [url.replace("http:", "https:") for url in urls]


@asynccontextmanager
async def staged(
    folder: Path, seed: int, launcher: Launcher | None = None, kind: Kind = ORDINARY
) -> AsyncIterator[Stage]:
    """Database, providers, receiver, server and worker, each a process; and the load to come."""
    async with AsyncExitStack() as stack:
        cluster = Cluster(folder / "database", kind.database_settings)
        if kind.disk_mib:
            stack.enter_context(small_disk(cluster.folder, kind.disk_mib))
        stack.push_async_callback(cluster.stop)
        journal = Journal(folder / "journal")
        stack.callback(journal.close)
        short = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="torture-")))
        endpoints, providers = await asyncio.gather(cluster.start(), _providers(stack, folder))
        port, relay_port, receiver_port, notices_port = [free_port() for _ in range(4)]
        url, notices_url = f"http://127.0.0.1:{port}", f"https://127.0.0.1:{notices_port}"
        settings = environment(
            **_settings(endpoints, providers, port, notices_port),
            GUICHET_SECRET_KEYS=accounts.secret_key(),
        )
        await accounts.migrate(settings)
        made = await accounts.applications(settings)
        over_tls = settings | {"GUICHET_NOTICES_URL": notices_url}
        await asyncio.gather(
            accounts.connect_pix(over_tls, made[0], providers.psp, folder),
            accounts.connect_mobile_money(settings, made[2], "gsma", providers.operators, folder),
            accounts.connect_mobile_money(
                settings | {"GUICHET_NOTICES_URL": url},
                *(made[3], "notchpay", providers.aggregator, folder),
            ),
        )
        hook_url = f"{url}/notices/yapily/sandbox/{_NOTICES_SECRET}"
        await providers.bank.control("webhook", url=hook_url)
        receivers = Receivers(receiver_port, folder / "receipts", folder / "hooks")
        for application in made[:2]:
            receivers.open(f"/neopay/{application.id}", Hook(application.secret))
        book = [str(receiver_port), str(receivers.book), str(receivers.file)]
        receiver = Program(
            ["guichet.torture.receiver", *book], folder / "receiver.log", environment(), launcher
        )
        own = settings | dict(kind.environment)
        server = Program([ENTRY, "serve"], folder / "server.log", own | {}, launcher)
        worker = Program([ENTRY, "work"], folder / "worker.log", own | {}, launcher)
        for program in (receiver, server, worker):
            await stack.enter_async_context(running(program))
        kills = killers(seed, server, worker, cluster, url, endpoints.superuser_dsn)
        async with asyncio.timeout(_START_SECONDS):
            for each in kills:
                await until(each.is_ready)
        for number, application in enumerate(made[2:]):
            shop = accounts.notchpay_shop(url, application)
            await accounts.listen(receivers, shop, application, f"/notchpay/{number}")
            await shop.close()
        losses = HttpLosses(random.Random(f"{seed} losses"))
        await stack.enter_async_context(http_relay(relay_port, port, losses))
        chance = random.Random(f"{seed} load")
        traffic = _traffic(
            f"http://127.0.0.1:{relay_port}", journal, providers, made, receivers, chance
        )
        load = Load(journal, list(traffic), 1 / CUSTOMERS_A_SECOND)
        probe = Probe(endpoints.superuser_dsn)
        yield Stage(
            kind, seed, folder, url, settings, cluster, endpoints, providers, made, receivers,
            server, worker, launcher, kills, journal, load, *traffic, losses, probe, short,
        )  # fmt: skip


async def _providers(stack: AsyncExitStack, folder: Path) -> Providers:
    enter = stack.enter_async_context
    bank, psp, operators, aggregator = await asyncio.gather(
        enter(simulating(folder / "bank.log")),
        enter(simulating_pix(folder / "psp")),
        enter(simulating_operators(folder / "operators.log")),
        enter(simulating_aggregator(folder / "aggregator.log")),
    )
    for operator in ("cm.mtn", "cm.orange"):
        await operators.control("float", operator=operator, balance="1000000000")
    await aggregator.control("balance", currency="XAF", balance=1_000_000_000)
    return Providers(bank, psp, operators, aggregator)


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
        "GUICHET_LEASE_SECONDS": str(LEASE_SECONDS),
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
) -> tuple[BankPayers, CodePayers, PhonePayers, PhonePayers]:
    writer = Writer(journal)
    merchants = [accounts.neopay_merchant(url, each) for each in made[:2]]

    def callback_of(merchant: Merchant) -> str:
        return receivers.url(f"/neopay/{merchant.application_id}")

    pix = accounts.neopay_merchant(url, made[0])
    shop, other_shop = (accounts.notchpay_shop(url, each) for each in made[2:])
    return (
        BankPayers(writer, merchants, providers.bank, callback_of, chance),
        CodePayers(writer, pix, providers.psp, callback_of(pix), chance),
        PhonePayers(writer, shop, str(made[2].id), chance),
        PhonePayers(writer, other_shop, str(made[3].id), chance, AGGREGATED, refunded=0),
    )


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
        hostile=stage.hostile,
    )


async def audit(settings: Mapping[str, str]) -> list[str]:
    """What the release's own audit finds."""
    try:
        await command(settings, "ledger", "audit")
    except CommandFailed as error:
        return str(error).splitlines()
    return []
