from __future__ import annotations

import asyncpg

from conftest import DatabaseUrls
from guichet.embedded import Endpoints
from guichet.store.checks import problems, prove_commit
from guichet.store.database import Connection


async def found(url: str, **settings: str) -> list[str]:
    connection = await asyncpg.connect(url, server_settings=settings or None)
    try:
        return await problems(connection)
    finally:
        await connection.close()


class Reporting:
    """A connection on a server that says ``value`` of the setting ``name``.

    The real setting cannot be changed for one session, and a cluster of its own for each would
    be much for a sentence.
    """

    def __init__(self, connection: Connection, name: str, value: str) -> None:
        self._connection = connection
        self._answers = {f"SHOW {name}": value}

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)

    async def fetchval(self, sql: str, *arguments: object) -> object:
        if sql in self._answers:
            return self._answers[sql]
        return await self._connection.fetchval(sql, *arguments)


async def reported(url: str, name: str, value: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        return await problems(Reporting(connection, name, value))  # type: ignore[arg-type]
    finally:
        await connection.close()


async def test_the_serving_role_on_a_durable_database_may_serve(
    database_urls: DatabaseUrls,
) -> None:
    assert await found(database_urls.serving_url) == []


async def test_the_owner_of_the_tables_may_not_serve(database_urls: DatabaseUrls) -> None:
    (problem,) = await found(database_urls.owner_url)

    assert "owns the tables" in problem


async def test_a_member_of_the_owner_may_not_serve(
    database_urls: DatabaseUrls, cluster_endpoints: Endpoints
) -> None:
    superuser = await asyncpg.connect(cluster_endpoints.superuser_dsn)
    name = "deputy_" + database_urls.serving_url.partition("/test_")[2][:16]
    try:
        await superuser.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'p' IN ROLE guichet_owner")
        host = database_urls.owner_url.partition("@")[2]
        problem = (await found(f"postgresql://{name}:p@{host}"))[0]
    finally:
        await superuser.execute(f"DROP ROLE {name}")
        await superuser.close()

    assert "owns the tables" in problem


async def test_a_superuser_may_not_serve(database_urls: DatabaseUrls) -> None:
    (problem,) = await found(database_urls.superuser_url)

    assert "superuser" in problem


async def test_a_session_that_does_not_wait_for_the_disk_is_refused(
    database_urls: DatabaseUrls,
) -> None:
    (problem,) = await found(database_urls.serving_url, synchronous_commit="off")

    assert problem.startswith("synchronous_commit is off")


async def test_a_server_without_fsync_is_refused(database_urls: DatabaseUrls) -> None:
    (problem,) = await reported(database_urls.serving_url, "fsync", "off")

    assert problem.startswith("fsync is off")


async def test_a_server_without_full_pages_is_refused(database_urls: DatabaseUrls) -> None:
    (problem,) = await reported(database_urls.serving_url, "full_page_writes", "off")

    assert problem.startswith("full_page_writes is off")


async def test_an_old_server_is_refused(database_urls: DatabaseUrls) -> None:
    (problem,) = await reported(database_urls.serving_url, "server_version_num", "140011")

    assert problem == "PostgreSQL 15 or newer is needed, this is 14"


async def test_tables_of_another_version_are_refused(database_urls: DatabaseUrls) -> None:
    owner = await asyncpg.connect(database_urls.owner_url)
    await owner.execute("DELETE FROM schema_migrations")
    await owner.close()

    (problem,) = await found(database_urls.serving_url)

    assert "guichet migrate" in problem


async def test_a_commit_is_proved_by_writing_to_the_log(database_urls: DatabaseUrls) -> None:
    connection = await asyncpg.connect(database_urls.serving_url)
    try:
        before = await connection.fetchval("SELECT pg_current_wal_insert_lsn()")
        await prove_commit(connection)
        moved = await connection.fetchval("SELECT pg_current_wal_flush_lsn() > $1::pg_lsn", before)
    finally:
        await connection.close()
    assert moved
