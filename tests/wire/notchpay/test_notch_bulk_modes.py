"""Bulks that continue, that are resumed, sent again or tried dry; lists of bulks."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from guichet.gateway import Gateway
from guichet.store.queue import claim_transfers
from guichet.web.asgi import Asgi
from wire.client import Client
from wire.notchpay.bulks import (
    BAD,
    BULK_KEYS,
    ROW,
    is_untouched,
    made,
    post,
    resumed,
    row,
    shown,
    statuses,
)
from wire.notchpay.senders import MTN, OPENING, balance, enrich, granting, sent
from wire.notchpay.shops import MakeShop, Shop

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("sound_books")]


async def test_continue_takes_the_rows_that_are_in_order_and_says_why_not_the_others(
    sending: Client,
) -> None:
    bulk = await made(sending, ROW, BAD, row("r"), row("r"), mode="continue")

    assert statuses(bulk) == ["accepted", "failed", "accepted", "failed"]
    assert (bulk["total_amount"], bulk["total_transfers"], bulk["failed_rows"]) == (3000, 2, 2)
    assert bulk["rows"][3]["errors"] == {
        "transfers.3.reference": ["The transfers.3.reference field has a duplicate value."]
    }
    assert (await shown(sending, bulk["id"]))["rows"] == bulk["rows"]


async def test_continue_goes_as_far_as_the_balance_in_the_order_of_the_rows(
    sending: Client,
) -> None:
    rows = [row("a", amount=OPENING - 2000), row("b", amount=2001), row("c", amount=500), ROW]
    bulk = await made(sending, *rows, mode="continue")

    assert statuses(bulk) == ["accepted", "failed", "accepted", "accepted"]
    assert bulk["rows"][1]["errors"] == {"transfers.1.amount": ["Insufficient funds"]}
    assert (await balance(sending))["available"] == 0


async def test_row_without_money_is_made_when_there_is_some(
    app: Asgi, make_shop: MakeShop, owner: asyncpg.Connection[Any]
) -> None:
    shop = await make_shop(approves_transfers=True)  # what waits can be withdrawn again
    await enrich(owner, shop)
    client = granting(app, shop)
    waiting = await sent(client, amount=OPENING - 1000)
    bulk = await made(client, row("a", amount=900), row("b", amount=800), mode="continue")
    assert statuses(bulk) == ["accepted", "failed"]
    await client.call("DELETE", f"/transfers/{waiting['id']}")
    again = await resumed(client, bulk["id"])

    assert statuses(again) == ["accepted", "accepted"]
    assert again["transfers"][0] == bulk["transfers"][0]
    assert again["transfers"][1]["merchant_reference"] == "b"
    assert (await resumed(client, bulk["id"])) == again
    assert (await balance(client))["reserved"] == 1700


async def test_resume_tries_what_failed_alone(sending: Client) -> None:
    wanted = "ben.test_0000000000000000000001"
    bulk = await made(
        sending, row("a"), row("b", channel="ci.moov"), row("c", beneficiary=wanted),
        mode="continue",
    )  # fmt: skip
    assert statuses(bulk) == ["accepted", "failed", "failed"]
    again = await resumed(sending, bulk["id"])

    assert again["rows"] == bulk["rows"]
    assert (await sending.get("/transfers")).json()["totals"] == 1


async def test_row_sent_before_is_the_transfer_that_is_there(sending: Client) -> None:
    transfer = await sent(sending, reference="before")
    bulk = await made(sending, row("before"), row("new"))

    assert [each["existed"] for each in bulk["rows"]] == [True, False]
    assert bulk["transfers"][0]["id"] == transfer["id"]
    assert (await balance(sending))["available"] == OPENING - 3000


async def test_bulk_that_is_sent_again_is_the_same_bulk(sending: Client) -> None:
    first = await made(sending, row("a"), row("b"))
    second = await made(sending, row("a"), row("b"))

    assert second["id"] == first["id"]
    assert (await sending.get("/transfers/bulk")).json()["totals"] == 1
    assert (await sending.get("/transfers")).json()["totals"] == 2


async def test_reference_of_a_transfer_that_failed_is_taken(sending: Client) -> None:
    failing = {"beneficiary_data": {"name": "A", "phone": "+237670000001"}}
    transfer = await sent(sending, reference="failed", **failing)
    assert transfer["status"] == "failed"
    bulk = await made(sending, row("failed", **failing), mode="continue")

    assert bulk["rows"][0]["errors"] == {
        "transfers.0.reference": ["The transfers.0.reference has already been taken."]
    }


async def test_bulk_is_the_same_bulk_whatever_became_of_it(sending: Client) -> None:
    first = await made(sending, row("a"), row("b"))
    await sending.call("DELETE", "/transfers/a")
    second = await made(sending, row("a"), row("b"))

    assert second["id"] == first["id"]
    assert second["statuses"] == {"canceled": 1, "pending": 1}


async def test_reference_of_another_transfer_is_taken(sending: Client) -> None:
    await sent(sending, reference="before", amount=1600)
    answer = await post(sending, row("new"), row("before"))

    assert answer.status == 422
    assert answer.json()["errors"] == {
        "transfers.1.reference": ["The transfers.1.reference has already been taken."]
    }
    assert (await sending.get("/transfers")).json()["totals"] == 1


# --- dry run, approval, fees, lists --------------------------------------------------------------


async def test_dry_run_judges_everything_and_writes_nothing(sending: Client) -> None:
    rows = [ROW, BAD, row("r", amount=OPENING), row("s")]
    answer = await post(sending, *rows, dry_run=True)

    body = answer.json()
    assert (answer.status, body["message"]) == (200, "Bulk transfer checked")
    bulk = body["bulk_transfer"]
    assert (bulk["id"], bulk["dry_run"], bulk["transfers"]) == (None, True, [])
    assert statuses(bulk) == ["accepted", "failed", "failed", "accepted"]
    assert [each["transfer"] for each in bulk["rows"]] == [None] * 4
    assert bulk["balance"] == {
        "currency": "XAF",
        "available": OPENING,
        "needed": OPENING + 3000,
        "missing": 3000,
    }
    assert await is_untouched(sending)


async def test_approval_holds_for_every_row(
    app: Asgi, make_shop: MakeShop, owner: asyncpg.Connection[Any]
) -> None:
    shop = await make_shop(approves_transfers=True)
    await enrich(owner, shop)
    client = granting(app, shop)
    bulk = await made(client, ROW, ROW)

    rows = await owner.fetch(
        "SELECT approval, next_check_at FROM transfers WHERE application_id = $1", shop.id
    )
    assert [tuple(each) for each in rows] == [("wanted", None)] * 2
    cancelled = await client.call("DELETE", f"/transfers/{bulk['transfers'][0]['id']}")
    assert cancelled.status == 202
    assert (await shown(client, bulk["id"]))["statuses"] == {"canceled": 1, "pending": 1}


async def test_fee_is_set_aside_with_each_row(
    app: Asgi, make_shop: MakeShop, owner: asyncpg.Connection[Any]
) -> None:
    rule = await owner.fetchval(
        "INSERT INTO fee_rules (id, percent_bps, fixed_minor, created_at)"
        " VALUES (gen_random_uuid(), 100, 5, now()) RETURNING id"
    )
    shop = await make_shop(transfer_fee_rule_id=rule)
    await enrich(owner, shop)
    client = granting(app, shop)
    bulk = await made(client, ROW, row("all", amount=OPENING - 1520), mode="continue")

    assert (bulk["total_fee"], bulk["transfers"][0]["fee"]) == (20, 20)
    assert statuses(bulk) == ["accepted", "failed"]
    assert (await balance(client))["available"] == OPENING - 1520


async def test_bulks_are_listed_newest_first_with_how_far_they_are(sending: Client) -> None:
    first = await made(sending, ROW)
    second = await made(sending, ROW, BAD, mode="continue")
    listed = (await sending.get("/transfers/bulk?limit=1")).json()

    assert (listed["totals"], listed["last_page"], listed["selected"]) == (2, 2, 1)
    assert listed["items"] == listed["data"] == listed["bulk_transfers"]
    wanted = {key: second[key] for key in BULK_KEYS[:-3]}
    assert listed["items"] == [wanted]
    other = (await sending.get("/transfers/bulk?limit=1&page=2")).json()
    assert [each["id"] for each in other["items"]] == [first["id"]]


async def test_each_transfer_is_told_of_as_if_it_were_alone(
    sending: Client, owner: asyncpg.Connection[Any], shop: Shop
) -> None:
    await made(sending, ROW, ROW)
    types = await owner.fetch(
        "SELECT type FROM events WHERE application_id = $1 ORDER BY type", shop.id
    )

    assert [each["type"] for each in types] == [
        "beneficiary.created",
        "transfer.created",
        "transfer.created",
    ]


async def test_row_that_waits_for_its_turn_can_be_withdrawn(sending: Client) -> None:
    bulk = await made(sending, ROW, ROW)
    withdrawn = await sending.call("DELETE", f"/transfers/{bulk['transfers'][0]['id']}")

    assert (withdrawn.status, withdrawn.json()["transfer"]["status"]) == (202, "canceled")
    assert (await shown(sending, bulk["id"]))["statuses"] == {"canceled": 1, "pending": 1}
    assert (await balance(sending))["available"] == OPENING - 1500


async def test_rows_that_are_asked_about_cannot_be_withdrawn(
    sending: Client, gateway: Gateway
) -> None:
    bulk = await made(sending, ROW)
    await claim_transfers(gateway.database, gateway.clock.now(), 1000, 60)
    refused = await sending.call("DELETE", f"/transfers/{bulk['transfers'][0]['id']}")

    assert refused.status == 422


async def test_database_knows_nobody_by_a_refused_row(
    sending: Client, owner: asyncpg.Connection[Any], shop: Shop
) -> None:
    bulk = await made(sending, ROW, BAD, mode="continue")
    rows = await owner.fetch(
        "SELECT content FROM bulk_rows WHERE application_id = $1 ORDER BY number", shop.id
    )

    assert len(rows[0]["content"]) < len(rows[1]["content"])  # a transfer has all of it
    assert MTN.encode() not in rows[1]["content"]
    assert b"Kamga" not in rows[1]["content"]
    table = await sending.get(f"/transfers/bulk/{bulk['id']}.csv")
    assert table.body.decode().count("Amina Kamga") == 2
