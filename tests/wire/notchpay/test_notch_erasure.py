"""A person is forgotten: nothing of them is left in any table, and the books are as they were."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from conftest import DatabaseUrls
from guichet.dialects.neopay.app import build_app as build_neopay
from guichet.dialects.notchpay.ids import write_id
from guichet.gateway import Gateway
from guichet.services.people import MoneyUnderWay, erase_person, export_person, find_customers
from guichet.store.audit import findings
from guichet.store.seals import people_with
from outbound.listeners import answer
from wire.applications import MakeApplication, TestApplication
from wire.client import Client
from wire.notchpay.canaries import CANARIES, EMAIL, PERSON, WORD, Traces, leave_traces, remains
from wire.notchpay.requests import made
from wire.notchpay.senders import kept, sent
from wire.notchpay.shops import Shop
from worker.endpoint_parts import deliver_due
from worker.parts import receiving

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: What says that money moved, and must be as it was.
_BOOKS = """
SELECT string_agg(t::text, ',') FROM (
    SELECT environment, code, currency, balance_minor, version FROM ledger_accounts ORDER BY id
) t
"""
_MONEY = """
SELECT string_agg(t::text, ',') FROM (
    SELECT id, reference, amount_minor, status FROM payments
    UNION ALL SELECT id, reference, amount_minor, status FROM transfers
    UNION ALL SELECT id, provider_reference, amount_minor, status FROM refunds ORDER BY 1
) t
"""


class Story(NamedTuple):
    """A person's traces, and the clients they left them at."""

    traces: Traces
    notch: Client
    neopay: TestApplication
    log: str


@pytest_asyncio.fixture(loop_scope="module")
async def superuser(wire_urls: DatabaseUrls) -> AsyncIterator[asyncpg.Connection[Any]]:
    connection = await asyncpg.connect(wire_urls.superuser_url)
    yield connection
    await connection.close()


@pytest_asyncio.fixture(loop_scope="module")
async def story(
    gateway: Gateway, sending: Client, shop: Shop, make_application: MakeApplication,
    caplog: pytest.LogCaptureFixture,
) -> Story:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    neopay = await make_application(webhook_secret=gateway.vault.seal(b"a secret"))
    echo = answer(body=f"thanks, {PERSON['name']} of {EMAIL}".encode())
    async with receiving(echo) as receiver:
        traces = await leave_traces(gateway, sending, shop.id, neopay, receiver.url)
    return Story(traces, sending, neopay, caplog.text)


async def erase(gateway: Gateway, owner: asyncpg.Connection[Any], traces: Traces) -> None:
    people = await people_with(owner, gateway.vault)
    for kind, person_id in traces.erasures:
        assert await erase_person(owner, people, kind, person_id, gateway.clock.now())


async def test_erased_person_is_in_no_cell_of_any_table(
    gateway: Gateway, owner: asyncpg.Connection[Any], superuser: asyncpg.Connection[Any],
    story: Story,
) -> None:  # fmt: skip
    readable = await remains(superuser, opened=False)
    sealed = await remains(superuser, opened=True)
    assert readable == {"webhook_tries.answer"}
    assert sealed >= {
        "customers.sealed", "payments.sealed", "attempts.payer_phone", "refunds.note",
        "beneficiaries.sealed", "transfers.sealed", "bulk_rows.content",
        "bulk_transfers.description", "webhook_deliveries.body", "rail_notices.content",
    }  # fmt: skip
    books, money = await owner.fetchval(_BOOKS), await owner.fetchval(_MONEY)
    assert await findings(owner) == []

    await erase(gateway, owner, story.traces)

    assert await remains(superuser, opened=True) == set()
    assert (await owner.fetchval(_BOOKS), await owner.fetchval(_MONEY)) == (books, money)
    assert await findings(owner) == []
    while await deliver_due(gateway):
        pass
    assert await remains(superuser, opened=True) == set()
    assert not any(canary in story.log.casefold() for canary in CANARIES)


