"""What the world was told: each change that matters, signed, the same bytes each time, and true."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from guichet.torture.books import Books, Row, minor
from guichet.torture.receiver import Receipt

#: What Neopay's receivers are told of, and the words that may stand for it.
_NEOPAY = {
    "payment.completed": {"completed"},
    "payment.failed": {"failed", "declined"},
    "payment.cancelled": {"declined"},
    "payment.expired": {"expired"},
    "payment.reversed": {"failed"},
}
#: The same of Notch Pay's.
_NOTCHPAY = {
    "payment.completed": {"payment.complete"},
    "payment.failed": {"payment.failed", "payment.canceled", "payment.expired"},
    "payment.cancelled": {"payment.canceled"},
    "payment.expired": {"payment.expired"},
    "transfer.completed": {"transfer.complete"},
    "transfer.failed": {"transfer.failed"},
}
#: The names to subscribe to.
NOTCHPAY_EVENTS = tuple(sorted({name for names in _NOTCHPAY.values() for name in names}))


def told(books: Books) -> Iterator[str]:
    """Each change that matters reached the receiver; what a hostile one was sent counts not."""
    subjects: dict[str, Row] = {row["id"]: row for row in books.ours.payments}
    subjects |= {str(row["id"]): row | {"dialect": "notchpay"} for row in books.ours.transfers}
    received: dict[str, list[Receipt]] = defaultdict(list)
    for receipt in books.receipts:
        received[receipt.event_id].append(receipt)
        if receipt.flaw:
            yield f"event {receipt.event_id}: {receipt.flaw}"
    for event in books.ours.events:
        subject = subjects.get(event["subject_id"])
        receipts = received.pop(event["id"], [])
        if subject is None or not _is_due(event, subject):
            if receipts:
                yield f"event {event['id']}: told, though nobody asked"
            continue
        is_hostile = subject.get("notify_url") in books.hostile
        if not is_hostile and not any(200 <= receipt.status < 300 for receipt in receipts):
            yield f"event {event['id']}: never taken"
        if len({receipt.body for receipt in receipts}) > 1:
            yield f"event {event['id']}: {len(receipts)} tries, not the same bytes"
        if any(not _says(receipt.body, event, subject) for receipt in receipts):
            yield f"event {event['id']}: says something else"
    for event_id in received:
        yield f"event {event_id}: told, and not of ours"


def _is_due(event: Row, subject: Row) -> bool:
    if subject["dialect"] == "neopay":
        return bool(subject["notify_url"]) and event["type"] in _NEOPAY
    return event["type"] in _NOTCHPAY


def _says(body: bytes, event: Row, subject: Row) -> bool:
    content: Mapping[str, Any] = json.loads(body, parse_float=Decimal)
    if subject["dialect"] == "neopay":
        resource = content["payment"]
        named = resource["id"] == subject["id"] and resource["status"] in _NEOPAY[event["type"]]
    else:
        resource = content["data"]
        reference = subject.get("reference") or subject.get("request_key")
        named = resource["merchant_reference"] == reference
        named = named and content["event"] in _NOTCHPAY[event["type"]]
    return (
        bool(named)
        and resource["currency"] == subject["currency"]
        and minor(str(resource["amount"]), resource["currency"]) == subject["amount_minor"]
    )
