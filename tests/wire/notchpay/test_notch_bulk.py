"""Bulk transfers in Notch Pay's words (contract 14.3), by simulated operators."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from guichet.domain.bulk_transfers import ROWS_MAX
from guichet.web.asgi import Asgi
from names import name_of
from wire.client import Client
from wire.notchpay.bulks import (
    BAD,
    BULK_KEYS,
    ROW,
    is_untouched,
    made,
    post,
    row,
    shown,
    statuses,
)
from wire.notchpay.senders import OPENING, ORANGE, balance, enrich, granting, kept
from wire.notchpay.shops import MakeShop

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("sound_books")]


async def test_bulk_is_made_and_read_with_all_of_its_transfers(sending: Client) -> None:
    answer = await post(sending, row("a"), row("b", amount="500"), description="Août")

    body = answer.json()
    assert (answer.status, body["status"], body["message"]) == (
        201,
        "Accepted",
        "Bulk transfer initialized",
    )
    bulk = body["bulk_transfer"]
    assert list(bulk) == BULK_KEYS
    assert bulk["id"].startswith("blk.test_")
    assert (bulk["description"], bulk["currency"], bulk["mode"]) == (
        "Août",
        "XAF",
        "all_or_nothing",
    )
    assert (bulk["total_amount"], bulk["total_transfers"], bulk["failed_rows"]) == (2000, 2, 0)
    assert [each["merchant_reference"] for each in bulk["transfers"]] == ["a", "b"]
    assert bulk["statuses"] == {"pending": 2}
    assert [each["transfer"] for each in bulk["rows"]] == [t["id"] for t in bulk["transfers"]]
    assert await shown(sending, bulk["id"]) == bulk
    assert (await balance(sending))["reserved"] == 2000


async def test_who_gets_it_may_be_kept_described_or_numbered_and_is_kept_once(
    sending: Client,
) -> None:
    beneficiary = await kept(sending)
    bulk = await made(
        sending,
        {"amount": 100, "beneficiary": beneficiary["id"]},
        {"amount": 100, "channel": "cm.mobile", "recipient": ORANGE},
        {"amount": 100, "channel": "cm.orange", "recipient": ORANGE},
        ROW,
    )

    assert [each["channel"] for each in bulk["transfers"]] == [
        "cm.mtn",
        "cm.orange",
        "cm.orange",
        "cm.mtn",
    ]
    assert len({each["beneficiary"] for each in bulk["transfers"]}) == 2
    assert (await sending.get("/beneficiaries")).json()["totals"] == 2


async def test_form_sends_rows_too(sending: Client) -> None:
    body = (
        "currency=xaf&mode=continue&transfers[0][amount]=100&transfers[0][recipient]=237670000000"
        "&transfers[0][channel]=cm.mtn&transfers[1][amount]=x"
    )
    answer = await sending.call(
        "POST",
        "/transfers/bulk",
        body.encode(),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )

    assert statuses(answer.json()["bulk_transfer"]) == ["accepted", "failed"]


# --- refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "broken"),
    [
        ({"currency": None}, {"currency"}),
        ({"currency": "XXX"}, {"currency"}),
        ({"transfers": None}, {"transfers"}),
        ({"transfers": []}, {"transfers"}),
        ({"transfers": "all"}, {"transfers"}),
        ({"transfers": [ROW] * (ROWS_MAX + 1)}, {"transfers"}),
        ({"mode": "some"}, {"mode"}),
        ({"dry_run": "maybe"}, {"dry_run"}),
        ({"description": "x" * 257}, {"description"}),
        ({"transfers": [ROW, "none", None]}, {"transfers.1", "transfers.2"}),
        ({"transfers": [ROW, BAD]}, {"transfers.1.channel"}),
        ({"transfers": [{**ROW, "currency": "EUR"}]}, {"transfers.0.currency"}),
        ({"transfers": [{"amount": 1}]}, {"transfers.0.beneficiary"}),
        ({"transfers": [{**ROW, "amount": 99}]}, {"transfers.0.amount"}),
        (
            {"transfers": [ROW, {**ROW, "beneficiary_data": {"phone": "0"}, "amount": "x"}]},
            {"transfers.1.account_number", "transfers.1.amount"},
        ),
        ({"transfers": [row("r"), row("r")]}, {"transfers.1.reference"}),
        (
            {"transfers": [{**ROW, "beneficiary": "ben.test_0000000000000000000001"}]},
            {"transfers.0.beneficiary"},
        ),
        ({"transfers": [ROW, {**ROW, "beneficiary": True}]}, {"transfers.1.beneficiary"}),
    ],
    ids=name_of,
)
async def test_bad_field_is_named_and_nothing_happens(
    sending: Client, fields: dict[str, Any], broken: set[str]
) -> None:
    answer = await sending.post(
        "/transfers/bulk", {"currency": "XAF", "transfers": [ROW], **fields}
    )

    assert answer.status == 422, answer.body
    assert set(answer.json()["errors"]) == broken
    assert await is_untouched(sending)


async def test_sentences_name_the_row(sending: Client) -> None:
    answer = await post(sending, ROW, {**BAD, "amount": None, "reference": "x" * 256})

    assert answer.json()["errors"] == {
        "transfers.1.amount": ["The transfers.1.amount field is required."],
        "transfers.1.reference": [
            "The transfers.1.reference field must not be greater than 255 characters."
        ],
        "transfers.1.channel": ["The selected transfers.1.channel is invalid."],
    }
    assert answer.json()["message"] == (
        "The transfers.1.amount field is required. (and 2 more errors)"
    )


async def test_more_than_is_available_is_refused_whole(sending: Client) -> None:
    answer = await post(sending, row("a"), row("b", amount=OPENING - 1499))

    assert answer.status == 422
    assert answer.json()["message"] == "Insufficient funds"
    assert set(answer.json()["errors"]) == {"transfers.1.amount"}
    assert await is_untouched(sending)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/transfers/bulk"),
        ("POST", "/transfers/bulk"),
        ("GET", "/transfers/bulk/any"),
        ("POST", "/transfers/bulk/any/resume"),
    ],
)
async def test_grant_is_needed(notch: Client, method: str, path: str) -> None:
    assert (await notch.call(method, path)).status == 403


async def test_addresses_for_transfers_hold(
    app: Asgi, make_shop: MakeShop, owner: asyncpg.Connection[Any]
) -> None:
    shop = await make_shop(transfer_addresses=["198.51.100.0/24"])
    await enrich(owner, shop)
    client = granting(app, shop)

    assert (await post(client, ROW)).status == 403
    assert (await client.post("/transfers/bulk/any/resume", {})).status == 403
    assert (await client.get("/transfers/bulk")).json()["totals"] == 0


async def test_strangers_bulk_is_unknown(app: Asgi, sending: Client, make_shop: MakeShop) -> None:
    bulk = await made(sending, ROW, BAD, mode="continue")
    stranger = granting(app, await make_shop())

    found = await stranger.get(f"/transfers/bulk/{bulk['id']}")
    assert (found.status, found.json()["message"]) == (404, "Bulk transfer not found")
    assert (await stranger.get(f"/transfers/bulk/{bulk['id']}.csv")).status == 404
    assert (await stranger.post(f"/transfers/bulk/{bulk['id']}/resume", {})).status == 404
    assert (await stranger.get("/transfers/bulk")).json()["totals"] == 0
    assert (await sending.get("/transfers/bulk/nothing")).status == 404
