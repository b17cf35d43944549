"""A cluster of its own, for counts of the whole cluster that no other test may disturb."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from gateways import running_gateway, seed
from guichet.embedded import EmbeddedPostgres, Endpoints
from guichet.gateway import Gateway
from guichet.store.database import Database
from guichet.store.migrate import migrate

#: WAL without page images, and nobody at work but us.
_QUIET = {"full_page_writes": "off", "autovacuum": "off", "shared_buffers": "128MB"}
_COUNTERS = """
SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS transactions,
    pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint AS wal_bytes,
    (SELECT sum(fsyncs)::bigint FROM pg_stat_io WHERE object = 'wal') AS wal_syncs
"""


@pytest.fixture(scope="session")
def quiet_cluster() -> Iterator[Endpoints]:
    folder = Path(tempfile.mkdtemp(prefix="guichet-counts-"))
    cluster = EmbeddedPostgres(folder, _QUIET)

    async def start() -> Endpoints:
        endpoints = await cluster.start()
        await migrate(endpoints.owner_dsn, "guichet")
        await seed(endpoints.owner_dsn)
        return endpoints

    try:
        yield asyncio.run(start())
    finally:
        asyncio.run(cluster.stop())
        shutil.rmtree(folder)


@dataclass
class Counts:
    """What some requests cost, in all. ``statements`` are SQL round trips."""

    statements: int
    write_transactions: int
    wal_bytes: int
    wal_syncs: int


class Meter:
    """Counts between its making and ``stop``, which closes the gateway's connections: a session
    hands in its figures when it ends.
    """

    def __init__(
        self, gateway: Gateway, superuser: asyncpg.Connection[Any], sent: list[str]
    ) -> None:
        self.gateway = gateway
        self._superuser = superuser
        self._sent = sent
        self._before: asyncpg.Record | None = None

    async def start(self) -> None:
        """Begin to count, with a checkpoint done; warm up before, so that sessions are prepared."""
        await self._superuser.execute("CHECKPOINT")
        self._before = await self._superuser.fetchrow(_COUNTERS)
        self._sent.clear()

    async def stop(self) -> Counts:
        """What came since ``start``."""
        statements = len(self._sent)
        await self._close_sessions()
        before, after = self._before, await self._superuser.fetchrow(_COUNTERS)
        assert before is not None
        assert after is not None
        return Counts(statements, *(now - then for now, then in zip(after, before, strict=True)))

    async def _close_sessions(self) -> None:
        for connection in list(self.gateway.database._idle):
            await connection.close()
        left = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'guichet'"
        while await self._superuser.fetchval(left):
            pass


@pytest.fixture
async def meter(quiet_cluster: Endpoints, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Meter]:
    sent: list[str] = []
    connect = Database.connect

    async def counted(database: Database) -> asyncpg.Connection[Any]:
        connection = await connect(database)
        connection.add_query_logger(lambda record: sent.append(record.query))
        return connection

    monkeypatch.setattr(Database, "connect", counted)
    superuser = await asyncpg.connect(quiet_cluster.superuser_dsn)
    async with running_gateway(quiet_cluster.serving_dsn) as gateway:
        # They ask every half second whether keys changed: not what is counted here.
        await gateway.access.stop()
        await gateway.institutions.stop()
        yield Meter(gateway, superuser, sent)
    await superuser.close()
