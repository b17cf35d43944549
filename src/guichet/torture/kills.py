"""Who kills what and when, and who watches the ledger meanwhile."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import asyncpg
import httpx2

from guichet.torture.journal import now
from guichet.torture.programs import Cluster, Program

_GAP_SECONDS = (0.3, 1.5)
_LOOK_SECONDS = 0.25
_PAUSE_SECONDS = 0.05
_LOST = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresError,
)

#: Twice the trial balance, from the accounts and from the postings, in one snapshot.
_TRIAL = """
    SELECT 'accounts', currency, sum(CASE WHEN kind IN ('asset', 'expense') THEN balance_minor
        ELSE -balance_minor END) AS off
    FROM ledger_accounts GROUP BY currency
    UNION ALL
    SELECT 'postings', a.currency, sum(CASE p.direction WHEN 'debit' THEN p.amount_minor
        ELSE -p.amount_minor END)
    FROM ledger_postings p JOIN ledger_accounts a ON a.id = p.account_id GROUP BY a.currency
"""
_WORKER_LISTENS = "SELECT FROM pg_stat_activity WHERE query LIKE 'LISTEN %guichet_work%'"


@dataclass
class Probe:
    """Looks at the trial balance, several times a second whenever the database answers.

    As its superuser: row security has everybody else wait where a fault locks payments.
    """

    dsn: str
    samples: int = 0
    paused: bool = False
    findings: list[str] = field(default_factory=list)

    async def run(self) -> None:
        while True:
            if self.paused:
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            try:
                connection = await asyncpg.connect(self.dsn, database="guichet", timeout=2)
            except _LOST:
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            try:
                while not self.paused:
                    for row in await connection.fetch(_TRIAL, timeout=5):
                        if row["off"]:
                            self.findings.append(f"trial balance: {tuple(row)}")
                    self.samples += 1
                    await asyncio.sleep(_LOOK_SECONDS)
            except _LOST:
                continue
            finally:
                connection.terminate()


@dataclass
class Killer:
    """Kills one part again and again: each time it is ready, after a random while under load."""

    name: str
    kill: Callable[[], object]
    #: Waits until it is gone, and brings it back if nothing else does.
    revive: Callable[[], Awaitable[object]]
    is_ready: Callable[[], Awaitable[bool]]
    chance: random.Random
    kills: list[float] = field(default_factory=list)

    def gap_seconds(self) -> float:
        """How long to leave it in peace this time."""
        return self.chance.uniform(*_GAP_SECONDS)

    async def strike(self) -> None:
        """Kill it once, and bring it back."""
        await until(self.is_ready)
        await asyncio.sleep(self.gap_seconds())
        self.kill()
        self.kills.append(now())
        await self.revive()


async def kill_all(killers: Sequence[Killer], count: int) -> None:
    """Kill each part ``count`` times, all of them without regard to the others."""

    async def strike(killer: Killer) -> None:
        for _ in range(count):
            await killer.strike()

    async with asyncio.TaskGroup() as group:
        for killer in killers:
            group.create_task(strike(killer))


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Look again and again; whoever waits says for how long at most."""
    while not await holds():
        await asyncio.sleep(_PAUSE_SECONDS)


async def is_served(url: str) -> bool:
    """Whether the server answers and says that a commit can succeed."""
    async with httpx2.AsyncClient(trust_env=False, timeout=3) as client:
        try:
            return (await client.get(f"{url}/healthz")).status_code == 200
        except httpx2.TransportError:
            return False


def killers(
    seed: int, server: Program, worker: Program, cluster: Cluster, url: str, dsn: str
) -> list[Killer]:
    """One for each part, with gaps drawn from the seed."""

    async def server_is_ready() -> bool:
        return await is_served(url)

    async def worker_is_ready() -> bool:
        return await _finds(dsn, _WORKER_LISTENS)

    async def worker_is_gone() -> bool:
        return not await worker_is_ready()

    async def nothing() -> None:
        """The server's keeper starts it again."""

    return [
        Killer(name, part.kill, revive, is_ready, random.Random(f"{seed} {name}"))
        for name, part, revive, is_ready in (
            ("server", server, nothing, server_is_ready),
            ("worker", worker, lambda: until(worker_is_gone), worker_is_ready),
            ("database", cluster, cluster.start, server_is_ready),
        )
    ]


async def _finds(dsn: str, query: str) -> bool:
    """Whether the database answers with rows."""
    try:
        connection = await asyncpg.connect(dsn, timeout=2)
    except _LOST:
        return False
    try:
        return bool(await connection.fetch(query))
    except _LOST:
        return False
    finally:
        connection.terminate()
