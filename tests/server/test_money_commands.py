"""What an operator asks the books, and decides about money that fits no payment."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest_asyncio

from conftest import DatabaseUrls
from gateways import APPLICATION_ID, running_gateway, seed
from psp import Psp, connect
from server.operating import command
from services.bookkeeping import Paid, unpaid
from services.losing import ListingPsp, Lost


@pytest_asyncio.fixture
async def urls(database_urls: DatabaseUrls) -> DatabaseUrls:
    await seed(database_urls.owner_url)
    return database_urls


@pytest_asyncio.fixture
async def payment(urls: DatabaseUrls) -> AsyncIterator[Paid]:
    """A payment of 100.50 for which 101.50 came, in two parts."""
    async with running_gateway(urls.serving_url) as gateway:
        psp = Psp()
        connect(gateway, psp)
        made = await unpaid(gateway, psp, APPLICATION_ID)
        await made.receive(50)
        await made.receive(10_150)
        yield made


async def test_short_money_is_listed_assigned_and_its_rest_returned(
    urls: DatabaseUrls, payment: Paid
) -> None:
    attempt = str(payment.attempt_id)
    listed = command(urls, "suspense", "list").stdout
    told = rf"{attempt}  \S+  pix  101.50 GBP  for payment {payment.id} of 100.50 GBP, processing"
    assert re.match(rf"{told} \(short\)\n\Z", listed)
    assigned = command(urls, "suspense", "assign", attempt)
    assert assigned.stdout == f"{payment.id}  100.50 GBP  completed\n", assigned.stderr
    returned = command(urls, "suspense", "return", attempt, "--amount", "1.00")

    assert returned.stdout == "1.00 GBP were given back.\n", returned.stderr
    figures = "available 100.50  pending 0.00  reserved 0.00  owed 0.00"
    told = f"{APPLICATION_ID}  Tests  sandbox  GBP  {figures}\n"
    assert command(urls, "balance").stdout == told


async def test_money_of_a_lost_order_is_listed_returned_in_part_and_claimed(
    urls: DatabaseUrls,
) -> None:
    async with running_gateway(urls.serving_url) as gateway:
        psp = ListingPsp()
        connect(gateway, psp)
        payment = await unpaid(gateway, psp, APPLICATION_ID)
        lost = Lost(gateway, psp)
        await lost.told(10_100)
        receipt = str(await lost.receipt_id())
    listed = command(urls, "suspense", "list").stdout
    assert re.match(
        rf"{receipt}  \S+  pix  101.00 GBP  of the lost order {lost.order_id.hex}\n\Z", listed
    )
    returned = command(urls, "suspense", "return", receipt, "--amount", "0.50")
    assert returned.stdout == "0.50 GBP were given back.\n", returned.stderr
    claimed = command(urls, "suspense", "claim", receipt, str(payment.id))

    assert claimed.stdout == f"{payment.id}  100.50 GBP  completed\n", claimed.stderr
    assert command(urls, "suspense", "list").stdout == ""
