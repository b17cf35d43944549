"""The four books side by side: what the client was told, ours, the provider's, the receiver's.

Shares no code with the product: amounts are scaled and words are translated here anew.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import asyncpg

from torture.journal import Fate, Write
from torture.receiver import Receipt

Row = dict[str, Any]

_DECIMALS = {"GBP": 2, "EUR": 2, "BRL": 2}
_ANNOUNCED = {
    "payment.completed": {"completed"},
    "payment.failed": {"failed", "declined"},
    "payment.cancelled": {"declined"},
    "payment.expired": {"expired"},
    "payment.reversed": {"failed"},
}

_PAYMENTS = """
    SELECT id::text, application_id::text, request_key, amount_minor, currency, status, notify_url,
        version
    FROM payments
"""
_ATTEMPTS = "SELECT id, payment_id::text, status FROM attempts"
_EVENTS = """
    SELECT id::text, subject_id::text, type, version, status, previous_status
    FROM events ORDER BY subject_id, version
"""


@dataclass
class Ours:
    """The rows of our database, as of one moment."""

    payments: list[Row]
    attempts: list[Row]
    events: list[Row]


@dataclass
class Books:
    """All four, once everything is quiet."""

    journal: list[Write]
    ours: Ours
    provider: list[Row]
    receipts: list[Receipt]


def minor(text: str, currency: str) -> Decimal:
    """An amount's text in the currency's smallest unit."""
    return Decimal(text).scaleb(_DECIMALS[currency])


async def read_ours(connection: asyncpg.Connection[Any]) -> Ours:
    """Our book, by plain SQL."""
    queries = (_PAYMENTS, _ATTEMPTS, _EVENTS)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        tables = [[dict(row) for row in await connection.fetch(query)] for query in queries]
    return Ours(*tables)


def compare(books: Books) -> list[str]:
    """Everything in which the books contradict each other; empty when they agree."""
    return [
        *_acknowledged(books),
        *_origins(books),
        *_money(books),
        *_history(books),
        *_told(books),
    ]


def _creations(journal: Iterable[Write]) -> list[Write]:
    return [write for write in journal if write.kind == "create"]


def _acknowledged(books: Books) -> Iterator[str]:
    """What was acknowledged is there, the same, and one answer only was ever given for it."""
    rows = {row["id"]: row for row in books.ours.payments}
    for write in _creations(books.journal):
        answers = {(each.payment_id, each.digest) for each in write.acknowledged}
        if len(answers) > 1:
            yield f"{write.key}: answered in {len(answers)} ways"
        codes = {each.code for each in write.acknowledged if each.code}
        if len(codes) > 1:
            yield f"{write.key}: answered with {len(codes)} codes"
        for payment_id, _ in answers:
            row = rows.get(str(payment_id))
            if row is None:
                yield f"{write.key}: acknowledged as {payment_id}, which is not there"
            elif row["request_key"] != write.key:
                yield f"{write.key}: acknowledged as {payment_id}, which is {row['request_key']}'s"
    for write in books.journal:
        if write.tries and write.tries[-1].fate is Fate.AMBIGUOUS and not write.acknowledged:
            yield f"{write.kind} {write.key}: was never answered"
        if any(each.fate is Fate.DEFINITIVE for each in write.tries):
            yield f"{write.kind} {write.key}: refused, though nothing is wrong with it"


def _origins(books: Books) -> Iterator[str]:
    """Every payment was asked for, once, with its amount, by its application."""
    asked = {write.key: write for write in _creations(books.journal)}
    for key, count in Counter(row["request_key"] for row in books.ours.payments).items():
        if count > 1:
            yield f"{key}: {count} payments"
    for row in books.ours.payments:
        write = asked.get(row["request_key"])
        if write is None:
            yield f"payment {row['id']}: nobody asked for it"
            continue
        amount = minor(write.amount, write.currency)
        if (row["amount_minor"], row["currency"]) != (amount, write.currency):
            yield f"payment {row['id']}: {row['amount_minor']} {row['currency']}, not {amount}"
        if row["application_id"] != write.application_id:
            yield f"payment {row['id']}: another application's"
        if write.tries and all(each.fate is Fate.DEFINITIVE for each in write.tries):
            yield f"payment {row['id']}: refused, and there all the same"


def _money(books: Books) -> Iterator[str]:
    """A payment is completed if its money moved at the provider, once, and not otherwise."""
    payment_of = {attempt["id"].hex: attempt["payment_id"] for attempt in books.ours.attempts}
    moved: dict[str, list[Row]] = defaultdict(list)
    for order in books.provider:
        name = order["paymentIdempotencyId"]
        if name not in payment_of:
            yield f"provider's {name}: no attempt of ours"
        elif Decimal(order["moved"]):
            moved[payment_of[name]].append(order)
        if len(order["movements"]) > 1:
            yield f"provider's {name}: moved {len(order['movements'])} times"
    for row in books.ours.payments:
        orders = moved[row["id"]]
        if (row["status"] == "completed") != bool(orders):
            yield f"payment {row['id']}: {row['status']}, and the provider moved {len(orders)}"
        if len(orders) > 1:
            yield f"payment {row['id']}: the provider moved it {len(orders)} times"
        for order in orders:
            amount = minor(order["moved"], order["currency"])
            if (amount, order["currency"]) != (row["amount_minor"], row["currency"]):
                yield f"payment {row['id']}: the provider moved {amount} {order['currency']}"


def _history(books: Books) -> Iterator[str]:
    """Each payment's events are the chain of its states, without a gap and without a fork."""
    chains: dict[str, list[Row]] = defaultdict(list)
    for event in books.ours.events:
        chains[event["subject_id"]].append(event)
    for row in books.ours.payments:
        chain = chains.pop(row["id"], [])
        versions = [event["version"] for event in chain]
        if versions != sorted(set(versions)) or max(versions, default=0) > row["version"]:
            yield f"payment {row['id']}: version {row['version']}, its events {versions}"
        states = [event["status"] for event in chain]
        if [event["previous_status"] for event in chain] != [None, *states[:-1]]:
            yield f"payment {row['id']}: its events make no chain"
        if not states or states[-1] != row["status"]:
            yield f"payment {row['id']}: {row['status']}, its events say otherwise"
        if states.count("completed") > 1:
            yield f"payment {row['id']}: completed {states.count('completed')} times"
    for subject in chains:
        yield f"events of {subject}, which is not there"


