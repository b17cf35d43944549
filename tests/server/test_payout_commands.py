"""Payouts at the command line, as the person who sends them types it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest_asyncio

from conftest import DatabaseUrls
from gateways import APPLICATION_ID, seed
from guichet.domain.access import Environment
from guichet.services.opening import open_balance
from server.operating import command


@pytest_asyncio.fixture
async def urls(database_urls: DatabaseUrls) -> AsyncIterator[DatabaseUrls]:
    """A database whose application has a million pounds."""
    await seed(database_urls.owner_url)
    owner = await asyncpg.connect(database_urls.owner_url)
    now = datetime.now(UTC)
    await open_balance(owner, APPLICATION_ID, Environment.SANDBOX, "GBP", now)
    yield database_urls
    await owner.close()


async def test_payout_is_asked_for_listed_and_settled(urls: DatabaseUrls) -> None:
    made = command(urls, "payout", "create", str(APPLICATION_ID), "12.50")
    assert made.returncode == 0, made.stderr
    line = made.stdout.splitlines()[0]
    to = "12.50 GBP  to John Doe, DE89370400440532013000, AACSDE33  initiated"
    assert re.fullmatch(rf"\S+  \S+  {to}", line)
    assert command(urls, "payout", "list").stdout == f"{line}\n"
    payout_id = line.partition(" ")[0]
    paid = command(urls, "payout", "paid", payout_id, "--reference", "BANK-7")

    assert paid.stdout == line.replace("initiated", "completed  BANK-7") + "\n"
    refused = command(urls, "payout", "failed", payout_id, "--reason", "late")
    assert (refused.returncode, refused.stderr) == (1, "guichet: it is completed\n")


async def test_amount_that_is_none_is_refused(urls: DatabaseUrls) -> None:
    said = command(urls, "payout", "create", str(APPLICATION_ID), "12.505")

    assert (said.returncode, said.stderr) == (1, "guichet: amount: decimals\n")
