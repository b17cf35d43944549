"""Payers' data in the database: nothing to be read, found by digests, carried over from before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from conftest import DatabaseUrls, fresh_database
from gateways import (
    APPLICATION_ID,
    OTHER_APPLICATION_ID,
    SECRET_KEY,
    caller_of,
    running_gateway,
    seed,
)
from guichet.bootstrap import build_gateway
from guichet.domain.money import Money
from guichet.domain.paging import Page
from guichet.domain.payments import CustomerDetails, NewPayment
from guichet.embedded import Endpoints
from guichet.gateway import Gateway
from guichet.people import People
from guichet.services.beneficiaries import BeneficiaryFilters, list_beneficiaries
from guichet.services.customers import list_customers, read_customer, save_customer
from guichet.services.payments import create_payment
from guichet.services.transfers import TransferFilters, list_transfers
from guichet.settings import Settings
from guichet.store import migrate as migrations
from guichet.store.deliveries import open_body
from guichet.store.migrate import migrate
from guichet.store.sealing import KeysWanted
from guichet.vault import SealBroken, Vault, generate_key

PERSON = {
    "email": "Aïcha.Canary@example.cm", "name": "Aïcha Canary Ndongo", "phone": "+237 670 11 22 33",
    "street": "Canary street", "tax_number": "CANARY-77",
}  # fmt: skip
BEFORE = ("0001", "0002", "0003", "0004")
_OLD_CUSTOMER = """
INSERT INTO customers (id, application_id, email_key, phone_key, name, email, phone, tax_number,
    details, created_at, updated_at)
VALUES (gen_random_uuid(), $1, 'aicha@example.cm', '+237670112233', 'Aicha Canary',
    'Aicha@example.cm', '670112233', 'CANARY-77', '{"company_name": "Canary SARL"}', now(), now())
RETURNING id
"""
_OLD_BENEFICIARY = """
INSERT INTO beneficiaries (id, application_id, environment, name, kind, channel, account_number,
    country, currency, description, created_at, updated_at)
VALUES (gen_random_uuid(), $1, 'sandbox', 'Canary SARL', 'mobile_money', 'cm.mtn', '+237670112233',
    'CM', 'XAF', 'Canary bird', now(), now()) RETURNING id
"""
_OLD_TRANSFER = """
INSERT INTO transfers (id, application_id, environment, purpose, beneficiary_id, rail, channel,
    destination, amount_minor, fee_minor, currency, status, approval, description, created_at,
    updated_at)
VALUES (gen_random_uuid(), $1, 'sandbox', 'transfer', $2, 'mtn', 'cm.mtn',
    '{"name": "Canary SARL", "channel": "cm.mtn", "account_number": "+237670112233",
    "country": "CM", "bank_code": null}', 500, 0, 'XAF', 'completed', 'none', 'Canary cage',
    now(), now()) RETURNING id
"""
_OLD_DELIVERY = """
WITH event AS (
    INSERT INTO events (id, application_id, type, subject_type, subject_id, version, status,
        occurred_at)
    VALUES (gen_random_uuid(), $1, 'transfer.completed', 'transfer', $2, 1, 'completed', now())
    RETURNING id
)
INSERT INTO webhook_deliveries (id, event_id, application_id, url, status, body, created_at)
SELECT gen_random_uuid(), id, $1, 'https://example.com', 'delivered', '{"name":"Canary"}', now()
FROM event
"""
_EVERYTHING = """
SELECT (SELECT string_agg(c::text, ' ') FROM customers c)
    || (SELECT string_agg(b::text, ' ') FROM beneficiaries b)
    || (SELECT string_agg(t::text, ' ') FROM transfers t)
    || (SELECT string_agg(d::text, ' ') FROM webhook_deliveries d)
