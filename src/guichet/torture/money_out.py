"""What leaves: transfers and refunds, each asked for, moved at the provider and shown alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from guichet.torture.books import Books, Row, minor
from guichet.torture.journal import Fate


class _Kind(NamedTuple):
    """``noun`` of ours, ``written`` in the journal, ``ordered`` at the provider."""

    noun: str
    written: str
    ordered: str


_TRANSFERS = _Kind("transfer", "send", "disburse")
_REFUNDS = _Kind("refund", "refund", "refund")


def money_out(books: Books) -> Iterator[str]:
    """Transfers and refunds in all of the books, and what payments say of their refunds.

    A payment is given back once, all of it, so that a refund goes by the name of its payment.
    """
    yield from _compared(books, _TRANSFERS, books.ours.transfers, "reference")
    yield from _compared(books, _REFUNDS, books.ours.refunds, "paid_by")
    refunded: Counter[str] = Counter()
    for row in books.ours.refunds:
        refunded[row["payment_id"]] += row["amount_minor"] * (row["status"] == "completed")
    for row in books.ours.payments:
        if row["refunded_minor"] != refunded[row["id"]]:
            yield f"payment {row['id']}: {row['refunded_minor']} refunded, not what its refunds say"
        if row["refunded_minor"] + row["refunding_minor"] > row["amount_minor"]:
            yield f"payment {row['id']}: more goes back than came"


def _compared(books: Books, kind: _Kind, rows: list[Row], name: str) -> Iterator[str]:
    noun = kind.noun
    asked = {write.key: write for write in books.journal if write.kind == kind.written}
    orders: dict[str, Row] = {}
    for order in books.provider:
        if order["kind"] == kind.ordered:
            if order["paymentIdempotencyId"] in orders:
                yield f"provider's {noun} {order['paymentIdempotencyId']}: there twice"
            orders[order["paymentIdempotencyId"]] = order
    for key, count in Counter(row[name] for row in rows).items():
        if count > 1:
            yield f"{noun} {key}: there {count} times"
    for row in rows:
        write = asked.get(row[name])
        if write is None:
            yield f"{noun} {row['id']}: nobody asked for it"
        elif minor(write.amount, write.currency) != row["amount_minor"]:
            yield f"{noun} {row['id']}: {row['amount_minor']}, not {write.amount} {write.currency}"
        yield from _moved(noun, row, orders.pop(row["id"].hex, None))
    for key in orders:
        yield f"provider's {noun} {key}: no {noun} of ours"
    there = {row[name] for row in rows}
    for key, write in asked.items():
        if any(each.fate is Fate.OK for each in write.tries) and key not in there:
            yield f"{noun} {key}: acknowledged, and not there"


def _moved(noun: str, row: Row, order: Row | None) -> Iterator[str]:
    moved = 0 if order is None else minor(order["moved"], order["currency"])
    if order is not None and len(order["movements"]) > 1:
        yield f"{noun} {row['id']}: the provider moved it {len(order['movements'])} times"
    if row["status"] == "completed" and moved != row["amount_minor"]:
        yield f"{noun} {row['id']}: completed, and the provider moved {moved}"
    if row["status"] != "completed" and moved:
        yield f"{noun} {row['id']}: {row['status']}, and the provider moved {moved}"
