"""The four books side by side: what the client was told, ours, the provider's, the receiver's.

Shares no code with the product: amounts are scaled and words are translated here anew. What leaves
(transfers, refunds) and the ledger are in ``money_out`` and ``ledger``, what is told in ``told``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import asyncpg

from guichet.torture.journal import Fate, Write
from guichet.torture.receiver import Receipt

Row = dict[str, Any]

_DECIMALS = {"GBP": 2, "EUR": 2, "BRL": 2, "XAF": 0}

#: A payment's name is its request key; in Notch Pay's dialect the merchant's reference is.
_PAYMENTS = """
    SELECT p.id::text, p.application_id::text, a.dialect, p.amount_minor, p.currency, p.status,
        CASE a.dialect WHEN 'neopay' THEN p.request_key ELSE p.reference END AS request_key,
        p.notify_url, p.version, p.refunded_minor, p.refunding_minor
    FROM payments p JOIN applications a ON a.id = p.application_id
"""
_ATTEMPTS = "SELECT id, payment_id::text, rail, status, placed_minor, received_minor FROM attempts"
_EVENTS = """
    SELECT id::text, subject_id::text, subject_type, type, version, status, previous_status
    FROM events WHERE subject_type IN ('payment', 'transfer') ORDER BY subject_id, version
"""
_REFUNDS = """
    SELECT r.id, r.payment_id::text, r.rail, r.amount_minor, r.currency, r.status,
        p.reference AS paid_by
    FROM refunds r JOIN payments p ON p.id = r.payment_id
"""
_TRANSFERS = """
    SELECT id, application_id::text, rail, amount_minor, currency, status, reference FROM transfers
"""
_DELIVERIES = "SELECT event_id::text, url, status, tries FROM webhook_deliveries"
_UNCLAIMED = """
    SELECT order_id, received_minor - returned_minor AS left_minor, currency
    FROM unclaimed_receipts WHERE payment_id IS NULL
"""
_FLOATS = """
    SELECT rail, currency, sum(balance_minor)::bigint AS balance_minor
    FROM ledger_accounts WHERE code = 'rail_float' GROUP BY rail, currency
"""


@dataclass
class Ours:
    """The rows of our database, as of one moment."""

    payments: list[Row]
    attempts: list[Row]
    events: list[Row]
    refunds: list[Row] = field(default_factory=list)
    transfers: list[Row] = field(default_factory=list)
    deliveries: list[Row] = field(default_factory=list)
    floats: list[Row] = field(default_factory=list)
    unclaimed: list[Row] = field(default_factory=list)


@dataclass
class Books:
    """All four, once everything is quiet."""

    journal: list[Write]
    ours: Ours
    provider: list[Row]
    receipts: list[Receipt]
    #: Addresses whose receivers take nothing.
    hostile: Sequence[str] = ()


def minor(text: str, currency: str) -> Decimal:
    """An amount's text in the currency's smallest unit."""
    return Decimal(text).scaleb(_DECIMALS[currency])


async def read_ours(connection: asyncpg.Connection[Any]) -> Ours:
    """Our book, by plain SQL."""
    queries = (
        *(_PAYMENTS, _ATTEMPTS, _EVENTS, _REFUNDS, _TRANSFERS, _DELIVERIES, _FLOATS),
        _UNCLAIMED,
    )
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        tables = [[dict(row) for row in await connection.fetch(query)] for query in queries]
    return Ours(*tables)


def creations(journal: Iterable[Write]) -> list[Write]:
    """The writes that asked for payments."""
    return [write for write in journal if write.kind == "create"]


def collected(provider: Iterable[Row]) -> list[Row]:
    """The provider's orders to collect from payers."""
    return [order for order in provider if order["kind"] == "collect"]


def acknowledged(books: Books) -> Iterator[str]:
    """What was acknowledged is there, the same, and one answer only was ever given for it."""
    rows = {row["id"]: row for row in books.ours.payments}
    keys = {row["request_key"] for row in books.ours.payments}
    for write in creations(books.journal):
        if write.acknowledged and write.key not in keys:
            yield f"{write.key}: acknowledged, and not there"
        named = [each for each in write.acknowledged if each.payment_id]
        answers = {(each.payment_id, each.digest) for each in named}
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


def origins(books: Books) -> Iterator[str]:
    """Every payment was asked for, once, with its amount, by its application."""
    asked = {write.key: write for write in creations(books.journal)}
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


def money(books: Books) -> Iterator[str]:
    """A payment is completed if its money moved at the provider, once, and not otherwise."""
    attempts = {attempt["id"].hex: attempt for attempt in books.ours.attempts}
    moved: dict[str, list[Row]] = defaultdict(list)
    for order in collected(books.provider):
        attempt = attempts.get(order["paymentIdempotencyId"])
        if len(order["movements"]) > 1:
            times = len(order["movements"])
            yield f"provider's {order['paymentIdempotencyId']}: moved {times} times"
        if attempt is None:
            yield f"provider's {order['paymentIdempotencyId']}: no attempt of ours"
        elif amount := minor(order["moved"], order["currency"]):
            moved[attempt["payment_id"]].append(order)
            if attempt["received_minor"] != amount:
                yield f"attempt {attempt['id']}: got {attempt['received_minor']}, moved {amount}"
    for row in books.ours.payments:
        orders = moved[row["id"]]
        if len(orders) > 1:
            yield f"payment {row['id']}: the provider moved it {len(orders)} times"
        amounts = [minor(order["moved"], order["currency"]) for order in orders]
        if (row["status"] == "completed") != (sum(amounts) >= row["amount_minor"]):
            yield f"payment {row['id']}: {row['status']}, and the provider moved {sum(amounts)}"
        if orders and row["status"] not in ("completed", "processing"):
            yield f"payment {row['id']}: {row['status']}, and the provider has its money"
        if any(order["currency"] != row["currency"] for order in orders):
            yield f"payment {row['id']}: the provider moved another currency"


def history(books: Books) -> Iterator[str]:
    """Each payment's events are the chain of its states, without a gap and without a fork."""
    chains: dict[str, list[Row]] = defaultdict(list)
    for event in books.ours.events:
        if event["subject_type"] == "payment":
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
        completions = [event["type"] for event in chain].count("payment.completed")
        if completions > 1:
            yield f"payment {row['id']}: completed {completions} times"
    for subject in chains:
        yield f"events of {subject}, which is not there"