"""


def order(**fields: str) -> NewPayment:
    return NewPayment(
        rail="open_banking",
        institution_key="20",
        money=Money(12244, "GBP"),
        customer=CustomerDetails(None, fields.get("email"), fields),
        reference=None,
        notify_url=None,
        request_key=None,
        request_hash=None,
    )


@pytest.fixture
async def owner(database_urls: DatabaseUrls) -> AsyncIterator[asyncpg.Connection[Any]]:
    connection = await asyncpg.connect(database_urls.owner_url)
    yield connection
    await connection.close()


async def test_nothing_of_a_payer_can_be_read_in_the_database(
    gateway: Gateway, owner: asyncpg.Connection[Any]
) -> None:
    made = await create_payment(gateway, caller_of(gateway), order(**PERSON))
    row = await owner.fetchval("SELECT c::text FROM customers c")

    assert made.customer.name == PERSON["name"]
    assert "anary" not in row
    assert b"Canary".hex() not in row


async def test_the_same_payer_has_another_digest_at_another_application(
    gateway: Gateway, owner: asyncpg.Connection[Any]
) -> None:
    for application_id in (APPLICATION_ID, OTHER_APPLICATION_ID):
        await save_customer(gateway, caller_of(gateway, application_id), None, PERSON)

    digests = await owner.fetch("SELECT DISTINCT email_digest, search_keys FROM customers")

    assert len(digests) == 2


async def test_what_a_later_payment_says_is_merged_with_what_is_known(gateway: Gateway) -> None:
    caller = caller_of(gateway)
    await create_payment(gateway, caller, order(email="a@example.com", name="A", city="Paris"))
    await create_payment(gateway, caller, order(email="A@example.com", phone="1", name="B"))
    (customer,) = (await list_customers(gateway, caller)).items

    assert (customer.email, customer.name, customer.phone, customer.city, customer.currency) == (
        "A@example.com", "B", "1", "Paris", "GBP",
    )  # fmt: skip


async def test_a_name_is_found_as_it_is_written(gateway: Gateway) -> None:
    caller = caller_of(gateway)
    await save_customer(gateway, caller, None, PERSON)

    assert (await list_customers(gateway, caller, name=PERSON["name"])).total == 1
    assert (await list_customers(gateway, caller, name="Aïcha")).total == 0


async def test_other_keys_do_not_open_the_database(database_urls: DatabaseUrls) -> None:
    await seed(database_urls.owner_url)
    async with running_gateway(database_urls.serving_url):
        pass

    with pytest.raises(ValueError, match="none of the keys"):
        await build_gateway(Settings(), database_urls.serving_url, generate_key())


def test_a_key_is_of_one_person_alone() -> None:
    vault = Vault([generate_key()])
    people = People(vault, People.new_index_key(vault))
    key = people.new_key(APPLICATION_ID)

    with pytest.raises(SealBroken):
        people.key(OTHER_APPLICATION_ID, key.sealed)


def test_what_is_sealed_for_one_purpose_opens_for_no_other() -> None:
    vault = Vault([generate_key()])
    key = People(vault, People.new_index_key(vault)).new_key(APPLICATION_ID)

    with pytest.raises(SealBroken):
        key.open(b"payment", key.seal(b"customer", b"secret"))


@pytest.fixture
async def old_database(
    cluster_endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[DatabaseUrls]:
    """A database of the version before sealing, with a payer in the clear."""
    async with fresh_database(cluster_endpoints, "template1") as urls:
        now = migrations.available()
        old = [each for each in now if each[0].startswith(BEFORE)]
        with monkeypatch.context() as patched:
            patched.setattr(migrations, "available", lambda: old)
            await migrate(urls.owner_url, "guichet")
        await seed(urls.owner_url)
        connection = await asyncpg.connect(urls.owner_url)
        await connection.execute(
            "INSERT INTO customers (id, application_id, created_at, updated_at)"
            " VALUES (gen_random_uuid(), $1, now(), now())",
            OTHER_APPLICATION_ID,
        )
        await connection.fetchval(_OLD_CUSTOMER, APPLICATION_ID)
        receiver = await connection.fetchval(_OLD_BENEFICIARY, APPLICATION_ID)
        transfer = await connection.fetchval(_OLD_TRANSFER, APPLICATION_ID, receiver)
        await connection.execute(_OLD_DELIVERY, APPLICATION_ID, transfer)
        await connection.close()
        yield urls


async def test_a_migration_without_keys_leaves_an_old_database_as_it_is(
    old_database: DatabaseUrls,
) -> None:
    with pytest.raises(KeysWanted):
        await migrate(old_database.owner_url, "guichet")

    connection = await asyncpg.connect(old_database.owner_url)
    assert await connection.fetchval("SELECT count(*) FROM customers WHERE name IS NOT NULL") == 1
    await connection.close()


async def test_people_from_before_sealing_are_sealed_and_found(old_database: DatabaseUrls) -> None:
    await migrate(old_database.owner_url, "guichet", lambda: Vault([SECRET_KEY]))

    connection = await asyncpg.connect(old_database.owner_url)
    rows = await connection.fetchval(_EVERYTHING)
    ((event_id, body),) = await connection.fetch("SELECT event_id, body FROM webhook_deliveries")
    await connection.close()
    assert "anary" not in rows
    assert b"anary".hex() not in rows
    async with running_gateway(old_database.serving_url) as gateway:
        application = caller_of(gateway).application
        payer = await read_customer(gateway, caller_of(gateway), "AICHA@example.cm")
        assert (payer.name, payer.tax_number) == ("Aicha Canary", "CANARY-77")
        found = await list_beneficiaries(
            gateway, application, BeneficiaryFilters(search="+237 670 11 22 33"), Page(1, 2)
        )
        assert [each.description for each in found.items] == ["Canary bird"]
        sent = await list_transfers(
            gateway, application, TransferFilters(search="cage"), Page(1, 2)
        )
        assert [each.account_number for each in sent.items] == ["+237670112233"]
        async with gateway.database.connection() as serving:
            assert await open_body(serving, event_id, body) == b'{"name":"Canary"}'