async def test_copies_are_cleared_even_for_who_kept_the_key(
    gateway: Gateway, owner: asyncpg.Connection[Any], superuser: asyncpg.Connection[Any],
    story: Story,
) -> None:  # fmt: skip
    ids = [person_id for _, person_id in story.traces.erasures]
    keys = {
        table: await owner.fetch(f"SELECT id, data_key FROM {table} WHERE id = ANY($1)", ids)
        for table in ("customers", "beneficiaries")
    }
    await erase(gateway, owner, story.traces)
    for table, rows in keys.items():
        await owner.executemany(f"UPDATE {table} SET data_key = $2 WHERE id = $1", rows)

    left = await remains(superuser, opened=True)

    for table in keys:
        await owner.execute(f"UPDATE {table} SET data_key = NULL WHERE id = ANY($1)", ids)
    assert left == set()


async def test_copies_are_noise_once_the_key_is_destroyed(
    superuser: asyncpg.Connection[Any], story: Story
) -> None:
    ids = [person_id for _, person_id in story.traces.erasures]
    transaction = superuser.transaction()
    await transaction.start()
    for table in ("customers", "beneficiaries"):
        await superuser.execute(f"UPDATE {table} SET data_key = NULL WHERE id = ANY($1)", ids)
    left = await remains(superuser, opened=True)
    await transaction.rollback()

    # What is sealed with no person's key, or not at all: this is why erasing clears it.
    assert left == {
        "webhook_tries.answer", "rail_notices.content", "bulk_rows.content",
        "bulk_transfers.description",
    }  # fmt: skip


async def test_what_is_shown_of_an_erased_person_says_so(
    gateway: Gateway, owner: asyncpg.Connection[Any], story: Story
) -> None:
    await erase(gateway, owner, story.traces)
    traces, notch = story.traces, story.notch
    neopay = Client(build_neopay(gateway), story.neopay.headers)

    payments = (await neopay.get("/api/payments")).json()["data"]
    listed = await notch.get("/payments")
    transfers = await notch.get("/transfers")
    gone = await notch.get(f"/customers/{write_id('customer', 'sandbox', traces.notch_id)}")

    assert {each["customer"]["name"] for each in payments} == {"erased"}
    assert {each["customer"]["email"] for each in payments} == {"erased@erased.invalid"}
    assert gone.status == 404
    for body in (listed.body, transfers.body):
        assert not any(canary.encode() in body.lower() for canary in CANARIES)


async def test_person_is_found_by_no_search_any_more(
    gateway: Gateway, owner: asyncpg.Connection[Any], story: Story
) -> None:
    searches = [f"/{kind}?search={WORD}" for kind in ("payments", "customers", "beneficiaries")]
    before = [(await story.notch.get(path)).json()["totals"] for path in searches]
    await erase(gateway, owner, story.traces)

    after = [(await story.notch.get(path)).json()["totals"] for path in searches]

    assert all(before)
    assert not any(after)


async def test_export_holds_all_that_an_erasure_would_destroy(
    gateway: Gateway, owner: asyncpg.Connection[Any], story: Story
) -> None:
    people = await people_with(owner, gateway.vault)
    ids = await find_customers(owner, people, EMAIL.upper())
    assert {story.traces.notch_id, story.traces.neopay_id} <= set(ids)

    told = await export_person(owner, people, "customer", story.traces.notch_id)
    paid = await export_person(owner, people, "beneficiary", story.traces.beneficiary_id)

    assert told["customer"]["name"] == PERSON["name"]
    (payment,) = told["payments"]
    assert (payment["description"], payment["channel"]) == (f"For {WORD}", "cm.mtn")
    assert [each["payer_phone"] for each in payment["attempts"]] == [PERSON["phone"]]
    assert [each["note"] for each in payment["refunds"]] == [f"{WORD} asked for it"]
    assert all(WORD in (each["body"] or WORD) for each in told["events"])
    assert f"Pay {WORD}" in {each.get("description") for each in paid["transfers"]}


async def test_key_of_an_erased_person_is_destroyed(
    gateway: Gateway, owner: asyncpg.Connection[Any], story: Story
) -> None:
    await erase(gateway, owner, story.traces)

    keys = await owner.fetch(
        "SELECT data_key FROM customers WHERE id = ANY($1)"
        " UNION ALL SELECT data_key FROM beneficiaries WHERE id = ANY($1)",
        [person_id for _, person_id in story.traces.erasures],
    )
    assert [row["data_key"] for row in keys] == [None, None, None]


