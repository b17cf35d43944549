"""The audit finds hand-made damage, and nothing else: one case per invariant."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from conftest import DatabaseUrls, fresh_database
from gateways import APPLICATION_ID, OTHER_APPLICATION_ID, caller_of, running_gateway, seed
from guichet.domain.money import Money
from guichet.domain.outcomes import Done, Reason, Refused, TakenBack, Unknown, Waiting
from guichet.embedded import Endpoints
from guichet.gateway import Gateway
from guichet.services.checkout import reserve_attempt
from guichet.services.payments import create_payment
from guichet.services.refunds import create_refund
from guichet.services.settlement import record_outcome
from guichet.services.transfers import cancel_transfer, record_transfer
from guichet.store.audit import INVARIANTS, findings
from orders import order
from psp import Psp, connect
from services.bookkeeping import paid
from services.sending import sender, sending_psp

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
        "suspense is what could not be placed",
        "UPDATE attempts SET placed_minor = received_minor WHERE received_currency = 'EUR'",
    ),
    (
        "suspense is what could not be placed",
        (
            "INSERT INTO unclaimed_receipts VALUES (gen_random_uuid(), 'pix', 'sandbox', NULL,"
            " gen_random_uuid(), 100, 0, 'BRL', NULL, now(), now())"
        ),
    ),
    (
        "refunds_in_flight is what payments have on its way back",
        "UPDATE payments SET refunding_minor = refunding_minor - 1 WHERE refunding_minor > 0",
    ),
    (
        "what payments say of refunds is the sum of their refunds",
        "UPDATE payments SET refunded_minor = refunded_minor + 1 WHERE refunded_minor > 0",
    ),
    (
        "what payments say of refunds is the sum of their refunds",
        "DELETE FROM refunds WHERE status = 'initiated'",
    ),
    (
        "every refund is booked as its status says",
        "UPDATE refunds SET status = 'completed' WHERE status = 'failed'",
    ),
    (
        "every refund is booked as its status says",
        "UPDATE ledger_entries SET key = key || '?' WHERE event = 'refund.initiated'",
    ),
    (
        "every refund's entries move what it says",
        "UPDATE refunds SET amount_minor = amount_minor + 1 WHERE status = 'completed'",
    ),
    (
        "every refund's entries move what it says",
        "UPDATE refunds SET amount_minor = amount_minor - 1 WHERE status = 'failed'",
    ),
    (
        "transfers_in_flight is what transfers have set aside",
        (
            "UPDATE transfers SET amount_minor = amount_minor - 1"
            " WHERE purpose = 'transfer' AND status = 'initiated'"
        ),
    ),
    (
        "transfers_in_flight is what transfers have set aside",
        "UPDATE transfers SET status = 'completed' WHERE purpose = 'transfer' AND status = 'sent'",
    ),
    (
        "payouts_in_flight is what payouts have set aside",
        "DELETE FROM transfers WHERE purpose = 'payout' AND status = 'initiated'",
    ),
    (
        "every transfer is booked as its status says",
        "UPDATE transfers SET status = 'failed' WHERE status = 'completed'",
    ),
    (
        "every transfer is booked as its status says",
        "UPDATE transfers SET status = 'completed' WHERE status = 'returned'",
    ),
    (
        "every transfer is booked as its status says",
        "UPDATE transfers SET status = 'sent' WHERE status = 'cancelled'",
    ),
    (
        "every transfer is booked as its status says",
        "UPDATE ledger_entries SET key = key || '?' WHERE event = 'transfer.initiated'",
    ),
    (
        "every transfer's entries move what it says",
        "UPDATE transfers SET amount_minor = amount_minor + 1 WHERE status = 'completed'",
    ),
    (
        "every transfer's entries move what it says",
        "UPDATE transfers SET fee_minor = fee_minor + 1 WHERE status = 'failed'",
    ),
    (
        "what was taken back is booked",
        "UPDATE payments SET returned_minor = returned_minor + 1 WHERE returned_minor = 4000",
    ),
    (
        "what was taken back is booked",
        "DELETE FROM ledger_entries WHERE event = 'payment.partially_reversed'",
    ),
    (
        "every completed payment is booked",
        "UPDATE ledger_entries SET key = key || '?' WHERE event = 'payment.completed'",
    ),
    (
        "every payment's entries move what it says",
        "UPDATE payments SET amount_minor = amount_minor + 1 WHERE status = 'completed'",
    ),
    (
        "every payment's entries move what it says",
        "UPDATE payments SET fee_minor = fee_minor + 1 WHERE fee_minor > 0",
    ),
    (
        "every completed payment's fee is booked",
        "DELETE FROM ledger_entries WHERE event = 'payment.fee'",
    ),
    (
        "every completed payment's fee is booked",
        "UPDATE payments SET fee_minor = 0 WHERE fee_minor > 0 AND completed_at IS NOT NULL",
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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def template(cluster_endpoints: Endpoints) -> AsyncIterator[str]:
    """The name of a database with money released, pending, in suspense, refunded and taken back,
    and a fee.
    """
    async with fresh_database(cluster_endpoints) as urls:
        await seed(urls.owner_url)
        owner = await asyncpg.connect(urls.owner_url)
        await owner.execute(
            "UPDATE applications SET settlement_delay_hours = 24 WHERE id = $1",
            OTHER_APPLICATION_ID,
        )
        await owner.close()
        async with running_gateway(urls.serving_url) as gateway:
            await receive(gateway, Money(AMOUNT_MINOR, "GBP"))
            await receive(gateway, Money(AMOUNT_MINOR, "GBP"), OTHER_APPLICATION_ID)
            await receive(gateway, Money(AMOUNT_MINOR + 1, "GBP"))
            await receive(gateway, Money(AMOUNT_MINOR - 1, "GBP"))
            await receive(gateway, Money(AMOUNT_MINOR, "EUR"))
            taken_back = await receive(gateway, Money(AMOUNT_MINOR, "GBP"))
            await record_outcome(gateway, taken_back, TakenBack())
            await give_back(gateway)
            await send_away(gateway)
        yield urlsplit(urls.serving_url).path.removeprefix("/")


@pytest_asyncio.fixture(loop_scope="module")
async def books(cluster_endpoints: Endpoints, template: str) -> AsyncIterator[DatabaseUrls]:
    """Such books of the test's own."""
    async with fresh_database(cluster_endpoints, template) as urls:
        yield urls


