"""The audit finds hand-made damage, and nothing else: one case per invariant."""

from __future__ import annotations

from uuid import UUID

import asyncpg
import pytest

from conftest import DatabaseUrls
from gateways import APPLICATION_ID, OTHER_APPLICATION_ID, caller_of, running_gateway, seed
from guichet.domain.money import Money
from guichet.domain.outcomes import Done, TakenBack
from guichet.gateway import Gateway
from guichet.services.checkout import reserve_attempt
from guichet.services.payments import create_payment
from guichet.services.settlement import record_outcome
from guichet.store.audit import INVARIANTS, findings
from orders import order

AMOUNT_MINOR = 12_244


#: What is done to the tables, by the invariant that it breaks.
DAMAGE = [
    (
        "every entry balances in every currency",
        (
            "UPDATE ledger_postings SET amount_minor = amount_minor + 1"
            " WHERE (account_id, account_version) IN (SELECT account_id, account_version"
            " FROM ledger_postings LIMIT 1)"
        ),
    ),
    (
        "every entry has postings",
        (
            "INSERT INTO ledger_entries (id, environment, key, event, subject_id, occurred_at)"
            " VALUES (gen_random_uuid(), 'sandbox', 'empty', 'x', gen_random_uuid(), now())"
        ),
    ),
    (
        "the trial balance is zero",
        (
            "UPDATE ledger_accounts SET balance_minor = balance_minor + 1"
            " WHERE code = 'rail_float' AND currency = 'EUR'"
        ),
    ),
    (
        "an account's balance is the sum of its postings",
        (
            "UPDATE ledger_accounts SET balance_minor = balance_minor + 1"
            " WHERE code IN ('rail_float', 'suspense')"
        ),
    ),
    (
        "an account's versions are counted without a gap",
        (
            "DELETE FROM ledger_postings WHERE (account_id, account_version) IN"
            " (SELECT id, version FROM ledger_accounts WHERE code = 'fee_income')"
        ),
    ),
    (
        "an account's versions are counted without a gap",
        "UPDATE ledger_accounts SET version = version + 1 WHERE code = 'fee_income'",
    ),
    (
        "each posting's balance follows from the one before",
        (
            "UPDATE ledger_postings SET balance_after_minor = balance_after_minor + 1"
            " WHERE account_version = 1"
        ),
    ),
    (
        "merchant_pending is what payments have unreleased",
        ("UPDATE payments SET unreleased_minor = unreleased_minor - 1 WHERE unreleased_minor > 0"),
    ),
    (
        "suspense is what attempts could not place",
        "UPDATE attempts SET placed_minor = received_minor WHERE received_currency = 'EUR'",
    ),
    (
        "every completed payment is booked",
        "UPDATE ledger_entries SET key = key || '?' WHERE event = 'payment.completed'",
    ),
    (
        "only completed payments are booked",
        "UPDATE payments SET completed_at = NULL WHERE completed_at IS NOT NULL",
    ),
    (
        "payments are reversed in the books as in their status",
        "UPDATE payments SET status = 'completed' WHERE status = 'reversed'",
    ),
    (
        "payments are reversed in the books as in their status",
        "UPDATE payments SET status = 'reversed' WHERE status = 'completed'",
    ),
]


async def receive(gateway: Gateway, received: Money, application_id: UUID = APPLICATION_ID) -> UUID:
    """A payment for which the rail reports ``received``; the attempt's id."""
    new = order(minor=AMOUNT_MINOR)
    payment = (await create_payment(gateway, caller_of(gateway, application_id), new)).payment
    reserved = await reserve_attempt(gateway, payment.id)
    assert reserved is not None
    await record_outcome(gateway, reserved[1].id, Done(received=received))
    return reserved[1].id


@pytest.fixture
async def books(database_urls: DatabaseUrls) -> DatabaseUrls:
    """Books with money released, pending, in suspense and taken back, and a fee."""
    await seed(database_urls.owner_url)
    owner = await asyncpg.connect(database_urls.owner_url)
    await owner.execute(
        "UPDATE applications SET settlement_delay_hours = 24 WHERE id = $1", OTHER_APPLICATION_ID
    )
    await owner.close()
    async with running_gateway(database_urls.serving_url) as gateway:
        await receive(gateway, Money(AMOUNT_MINOR, "GBP"))
        await receive(gateway, Money(AMOUNT_MINOR, "GBP"), OTHER_APPLICATION_ID)
        await receive(gateway, Money(AMOUNT_MINOR + 1, "GBP"))
        await receive(gateway, Money(AMOUNT_MINOR - 1, "GBP"))
        await receive(gateway, Money(AMOUNT_MINOR, "EUR"))
        taken_back = await receive(gateway, Money(AMOUNT_MINOR, "GBP"))
        await record_outcome(gateway, taken_back, TakenBack())
    return database_urls


async def audit(books: DatabaseUrls) -> set[str]:
    connection = await asyncpg.connect(books.owner_url)
    try:
        return {found.invariant for found in await findings(connection)}
    finally:
        await connection.close()


async def damage(books: DatabaseUrls, sql: str) -> None:
    """Change the tables as nobody can who does not own the machine: no trigger is asked."""
    connection = await asyncpg.connect(books.superuser_url)
    try:
        await connection.execute("SET session_replication_role = replica")
        assert not (await connection.execute(sql)).endswith(" 0"), "the damage hit nothing"
    finally:
        await connection.close()


async def test_sound_books_have_no_findings(books: DatabaseUrls) -> None:
    assert await audit(books) == set()


async def test_the_books_of_the_test_touch_every_account(books: DatabaseUrls) -> None:
    connection = await asyncpg.connect(books.owner_url)
    codes = await connection.fetch("SELECT DISTINCT code FROM ledger_postings p"
                                   " JOIN ledger_accounts a ON a.id = p.account_id")  # fmt: skip
    await connection.close()

    assert {row["code"] for row in codes} >= {
        "rail_float", "merchant_pending", "merchant_available", "suspense", "fee_income",
    }  # fmt: skip


@pytest.mark.parametrize(("invariant", "sql"), DAMAGE)
async def test_damage_is_found(books: DatabaseUrls, invariant: str, sql: str) -> None:
    await damage(books, sql)

    assert invariant in await audit(books)


def test_every_invariant_has_its_damage() -> None:
    assert {invariant for invariant, _ in DAMAGE} == set(INVARIANTS)
