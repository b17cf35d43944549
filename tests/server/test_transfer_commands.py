"""Transfers decided at the command line, as the second person does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from conftest import DatabaseUrls
from gateways import APPLICATION_ID, MERCHANT_ID, running_gateway, seed
from guichet.domain.transfers import Transfer
from guichet.services.transfers import read_any_transfer
from psp import connect
from server.operating import command, create_application
from services.sending import sender, sending_psp

PAID = 10_050


@pytest.fixture
async def seeded(database_urls: DatabaseUrls) -> DatabaseUrls:
    """A database with the two applications of ``gateways``."""
    await seed(database_urls.owner_url)
    return database_urls


@pytest.fixture
async def waiting(seeded: DatabaseUrls) -> AsyncIterator[Transfer]:
    """A transfer that waits for its checker."""
    async with running_gateway(seeded.serving_url) as gateway:
        psp = sending_psp()
        connect(gateway, psp)
        merchant = await sender(gateway, psp, APPLICATION_ID, approves_transfers=True)
        yield await merchant.send(4_000, reference="salary-7")


async def now_is(urls: DatabaseUrls, transfer: Transfer) -> Transfer:
    async with running_gateway(urls.serving_url) as gateway:
        return await read_any_transfer(gateway, transfer.id)


async def test_what_waits_is_listed(seeded: DatabaseUrls, waiting: Transfer) -> None:
    listed = command(seeded, "transfer", "list").stdout

    assert f"{waiting.id}" in listed
    assert "40.00 GBP  cm.mtn  salary-7  initiated" in listed


async def test_refused_transfer_gives_its_money_back(
    seeded: DatabaseUrls, waiting: Transfer
) -> None:
    said = command(seeded, "transfer", "refuse", str(waiting.id))

    assert "cancelled  declined" in said.stdout, said.stderr
    assert command(seeded, "transfer", "list").stdout == ""
    owner = await asyncpg.connect(seeded.owner_url)
    minor = await owner.fetchval(
        "SELECT balance_minor FROM ledger_accounts WHERE code = 'merchant_available'"
    )
    await owner.close()
    assert minor == PAID


async def test_approved_transfer_is_not_to_be_refused(
    seeded: DatabaseUrls, waiting: Transfer
) -> None:
    said = command(seeded, "transfer", "approve", str(waiting.id))
    assert "The worker asks" in said.stdout, said.stderr  # this process has no such provider
    assert (await now_is(seeded, waiting)).approval == "given"
    refused = command(seeded, "transfer", "refuse", str(waiting.id))

    assert refused.returncode == 1
    assert refused.stderr.startswith("guichet: it is ")


def test_unknown_transfer_is_said_to_be_unknown(seeded: DatabaseUrls) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"

    said = command(seeded, "transfer", "approve", unknown)
    assert (said.returncode, said.stderr) == (1, f"guichet: no transfer {unknown}\n")


async def test_application_is_made_with_rules_for_its_transfers(seeded: DatabaseUrls) -> None:
    networks = ("198.51.100.0/24", "2001:db8::1")
    said = create_application(
        seeded,
        MERCHANT_ID,
        "--approves-transfers",
        *(word for network in networks for word in ("--transfer-address", network)),
    )
    application_id = UUID(said.stdout.splitlines()[0].removeprefix("application: "))

    async with running_gateway(seeded.serving_url) as gateway:
        application = gateway.access.application(application_id)
    assert application is not None
    assert application.approves_transfers
    assert application.transfer_addresses == networks


def test_address_that_is_none_is_refused(seeded: DatabaseUrls) -> None:
    said = create_application(seeded, MERCHANT_ID, "--transfer-address", "198.51.100.7/24")

    assert (said.returncode, said.stderr) == (1, "guichet: transfer_addresses: network\n")


async def test_application_is_changed_where_it_is_named(seeded: DatabaseUrls) -> None:
    said = command(
        seeded, "application", "update", str(APPLICATION_ID), "--transfer-fee-percent-bps", "100",
        "--wire-option", "grant-406", "--wire-option", "webhooks-200",
    )  # fmt: skip
    assert said.returncode == 0, said.stderr

    async with running_gateway(seeded.serving_url) as gateway:
        application = gateway.access.application(APPLICATION_ID)
    assert application is not None
    assert application.transfer_fee_rule is not None
    assert application.transfer_fee_rule.percent_bps == 100
    assert application.dialect_options == {"grant_406", "webhooks_200"}
