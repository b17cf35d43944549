"""``guichet customer`` and ``guichet key reseal``: what an operator does for a person who asks."""

from __future__ import annotations

import json

import asyncpg
import pytest

from conftest import DatabaseUrls
from gateways import SECRET_KEY, caller_of, running_gateway, seed
from guichet.services.customers import read_customer, save_customer
from guichet.vault import Vault, generate_key
from server.operating import command
from server.programs import guichet

EMAIL = "ada@example.com"


@pytest.fixture
async def urls(database_urls: DatabaseUrls) -> DatabaseUrls:
    """A database that knows Ada."""
    await seed(database_urls.owner_url)
    async with running_gateway(database_urls.serving_url) as gateway:
        await save_customer(gateway, caller_of(gateway), None, {"email": EMAIL, "name": "Ada"})
    return database_urls


def test_person_is_found_shown_and_erased(urls: DatabaseUrls) -> None:
    customer_id = command(urls, "customer", "find", "ADA@example.com").stdout.strip()
    shown = json.loads(command(urls, "customer", "export", customer_id).stdout)
    erased = command(urls, "customer", "erase", customer_id, "--yes")
    again = command(urls, "customer", "erase", customer_id, "--yes")
    lost = command(urls, "customer", "find", EMAIL)

    assert (shown["customer"]["name"], shown["customer"]["email"]) == ("Ada", EMAIL)
    assert (erased.stdout, again.stdout) == ("erased\n", "was erased before\n")
    assert (lost.returncode, lost.stderr) == (1, "guichet: no customer of this e-mail\n")


def test_person_who_is_not_there_is_said_to_be(urls: DatabaseUrls) -> None:
    said = command(urls, "beneficiary", "export", "ben.test_nobody")

    assert (said.returncode, said.stderr) == (1, "guichet: no beneficiary ben.test_nobody\n")


async def test_after_resealing_the_old_key_is_not_needed(urls: DatabaseUrls) -> None:
    new_key = generate_key()
    said = guichet(
        "key", "reseal",
        database_url=urls.serving_url,
        owner_database_url=urls.owner_url,
        secret_keys=f"{new_key},{SECRET_KEY}",
    )  # fmt: skip
    assert said.returncode == 0, said.stderr

    connection = await asyncpg.connect(urls.owner_url)
    vault = Vault([new_key])
    secrets = await connection.fetch("SELECT webhook_secret FROM applications")
    keys = await connection.fetch("SELECT data_key FROM customers")
    await connection.close()
    assert all(vault.open(row["webhook_secret"]) for row in secrets)
    assert all(vault.is_current(row["data_key"]) for row in keys)
    assert said.stdout == f"{len(secrets) + len(keys) + 1} sealed anew.\n"


async def test_people_are_found_after_resealing_as_before(urls: DatabaseUrls) -> None:
    both = f"{generate_key()},{SECRET_KEY}"
    guichet("key", "reseal", database_url=urls.serving_url, owner_database_url=urls.owner_url,
            secret_keys=both)  # fmt: skip

    async with running_gateway(urls.serving_url, secret_keys=both.partition(",")[0]) as gateway:
        assert (await read_customer(gateway, caller_of(gateway), EMAIL)).name == "Ada"
