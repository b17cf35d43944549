"""Lists of payments: filters and pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from wire.applications import BASE_URL
from wire.client import Client
from wire.neopay import documents

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_documented_filter_finds_todays_payment_typos_and_all(neopay: Client) -> None:
    created = (await neopay.post("/api/payments", documents.PAYMENT)).json()["payment"]
    today = datetime.now(UTC).date()
    target = documents.FILTER.format(today - timedelta(days=1), today)
    assert [p["id"] for p in (await neopay.get(target)).json()["data"]] == [created["id"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("service=API&status=PENDING", 1),
        ("service=&status=", 1),
        ("status=completed", 0),
        ("status=nonsense", 0),
        ("service=card", 0),
        ("reference=reference", 1),
        ("reference=other", 0),
        ("customer_id={customer}", 1),
        ("customer_id=00000000-0000-4000-8000-000000000000", 0),
        ("customer_id=nonsense", 0),
        ("uuid={payment}", 1),
        ("uuid=1", 0),
        ("fromDate=1900-01-01", 1),
        ("fromDate=9999-12-31", 0),
        ("toDate=9999-12-31", 1),
        ("toDate=0001-01-01", 0),
        ("page=2", 0),
    ],
)
async def test_list_is_filtered(neopay: Client, query: str, found: int) -> None:
    created = (await neopay.post("/api/payments", documents.PAYMENT)).json()["payment"]
    query = query.format(payment=created["id"], customer=created["customer"]["id"])
    answer = await neopay.get(f"/api/payments?{query}")
    assert (answer.status, len(answer.json()["data"])) == (200, found)


@pytest.mark.parametrize(
    ("status", "reason", "word"),
    [("failed", "rejected", "declined"), ("failed", "insufficient_funds", "failed"),
     ("cancelled", None, "declined"), ("processing", None, "pending")],
)  # fmt: skip
async def test_filter_by_status_agrees_with_the_status_shown(
    neopay: Client, owner: asyncpg.Connection[Any], status: str, reason: str | None, word: str
) -> None:
    await neopay.post("/api/payments", documents.PAYMENT)
    await owner.execute("UPDATE payments SET status = $1, reason = $2, version = 2", status, reason)
    listed = (await neopay.get(f"/api/payments?status={word}")).json()["data"]
    assert [payment["status"] for payment in listed] == [word]


@pytest.mark.parametrize("day", ["2023-6-1", "2023-02-30", "yesterday", "%D9%A2023-01-01", "0"])
async def test_malformed_date_is_refused(neopay: Client, day: str) -> None:
    answer = await neopay.get(f"/api/payments?fromDate={day}")
    assert answer.status == 422
    assert answer.json()["errors"] == {"fromDate": ["The from date field must be a valid date."]}


async def test_nul_in_a_filter_is_refused(neopay: Client) -> None:
    assert (await neopay.get("/api/payments?reference=%00")).status == 422


async def test_sixteen_payments_make_the_documented_pages(neopay: Client) -> None:
    made = [
        (await neopay.post("/api/payments", documents.PAYMENT)).json()["payment"]["id"]
        for _ in range(16)
    ]
    first = (await neopay.get("/api/payments")).json()
    second = (await neopay.get("/api/payments?page=2")).json()
    assert [p["id"] for p in first["data"] + second["data"]] == made[::-1]
    url = f"{BASE_URL}/api/payments?page="
    assert first["links"] == {
        "first": f"{url}1", "last": f"{url}2", "prev": None, "next": f"{url}2",
    }  # fmt: skip
    assert first["meta"] == {
        "current_page": 1,
        "from": 1,
        "last_page": 2,
        "links": [
            {"url": None, "label": "Previous", "active": False},
            {"url": f"{url}1", "label": "1", "active": True},
            {"url": f"{url}2", "label": "2", "active": False},
            {"url": f"{url}2", "label": "Next", "active": False},
        ],
        "path": f"{BASE_URL}/api/payments",
        "per_page": 10,
        "to": 10,
        "total": 16,
    }