def _told(books: Books) -> Iterator[str]:
    """Each change that matters reached the receiver: signed, with the same bytes each time."""
    payments = {row["id"]: row for row in books.ours.payments}
    received: dict[str, list[Receipt]] = defaultdict(list)
    for receipt in books.receipts:
        received[receipt.event_id].append(receipt)
        if receipt.flaw:
            yield f"event {receipt.event_id}: {receipt.flaw}"
    for event in books.ours.events:
        payment = payments.get(event["subject_id"])
        receipts = received.pop(event["id"], [])
        if payment is None or not payment["notify_url"] or event["type"] not in _ANNOUNCED:
            if receipts:
                yield f"event {event['id']}: told, though nobody asked"
            continue
        if not any(200 <= receipt.status < 300 for receipt in receipts):
            yield f"event {event['id']}: never taken"
        if len({receipt.body for receipt in receipts}) > 1:
            yield f"event {event['id']}: {len(receipts)} tries, not the same bytes"
        if any(not _says(receipt.body, event, payment) for receipt in receipts):
            yield f"event {event['id']}: says something else"
    for event_id in received:
        yield f"event {event_id}: told, and not of ours"


def _says(body: bytes, event: Row, payment: Row) -> bool:
    told = json.loads(body, parse_float=Decimal)["payment"]
    return (
        told["id"] == payment["id"]
        and told["status"] in _ANNOUNCED[event["type"]]
        and told["currency"] == payment["currency"]
        and minor(str(told["amount"]), told["currency"]) == payment["amount_minor"]
    )