async def test_who_is_erased_twice_is_erased_once(
    gateway: Gateway, owner: asyncpg.Connection[Any], story: Story
) -> None:
    await erase(gateway, owner, story.traces)
    people = await people_with(owner, gateway.vault)
    customer_id = story.traces.notch_id

    assert not await erase_person(owner, people, "customer", customer_id, gateway.clock.now())


async def test_payer_whose_payment_is_open_is_not_erased(
    gateway: Gateway, owner: asyncpg.Connection[Any], sending: Client
) -> None:
    payment = await made(sending, email="waits@example.cm")
    people = await people_with(owner, gateway.vault)
    (customer_id,) = await find_customers(owner, people, "waits@example.cm")

    with pytest.raises(MoneyUnderWay, match=r"payment .* is pending"):
        await erase_person(owner, people, "customer", customer_id, gateway.clock.now())
    assert (await sending.get(f"/payments/{payment['reference']}")).status == 200


async def test_beneficiary_whose_money_is_on_its_way_is_not_erased(
    gateway: Gateway, owner: asyncpg.Connection[Any], sending: Client
) -> None:
    beneficiary = await kept(sending, account_number="+237670000099")
    await sent(sending, beneficiary=beneficiary["id"], beneficiary_data=None)
    people = await people_with(owner, gateway.vault)
    beneficiary_id = await owner.fetchval("SELECT beneficiary_id FROM transfers ORDER BY id DESC")
    await owner.execute(
        "UPDATE transfers SET status = 'sent' WHERE beneficiary_id = $1", beneficiary_id
    )

    with pytest.raises(MoneyUnderWay, match=r"transfer .* is sent"):
        await erase_person(owner, people, "beneficiary", beneficiary_id, gateway.clock.now())
    await owner.execute(
        "UPDATE transfers SET status = 'completed' WHERE beneficiary_id = $1", beneficiary_id
    )


async def test_payer_who_comes_back_after_an_erasure_is_somebody_new(
    gateway: Gateway, owner: asyncpg.Connection[Any], story: Story
) -> None:
    await erase(gateway, owner, story.traces)

    await made(story.notch, email=EMAIL)

    people = await people_with(owner, gateway.vault)
    found: list[UUID] = await find_customers(owner, people, EMAIL)
    assert not {story.traces.notch_id, story.traces.neopay_id} & set(found)


_SAME_PAYER_PAYS_AGAIN = """
INSERT INTO payments SELECT (jsonb_populate_record(p, jsonb_build_object('id', gen_random_uuid(),
    'reference', 'meanwhile', 'request_key', NULL, 'sealed', '\\x63616e617279'))).*
FROM payments p WHERE customer_id = $1 LIMIT 1 RETURNING id
"""
_SOMEBODY_WAITS = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND mode = 'ShareLock')"


async def test_what_is_written_in_the_moment_of_an_erasure_is_cleared_too(
    gateway: Gateway, owner: asyncpg.Connection[Any], superuser: asyncpg.Connection[Any],
    wire_urls: DatabaseUrls, story: Story,
) -> None:  # fmt: skip
    people, customer_id = await people_with(owner, gateway.vault), story.traces.notch_id
    writer = await asyncpg.connect(wire_urls.superuser_url)
    try:
        writing = writer.transaction()
        await writing.start()
        payment_id = await writer.fetchval(_SAME_PAYER_PAYS_AGAIN, customer_id)
        erasing = asyncio.create_task(
            erase_person(owner, people, "customer", customer_id, gateway.clock.now())
        )
        while not erasing.done() and not await superuser.fetchval(_SOMEBODY_WAITS):
            await asyncio.sleep(0)
        await writing.commit()
        assert await erasing
    finally:
        await writer.close()

    [kept] = await superuser.fetch("SELECT sealed FROM payments WHERE id = $1", payment_id)
    assert kept["sealed"] is None
    await superuser.execute("DELETE FROM payments WHERE id = $1", payment_id)
