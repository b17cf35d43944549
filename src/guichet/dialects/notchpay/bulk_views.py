"""Bulk transfers as clients and spreadsheets see them (contract 14.3)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from guichet.dialects.notchpay.bulk_rows import errors_in_bulk, errors_of
from guichet.dialects.notchpay.envelope import timestamp
from guichet.dialects.notchpay.ids import write_id
from guichet.dialects.notchpay.money_out import render_transfer
from guichet.dialects.notchpay.resources import amount, sandbox
from guichet.dialects.notchpay.statuses import transfer_word
from guichet.dialects.notchpay.tables import Table, write_table
from guichet.dialects.notchpay.wallets import number_in
from guichet.domain.bulk_transfers import BulkTransfer
from guichet.domain.transfers import Transfer
from guichet.services.bulk_transfers import Bulk, BulkSummary, RowResult

#: The columns of a bulk's table: those that can be sent again, then what became of the row.
_COLUMNS = (
    "amount", "currency", "channel", "name", "account_number", "beneficiary", "email", "bank_code",
    "reference", "description", "statement", "metadata",
    "row", "status", "fee", "transfer", "failure_reason", "completed_at", "errors",
)  # fmt: skip
_FAILED = frozenset({"failed", "cancelled", "returned"})


def render_bulk(bulk: Bulk, table: Table | None = None) -> dict[str, Any]:
    """A bulk with all of its transfers and what became of each row; ``table`` is the one that
    the rows were in. One that is not kept has no id, and neither have its transfers.
    """
    head, transfers = bulk.head, bulk.transfers
    counts = Counter(transfer.status for transfer in transfers)
    head_part = _render_head(
        head,
        sum(transfer.amount_minor for transfer in transfers),
        sum(transfer.fee_minor for transfer in transfers),
        counts,
        len(bulk.refused),
    )
    return head_part | {
        "id": head_part["id"] if bulk.is_kept else None,
        "dry_run": not bulk.is_kept,
        "transfers": [render_transfer(each) for each in transfers] if bulk.is_kept else [],
        "rows": [_render_row(bulk, result, table) for result in bulk.results],
    }


def render_summary(summary: BulkSummary) -> dict[str, Any]:
    """A bulk in a list: without its rows."""
    return _render_head(
        summary.bulk,
        summary.amount_minor,
        summary.fee_minor,
        summary.statuses,
        summary.refused_count,
    )


def render_balance_for(bulk: Bulk) -> dict[str, Any]:
    """Whether there is money for all rows that are in order: what is available, what they need."""
    currency = bulk.head.currency
    available_minor = bulk.available_minor or 0
    missing_minor = max(bulk.needed_minor - available_minor, 0)
    return {
        "currency": currency,
        "available": amount(available_minor, currency),
        "needed": amount(bulk.needed_minor, currency),
        "missing": amount(missing_minor, currency),
    }


def bulk_table(bulk: Bulk, *, only_failed: bool) -> str:
    """The rows as CSV; ``only_failed``: those that became no transfer, or one that failed.

    Its first columns can be mended and sent again as another bulk.
    """
    results = (result for result in bulk.results if not only_failed or _has_failed(result))
    return write_table(_COLUMNS, (_cells(bulk, result) for result in results))


def _render_head(
    head: BulkTransfer,
    amount_minor: int,
    fee_minor: int,
    counts: Mapping[str, int],
    refused_count: int,
) -> dict[str, Any]:
    words: Counter[str] = Counter()
    for status, count in counts.items():
        words[transfer_word(status)] += count
    return {
        "id": write_id("bulk", head.environment, head.id),
        "description": head.description,
        "currency": head.currency,
        "mode": head.mode,
        "total_amount": amount(amount_minor, head.currency),
        "total_fee": amount(fee_minor, head.currency),
        "total_transfers": sum(counts.values()),
        "failed_rows": refused_count,
        "statuses": dict(words),
        "sandbox": sandbox(head.environment),
        "created_at": timestamp(head.created_at),
    }


def _render_row(bulk: Bulk, result: RowResult, table: Table | None) -> dict[str, Any]:
    row, transfer = result.row, result.transfer
    rendered: dict[str, Any] = {"row": row.number, "status": "failed", "transfer": None}
    if transfer is not None:
        rendered |= {
            "status": "accepted",
            "transfer": write_id("transfer", transfer.environment, transfer.id),
            "amount": amount(transfer.amount_minor, transfer.currency),
            "fee": amount(transfer.fee_minor, transfer.currency),
            "existed": transfer.bulk_id != bulk.head.id,
        }
        if not bulk.is_kept and not rendered["existed"]:
            rendered["transfer"] = None
    return rendered | {"errors": errors_in_bulk(row, table) or None}


def _has_failed(result: RowResult) -> bool:
    return result.transfer is None or result.transfer.status in _FAILED


def _cells(bulk: Bulk, result: RowResult) -> dict[str, Any]:
    row, transfer = result.row, result.transfer
    cells = {"row": row.number, "currency": bulk.head.currency}
    if transfer is not None:
        return cells | _transfer_cells(transfer)
    asked = json.loads(row.content)
    told = " ".join(text for texts in errors_of(row).values() for text in texts)
    return (
        cells
        | _asked_cells(asked if isinstance(asked, dict) else {})
        | {
            "status": "refused",
            "errors": told,
        }
    )


def _transfer_cells(transfer: Transfer) -> dict[str, Any]:
    rendered, to = render_transfer(transfer), json.loads(transfer.destination)
    metadata = rendered["metadata"]
    same = ("amount", "channel", "description", "statement", "status", "fee", "failure_reason")
    return {
        **{name: rendered[name] for name in (*same, "completed_at")},
        "name": to["name"],
        "account_number": to["account_number"].removeprefix("+"),
        "bank_code": to["bank_code"],
        "beneficiary": rendered["beneficiary"] if transfer.beneficiary_id else None,
        "reference": transfer.reference,
        "transfer": rendered["id"],
        "metadata": json.dumps(metadata, ensure_ascii=False) if metadata else None,
    }


def _asked_cells(asked: Mapping[str, Any]) -> dict[str, Any]:
    """A row's fields as columns, whichever way it says who gets the money."""
    target = next(
        (
            asked[name]
            for name in ("beneficiary", "recipient", "beneficiary_data")
            if asked.get(name)
        ),
        None,
    )
    metadata = asked.get("metadata")
    described = target if isinstance(target, dict) else {}
    plain = {
        name: asked.get(name)
        for name in ("amount", "reference", "description", "statement")
        if not isinstance(asked.get(name), dict | list)
    }
    named = {
        name: described.get(name) or asked.get(name) for name in ("name", "email", "bank_code")
    }
    return {
        **plain,
        **{name: value for name, value in named.items() if isinstance(value, str)},
        "channel": asked.get("channel") or described.get("channel") or described.get("provider"),
        "beneficiary": target if isinstance(target, str | int) else described.get("id"),
        "account_number": number_in(described, asked),
        "metadata": json.dumps(metadata, ensure_ascii=False) if metadata else None,
    }
