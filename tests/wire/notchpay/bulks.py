"""Bulk transfers as tests ask for them."""

from __future__ import annotations

from typing import Any

from wire.client import Answer, Client
from wire.notchpay.senders import MTN, OPENING, balance

ROW: dict[str, Any] = {
    "amount": 1500,
    "channel": "cm.mtn",
    "beneficiary_data": {"name": "Amina Kamga", "phone": f"+{MTN}"},
}
BAD = {**ROW, "amount": 99, "channel": "cm.nobody"}
BULK_KEYS = [
    "id", "description", "currency", "mode", "total_amount", "total_fee", "total_transfers",
    "failed_rows", "statuses", "sandbox", "created_at", "dry_run", "transfers", "rows",
]  # fmt: skip


def row(reference: str, **changes: Any) -> dict[str, Any]:
    return {**ROW, "reference": reference, **changes}


async def post(client: Client, *rows: Any, **fields: Any) -> Answer:
    return await client.post(
        "/transfers/bulk", {"currency": "XAF", "transfers": list(rows), **fields}
    )


async def made(client: Client, *rows: Any, **fields: Any) -> dict[str, Any]:
    answer = await post(client, *rows, **fields)
    assert answer.status == 201, answer.body
    bulk: dict[str, Any] = answer.json()["bulk_transfer"]
    return bulk


async def shown(client: Client, bulk_id: str) -> dict[str, Any]:
    answer = await client.get(f"/transfers/bulk/{bulk_id}")
    assert answer.status == 200, answer.body
    bulk: dict[str, Any] = answer.json()["bulk_transfer"]
    return bulk


async def resumed(client: Client, bulk_id: str) -> dict[str, Any]:
    answer = await client.post(f"/transfers/bulk/{bulk_id}/resume", {})
    assert answer.status == 202, answer.body
    bulk: dict[str, Any] = answer.json()["bulk_transfer"]
    return bulk


def statuses(bulk: dict[str, Any]) -> list[str]:
    return [each["status"] for each in bulk["rows"]]


async def is_untouched(client: Client) -> bool:
    listed = (await client.get("/transfers")).json()["totals"]
    kept_ones = (await client.get("/beneficiaries")).json()["totals"]
    bulks = (await client.get("/transfers/bulk")).json()["totals"]
    left = (await balance(client))["available"]
    return (listed, kept_ones, bulks, left) == (0, 0, 0, OPENING)
