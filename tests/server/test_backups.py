"""A backup is taken while payments are made, and restored into an empty database."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from conftest import DatabaseUrls, fresh_database
from gateways import SECRET_KEY, caller_of, running_gateway, seed
from guichet.embedded import Endpoints
from guichet.services.payments import create_payment
from orders import order
from server.programs import guichet

OTHER_KEY = "b3RoZXJzIG9ubHksIG5ldmVyIGEgcmVhbCBzZWNyZXQ="


def run(
    urls: DatabaseUrls, *arguments: str, key: str = SECRET_KEY
) -> subprocess.CompletedProcess[str]:
    return guichet(
        *arguments,
        database_url=urls.serving_url,
        owner_database_url=urls.owner_url,
        secret_keys=key,
    )


async def pay(urls: DatabaseUrls, minor: int) -> None:
    async with running_gateway(urls.serving_url) as gateway:
        await create_payment(gateway, caller_of(gateway), order(minor=minor))


async def amounts(url: str) -> list[int]:
    connection: asyncpg.Connection[Any] = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT amount_minor FROM payments ORDER BY id")
        return [row[0] for row in rows]
    finally:
        await connection.close()


@pytest.fixture
async def empty(cluster_endpoints: Endpoints) -> AsyncIterator[DatabaseUrls]:
    """A database without tables."""
    async with fresh_database(cluster_endpoints, "template0") as urls:
        yield urls


@pytest.fixture
async def backup(database_urls: DatabaseUrls, tmp_path: Path) -> Path:
    """A backup of one payment of 5.00."""
    await seed(database_urls.owner_url)
    await pay(database_urls, 500)
    file = tmp_path / "guichet.backup"
    done = run(database_urls, "backup", str(file))
    assert done.returncode == 0, done.stderr
    return file


async def test_what_was_backed_up_is_there_again_and_goes_on(
    database_urls: DatabaseUrls, backup: Path, empty: DatabaseUrls
) -> None:
    await pay(database_urls, 700)  # after the backup: lost with the database

    done = run(empty, "restore", str(backup))

    assert done.returncode == 0, done.stderr
    await pay(empty, 900)
    assert await amounts(empty.owner_url) == [500, 900]
    assert "invariants hold" in run(empty, "ledger", "audit").stdout


async def test_a_backup_is_for_its_owner_alone(backup: Path) -> None:
    assert backup.stat().st_mode & 0o777 == 0o600


async def test_a_restore_overwrites_nothing(database_urls: DatabaseUrls, backup: Path) -> None:
    done = run(database_urls, "restore", str(backup))

    assert (done.returncode, done.stdout) == (1, "")
    assert "not empty" in done.stderr
    assert await amounts(database_urls.owner_url) == [500]


async def test_other_secret_keys_are_found_at_the_restore(
    backup: Path, empty: DatabaseUrls
) -> None:
    done = run(empty, "restore", str(backup), key=OTHER_KEY)

    assert done.returncode == 1
    assert "does not open" in done.stderr


async def test_a_broken_file_leaves_the_database_empty(
    backup: Path, empty: DatabaseUrls, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.backup"
    broken.write_bytes(backup.read_bytes()[:-3000])

    done = run(empty, "restore", str(broken))

    assert (done.returncode, "pg_restore failed" in done.stderr) == (1, True)
    assert run(empty, "restore", str(backup)).returncode == 0


async def test_a_backup_that_fails_leaves_no_file(
    database_urls: DatabaseUrls, tmp_path: Path
) -> None:
    file = tmp_path / "guichet.backup"
    nowhere = database_urls._replace(owner_url=database_urls.owner_url.replace("/test_", "/no_"))

    done = run(nowhere, "backup", str(file))

    assert (done.returncode, "pg_dump failed" in done.stderr) == (1, True)
    assert list(tmp_path.iterdir()) == []
