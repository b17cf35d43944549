"""A whole installation of real processes, ready to be tortured, and its books afterwards."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg

from gateways import SECRET_KEY, WEBHOOK_SECRET, seed
from guichet.embedded import Endpoints
from guichet.services.notices import notice_url
from guichet.store.audit import findings
from guichet.store.migrate import migrate
from guichet.vault import Vault
from torture.books import Books, read_ours
from torture.faults import Killer, Probe, killers, until
from torture.journal import Journal, read_journal
from torture.load import Load
from torture.processes import Cluster, Program, environment, running
from torture.receiver import read_receipts
from torture.simulator import (
    CREDENTIALS,
    PixSimulator,
    Simulator,
    free_port,
    simulating,
    simulating_pix,
)

PAYERS_A_SECOND = 12
FAULTS_SECONDS = 120
QUIET_SECONDS = 60
_START_SECONDS = 60

# A code that nobody paid stays open for a day.
_UNSETTLED = """
    SELECT 'attempts' AS what, count(*) FROM attempts
    WHERE status IN ('starting', 'unknown')
        OR status = 'waiting' AND (rail <> 'pix' OR id = ANY($1::uuid[]))
    UNION ALL
    SELECT 'notices', count(*) FROM rail_notices WHERE next_try_at IS NOT NULL
    UNION ALL
    SELECT 'deliveries', count(*) FROM webhook_deliveries WHERE status = 'pending'
"""


@dataclass
class Stage:
    """Everything that runs, and where its files are."""

    seed: int
    folder: Path
    endpoints: Endpoints
    simulator: Simulator
    psp: PixSimulator
    server: Program
    worker: Program
    killers: list[Killer]
    load: Load
    probe: Probe


@asynccontextmanager
async def staged(folder: Path, number: int) -> AsyncIterator[Stage]:
    """Database, provider, receiver, server and worker, each a process; and the load to come."""
    cluster = Cluster(folder / "database")
    endpoints = await cluster.start()
    journal = Journal(folder / "journal")
    try:
        await migrate(endpoints.owner_dsn, "guichet")
        await seed(endpoints.owner_dsn)
        async with (
            simulating(folder / "simulator.log") as simulator,
            simulating_pix(folder / "psp") as psp,
        ):
            server_port, receiver_port, notices_port = free_port(), free_port(), free_port()
            url = f"http://127.0.0.1:{server_port}"
            settings = environment(
                GUICHET_PORT=str(server_port),
                GUICHET_DATABASE_URL=endpoints.serving_dsn,
                GUICHET_SECRET_KEYS=SECRET_KEY,
                GUICHET_YAPILY_SANDBOX_URL=simulator.url,
                GUICHET_YAPILY_SANDBOX_ID=CREDENTIALS[0],
                GUICHET_YAPILY_SANDBOX_SECRET=CREDENTIALS[1],
                GUICHET_YAPILY_WEBHOOK_SECRET="notices",
                GUICHET_PROVIDER_TIMEOUT_SECONDS="1.5",
                GUICHET_WEBHOOK_TIMEOUT_SECONDS="1.5",
                GUICHET_LEASE_SECONDS="4",
                GUICHET_LOG_LEVEL="warning",
                GUICHET_NOTICES_TLS_PORT=str(notices_port),
                GUICHET_RECONCILE_SECONDS="5",
                **{
                    f"GUICHET_{name.upper()}": text
                    for name, text in (psp.account | psp.notices).items()
                },
            )
            notices_url = f"https://127.0.0.1:{notices_port}"
            vault = Vault([SECRET_KEY])
            await psp.control("webhook", url=notice_url(notices_url, vault, "pix", "sandbox", None))
            await simulator.control("webhook", url=f"{url}/notices/yapily/sandbox/notices")
            book = [str(receiver_port), str(folder / "receipts"), WEBHOOK_SECRET.decode()]
            receiver = Program(["torture.receiver", *book], folder / "receiver.log", environment())
            server = Program(["guichet", "serve"], folder / "server.log", settings)
            worker = Program(["guichet", "work"], folder / "worker.log", settings)
            made = killers(number, server, worker, cluster, url, endpoints.superuser_dsn)
            callback_url = f"http://127.0.0.1:{receiver_port}/hook"
            gap_seconds = 1 / PAYERS_A_SECOND
            chance = random.Random(f"{number} load")
            probe = Probe(endpoints.owner_dsn)
            load = Load(journal, simulator, psp, url, callback_url, chance, gap_seconds)
            async with running(receiver), running(server), running(worker):
                async with asyncio.timeout(_START_SECONDS):
                    for each in made:
                        await until(each.is_ready)
                yield Stage(
                    number, folder, endpoints, simulator, psp, server, worker, made, load, probe
                )
    finally:
        journal.close()
        await cluster.stop()


async def settle(stage: Stage) -> float:
    """Wait until nothing is left to do; returns how long that took."""
    started = time.monotonic()
    orders = await stage.psp.orders()
    paid = [UUID(each["paymentIdempotencyId"]) for each in orders if each["movements"]]
    connection = await asyncpg.connect(stage.endpoints.owner_dsn)
    try:
        while left := [
            tuple(row) for row in await connection.fetch(_UNSETTLED, paid) if row["count"]
        ]:
            assert time.monotonic() - started < QUIET_SECONDS, f"still unsettled: {left}"
            await asyncio.sleep(0.1)
    finally:
        await connection.close()
    return time.monotonic() - started


async def read_books(stage: Stage) -> Books:
    connection = await asyncpg.connect(stage.endpoints.owner_dsn)
    try:
        assert await findings(connection) == []
        ours = await read_ours(connection)
    finally:
        await connection.close()
    return Books(
        journal=read_journal(stage.folder / "journal"),
        ours=ours,
        provider=(await stage.simulator.state())["payments"] + await stage.psp.orders(),
        receipts=read_receipts(stage.folder / "receipts"),
    )
