"""The second wall: what the serving role sees and may write, whatever its queries forget."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from conftest import DatabaseUrls, fresh_database
from gateways import APPLICATION_ID, OTHER_APPLICATION_ID, running_gateway, seed
from guichet.domain.paging import Page
from guichet.embedded import Endpoints
from guichet.store import payment_pages, payments, scope
from guichet.store.audit import RowsHidden, findings
from guichet.store.checks import problems
from guichet.store.database import Database
from guichet.store.migrate import migrate
from guichet.store.payment_pages import PageKey, PaymentFilters
from store.every_table import fill

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Tables whose rows are nobody's, and why the serving role sees all of them.
SHARED = {
    "access_version": "one number, and why money stands still",
    "institutions": "what banks there are",
    "rail_notices": "whose a notice is is found out later; its content is sealed",
    "reconciliations": "how far a provider's list was read",
    "schema_migrations": "names of migrations",
    "seals": "one sealed key for all",
    "unclaimed_receipts": "amounts of lost orders: whose they are nobody knows",
}
#: Ways of joining and reading that PostgreSQL can be kept from, to make it choose others.
WAYS = ("nestloop", "hashjoin", "mergejoin", "indexscan", "seqscan", "bitmapscan", "material")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def urls(cluster_endpoints: Endpoints) -> AsyncIterator[DatabaseUrls]:
    """A database with a row or more of two applications in every table."""
    async with fresh_database(cluster_endpoints) as made:
        await seed(made.owner_url)
        superuser = await asyncpg.connect(made.superuser_url)
        for number, application_id in enumerate((APPLICATION_ID, OTHER_APPLICATION_ID), start=1):
            await fill(superuser, application_id, uuid4(), number)
        await superuser.close()
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def serving(urls: DatabaseUrls) -> AsyncIterator[asyncpg.Connection[Any]]:
    connection = await asyncpg.connect(urls.serving_url)
    yield connection
    await connection.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def owner(urls: DatabaseUrls) -> AsyncIterator[asyncpg.Connection[Any]]:
    connection = await asyncpg.connect(urls.owner_url)
    yield connection
    await connection.close()


async def tables(connection: asyncpg.Connection[Any]) -> list[str]:
    rows = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'p') ORDER BY relname"
    )
    return [row[0] for row in rows]


async def counted(connection: asyncpg.Connection[Any], names: list[str]) -> dict[str, int]:
    return {name: await connection.fetchval(f"SELECT count(*) FROM {name}") for name in names}


async def test_every_table_is_guarded_or_on_the_list(owner: asyncpg.Connection[Any]) -> None:
    rows = await owner.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'p') AND NOT (relrowsecurity AND relforcerowsecurity)"
    )

    assert {row[0] for row in rows} == set(SHARED)


async def test_every_guarded_table_has_rows_to_hide(owner: asyncpg.Connection[Any]) -> None:
    guarded = [name for name in await tables(owner) if name not in SHARED]

    assert [name for name, rows in (await counted(owner, guarded)).items() if rows == 0] == []


async def test_without_the_setting_no_table_shows_a_row(
    owner: asyncpg.Connection[Any], serving: asyncpg.Connection[Any]
) -> None:
    guarded = [name for name in await tables(owner) if name not in SHARED]

    assert {name: n for name, n in (await counted(serving, guarded)).items() if n} == {}


async def test_after_a_transaction_the_setting_is_gone(serving: asyncpg.Connection[Any]) -> None:
    async with serving.transaction():
        await serving.execute(scope.setting([APPLICATION_ID]))
        within = await serving.fetchval("SELECT count(*) FROM payments")

    assert within > 0
    assert await serving.fetchval("SELECT count(*) FROM payments") == 0


async def test_within_a_scope_there_are_its_rows_and_no_others(
    owner: asyncpg.Connection[Any], serving: asyncpg.Connection[Any]
) -> None:
    with_owner = await owner.fetch(
        "SELECT attrelid::regclass::text AS name FROM pg_attribute a"
        " JOIN pg_class c ON c.oid = a.attrelid WHERE attname = 'application_id'"
        " AND relkind = 'r' AND NOT attisdropped"
    )
    async with serving.transaction():
        await serving.execute(scope.setting([APPLICATION_ID]))
        for name in [row["name"] for row in with_owner]:
            seen = await serving.fetch(f"SELECT DISTINCT application_id FROM {name}")
            assert {row[0] for row in seen} - {None} == {APPLICATION_ID}, name


async def test_books_show_the_entries_of_their_application(
    serving: asyncpg.Connection[Any], owner: asyncpg.Connection[Any]
) -> None:
    async with serving.transaction():
        await serving.execute(scope.setting([APPLICATION_ID]))
        seen = await counted(serving, ["ledger_entries", "ledger_postings", "webhook_tries"])
    whole = await counted(owner, ["ledger_entries", "ledger_postings", "webhook_tries"])

    assert {name: rows * 2 for name, rows in seen.items()} == whole


async def test_no_row_is_written_for_somebody_else(serving: asyncpg.Connection[Any]) -> None:
    transaction = serving.transaction()
    await transaction.start()
    await serving.execute(scope.setting([APPLICATION_ID]))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await serving.execute(
                "INSERT INTO events (id, application_id, type, subject_id, version, status,"
                " occurred_at) VALUES ($1, $2, 'payment.completed', $1, 1, 'completed', now())",
                uuid4(),
                OTHER_APPLICATION_ID,
            )
    finally:
        await transaction.rollback()


@pytest.mark.parametrize("column", ["amount_minor", "application_id"])
async def test_no_row_of_somebody_else_is_changed(
    serving: asyncpg.Connection[Any], column: str
) -> None:
    async with serving.transaction():
        await serving.execute(scope.setting([APPLICATION_ID]))
        changed = await serving.execute(
            f"UPDATE payments SET {column} = {column} WHERE application_id = $1",
            OTHER_APPLICATION_ID,
        )

    assert changed == "UPDATE 0"


@pytest.mark.parametrize(
    "table", ["applications", "api_keys", "payees", "fee_rules", "merchants", "provider_accounts"]
)
async def test_who_calls_and_who_is_paid_cannot_be_changed(
    serving: asyncpg.Connection[Any], table: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
        await serving.execute(f"UPDATE {table} SET created_at = now()")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entries SET event = event",
        "UPDATE ledger_postings SET amount_minor = amount_minor",
        "UPDATE events SET status = status",
        "UPDATE seals SET index_key = index_key",
        "DELETE FROM ledger_entries",
        "DELETE FROM ledger_postings",
        "DELETE FROM events",
        "DELETE FROM payments",
        "TRUNCATE ledger_postings",
    ],
)
async def test_what_was_booked_and_told_is_only_added_to(
    serving: asyncpg.Connection[Any], statement: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
        await serving.execute(statement)


async def test_the_serving_role_cannot_lift_the_wall(serving: asyncpg.Connection[Any]) -> None:
    await serving.execute("SET row_security = off")
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await serving.fetch("SELECT * FROM payments")
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="must be owner"):
            await serving.execute("ALTER TABLE payments NO FORCE ROW LEVEL SECURITY")
    finally:
        await serving.execute("RESET row_security")


async def test_what_runs_as_the_owner_is_for_the_serving_role_alone(
    owner: asyncpg.Connection[Any],
) -> None:
    functions = (
        "SELECT proname FROM pg_proc WHERE prosecdef AND has_function_privilege($1, oid, 'EXECUTE')"
    )

    assert await owner.fetch(functions, "public") == []
    assert len(await owner.fetch(functions, "guichet")) > 10


async def test_a_table_without_the_wall_is_a_reason_not_to_serve(
    owner: asyncpg.Connection[Any], serving: asyncpg.Connection[Any]
) -> None:
    await owner.execute("ALTER TABLE payments NO FORCE ROW LEVEL SECURITY")
    try:
        (problem,) = await problems(serving)
    finally:
        await owner.execute("ALTER TABLE payments FORCE ROW LEVEL SECURITY")

    assert problem.startswith("row security is off on payments")


@pytest.mark.parametrize("avoided", WAYS)
async def test_hot_statements_name_their_scope_before_they_read(
    urls: DatabaseUrls, owner: asyncpg.Connection[Any], avoided: str
) -> None:
    """However PostgreSQL joins: what it is kept from here, it may choose not to do by itself."""
    rows = await owner.fetch("SELECT application_id, id FROM payments")
    keys = [(row["application_id"], row["id"]) for row in rows]
    pages = [PageKey(application, Page(1, 10), UUID(int=0)) for application, _ in keys]
    async with running_gateway(urls.serving_url) as gateway:
        database = gateway.database
        async with database.bare_connection() as connection:
            await connection.execute(f"SET enable_{avoided} = off")
            found = await payments.read_many(connection, keys)
            read = await payment_pages.read_pages(connection, pages, PaymentFilters())
            count = await payment_pages.count_between(
                connection, APPLICATION_ID, UUID(int=0), UUID(int=2**128 - 1)
            )

    assert [row.payment.id for row in found if row] == [id_ for _, id_ in keys]
    assert [len(page.stamps) for page in read] == [page.counted for page in read] == [1] * len(keys)
    assert count == 1


async def test_a_hot_statement_leaves_nothing_in_scope(urls: DatabaseUrls) -> None:
    async with (
        running_gateway(urls.serving_url) as gateway,
        gateway.database.bare_connection() as connection,
    ):
        await payments.read_many(connection, [(APPLICATION_ID, uuid4())])
        left = await connection.fetchval("SELECT count(*) FROM payments")

    assert left == 0


async def test_the_audit_refuses_to_judge_what_it_cannot_see(urls: DatabaseUrls) -> None:
    database = Database(urls.serving_url, 1)
    async with database.bare_connection() as connection:
        with pytest.raises(RowsHidden):
            await findings(connection)
    with scope.acting_for(APPLICATION_ID):
        async with database.transaction() as connection:
            with pytest.raises(RowsHidden):
                await findings(connection)
    await database.close()


async def test_a_new_owner_sees_everything_once_it_has_migrated(urls: DatabaseUrls) -> None:
    """As after a restore, whose policies name the owner of the place it came from."""
    superuser = await asyncpg.connect(urls.superuser_url)
    try:
        await superuser.execute("ALTER POLICY owner ON payments TO guichet")
        await migrate(urls.owner_url, "guichet")
        owner = await asyncpg.connect(urls.owner_url)
        seen = await owner.fetchval("SELECT count(*) FROM payments")
        await owner.close()
    finally:
        await superuser.close()

    assert seen == 2