async def give_back(gateway: Gateway) -> None:
    """A payment with a refund of each kind, of which a part was taken back as well."""
    refused = Refused(reason=Reason.REJECTED)
    psp = Psp(refunds=[Done(received=Money(1, "GBP")), refused, Unknown(detail="no answer")])
    connect(gateway, psp)
    payment = await paid(gateway, psp, APPLICATION_ID)
    for minor in (1_000, 2_000, 3_000):
        await create_refund(gateway, APPLICATION_ID, payment.id, minor)
    await payment.report(TakenBack(returned=Money(4_000, "GBP")))


async def send_away(gateway: Gateway) -> None:
    """A transfer in each of its states, and a payout."""
    refused, silence = Refused(reason=Reason.REJECTED), Unknown(detail="no answer")
    psp = sending_psp()
    connect(gateway, psp)
    merchant = await sender(gateway, psp, APPLICATION_ID)
    application = merchant.application
    await merchant.send(100)
    await record_transfer(gateway, (await merchant.send(200)).id, TakenBack())
    psp.sends = [refused, silence, Waiting(), Waiting(), silence]
    for minor in (300, 400, 500):
        await merchant.send(minor)
    await merchant.send(600, purpose="payout")
    merchant.application = replace(application, approves_transfers=True)
    await cancel_transfer(gateway, application, (await merchant.send(700)).id)


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


@pytest.mark.asyncio(loop_scope="module")
async def test_sound_books_have_no_findings(books: DatabaseUrls) -> None:
    assert await audit(books) == set()


@pytest.mark.asyncio(loop_scope="module")
async def test_the_books_of_the_test_touch_every_account(books: DatabaseUrls) -> None:
    connection = await asyncpg.connect(books.owner_url)
    codes = await connection.fetch("SELECT DISTINCT code FROM ledger_postings p"
                                   " JOIN ledger_accounts a ON a.id = p.account_id")  # fmt: skip
    await connection.close()

    assert {row["code"] for row in codes} >= {
        "rail_float", "merchant_pending", "merchant_available", "suspense", "fee_income",
        "refunds_in_flight", "transfers_in_flight", "payouts_in_flight",
    }  # fmt: skip


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("invariant", "sql"), DAMAGE)
async def test_damage_is_found(books: DatabaseUrls, invariant: str, sql: str) -> None:
    await damage(books, sql)

    assert invariant in await audit(books)


def test_every_invariant_has_its_damage() -> None:
    assert {invariant for invariant, _ in DAMAGE} == set(INVARIANTS)
