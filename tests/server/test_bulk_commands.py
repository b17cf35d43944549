"""Bulk transfers at the command line: a file in, a table out, a second person's word."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from conftest import DatabaseUrls, fresh_database
from gateways import MERCHANT_ID, SECRET_KEY, seed
from guichet.domain.access import Environment
from guichet.embedded import Endpoints
from guichet.services.administration import NewApplication, create_application
from guichet.vault import Vault
from server.operating import command

pytestmark = pytest.mark.asyncio(loop_scope="module")

MTN = "+237670000000"
FILE = (
    f"Amount;Channel;Name;Phone;Reference\n1500;cm.mtn;Amina;{MTN};a\n500;cm.mtn;Berthe;{MTN};b\n"
)
BAD_FILE = f"{FILE}99;cm.mtn;Chantal;{MTN};c\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def urls(cluster_endpoints: Endpoints) -> AsyncIterator[DatabaseUrls]:
    """A database with the applications of ``gateways``."""
    async with fresh_database(cluster_endpoints) as made:
        await seed(made.owner_url)
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def owner(urls: DatabaseUrls) -> AsyncIterator[asyncpg.Connection[Any]]:
    connection = await asyncpg.connect(urls.owner_url)
    yield connection
    await connection.close()


@pytest_asyncio.fixture(loop_scope="module")
async def shop(owner: asyncpg.Connection[Any]) -> str:
    """An application whose transfers wait for a second person."""
    new = NewApplication(
        merchant_id=MERCHANT_ID,
        name="Shop",
        dialect="notchpay",
        environment=Environment.SANDBOX,
        currency="XAF",
        payee_name="Boutique",
        payee_country="CM",
        bank_name="Banque",
        account="CM2110002000300277976315008",
        bic="DEMOCMCX",
        approves_transfers=True,
    )
    made = await create_application(owner, Vault([SECRET_KEY]), new, datetime.now(UTC))
    return str(made.application_id)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "transfers.csv"
    path.write_text(FILE)
    return path


async def test_file_is_sent_tabled_and_decided_upon(
    urls: DatabaseUrls, owner: asyncpg.Connection[Any], shop: str, file: Path
) -> None:
    said = command(urls, "transfer", "bulk", str(file), "--application", shop)
    assert (said.returncode, said.stderr) == (0, "")
    bulk_id, _, rest = said.stdout.partition("  ")
    assert rest == "2000 XAF and 0 in fees  transfers: 2 initiated  refused rows: 0\n"
    table = command(urls, "transfer", "bulk-result", bulk_id, "--csv").stdout
    rows = list(csv.DictReader(io.StringIO(table, newline="")))
    assert [(row["reference"], row["status"]) for row in rows] == [
        ("a", "pending"),
        ("b", "pending"),
    ]
    refused = command(urls, "transfer", "bulk-refuse", bulk_id)

    assert "transfers: 2 cancelled" in refused.stdout
    approvals = "SELECT approval FROM transfers WHERE bulk_id = $1"
    assert [row["approval"] for row in await owner.fetch(approvals, bulk_id)] == ["refused"] * 2


async def test_dry_run_says_what_would_be_and_sends_nothing(
    urls: DatabaseUrls, owner: asyncpg.Connection[Any], shop: str, file: Path
) -> None:
    file.write_text(BAD_FILE)
    said = command(urls, "transfer", "bulk", str(file), "--application", shop, "--dry-run")

    assert said.stdout == (
        "nothing was sent  2000 XAF and 0 in fees  transfers: 2 initiated  refused rows: 1\n"
        "row 3: The transfers.2.amount field is out of the channel's bounds."
        ' (line 4, column "Amount")\n'
        "needed: 2000  available: 1000000  enough\n"
    )
    bulks = "SELECT count(*) FROM bulk_transfers WHERE application_id = $1"
    assert await owner.fetchval(bulks, shop) == 0


async def test_refused_file_ends_with_1(urls: DatabaseUrls, shop: str, file: Path) -> None:
    file.write_text(BAD_FILE)

    assert command(urls, "transfer", "bulk", str(file), "--application", shop).returncode == 1


async def test_what_was_refused_is_tried_again(urls: DatabaseUrls, shop: str, file: Path) -> None:
    file.write_text(BAD_FILE)
    arguments = ("transfer", "bulk", str(file), "--application", shop, "--mode", "continue")
    said = command(urls, *arguments)
    resumed = command(urls, "transfer", "bulk-resume", said.stdout.partition("  ")[0])

    assert "transfers: 2 initiated  refused rows: 1" in resumed.stdout


async def test_file_that_is_not_there_is_said_to_be_missing(urls: DatabaseUrls, file: Path) -> None:
    file.unlink()
    said = command(urls, "transfer", "bulk", str(file), "--application", str(MERCHANT_ID))

    assert (said.returncode, said.stderr) == (1, f"guichet: {file}: No such file or directory\n")
