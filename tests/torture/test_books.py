"""The comparison of the books goes red on each kind of planted bug, and on nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest

from guichet.torture.books import Books, Ours, Row
from guichet.torture.compare import compare
from guichet.torture.journal import Fate, Try, Unclassified, Write, classify
from guichet.torture.receiver import Receipt

ATTEMPT = UUID("00000000-0000-4000-8000-000000000009")


def honest() -> Books:
    """One payment of 350.41 pounds, paid and told, and one that nobody paid."""
    paid = json.dumps(
        {"payment": {"id": "p1", "status": "completed", "amount": 350.41, "currency": "GBP"}}
    ).encode()
    return Books(
        journal=[
            Write(1, "create", "k1", "app", "350.41", "GBP", [_lost(), _ok("p1")]),
            Write(2, "create", "k2", "app", "0.01", "GBP", [_ok("p2")]),
            Write(3, "start", "p1", tries=[Try(0.0, Fate.OK, 303)]),
        ],
        ours=Ours(
            payments=[_payment("p1", "k1", 35041, "completed", 3), _payment("p2", "k2", 1)],
            attempts=[_attempt(ATTEMPT)],
            events=[
                _event("e1", "p1", "payment.created", 1, "pending", None),
                _event("e2", "p1", "payment.processing", 2, "processing", "pending"),
                _event("e3", "p1", "payment.completed", 3, "completed", "processing"),
                _event("e4", "p2", "payment.created", 1, "pending", None),
            ],
            floats=[{"rail": "open_banking", "currency": "GBP", "balance_minor": 35041}],
        ),
        provider=[_moved("350.41")],
        receipts=[Receipt("e3", paid, None, 500), Receipt("e3", paid, None, 204)],
    )


def _lost() -> Try:
    return Try(0.0, Fate.AMBIGUOUS)


def _ok(payment_id: str, digest: str = "bytes") -> Try:
    return Try(0.0, Fate.OK, 200, payment_id, digest)


def _coded(code: str) -> Try:
    return Try(0.0, Fate.OK, 200, "p1", "bytes", code)


def _payment(id_: str, key: str, minor: int, status: str = "pending", version: int = 1) -> Row:
    row: Row = {"id": id_, "application_id": "app", "request_key": key, "amount_minor": minor}
    row |= {"dialect": "neopay", "refunded_minor": 0, "refunding_minor": 0}
    return row | {"currency": "GBP", "status": status, "notify_url": "http://", "version": version}


def _event(
    id_: str, subject: str, type_: str, version: int, status: str, former: str | None
) -> Row:
    row: Row = {"id": id_, "subject_id": subject, "type": type_, "version": version}
    row["subject_type"] = type_.partition(".")[0]
    return row | {"status": status, "previous_status": former}


def _attempt(id_: UUID) -> Row:
    return {"id": id_, "payment_id": "p1", "status": "done", "received_minor": 35041}


def _moved(amount: str, name: str = ATTEMPT.hex) -> Row:
    row: Row = {"paymentIdempotencyId": name, "moved": amount, "currency": "GBP"}
    return row | {"kind": "collect", "rail": "open_banking", "movements": [{"amount": amount}]}


def _second_attempt(books: Books) -> None:
    other = UUID(int=ATTEMPT.int + 1)
    books.ours.attempts.append(_attempt(other))
    books.provider.append(_moved("350.41", other.hex))


def _tampered(books: Books) -> None:
    books.receipts[1] = books.receipts[1]._replace(body=books.receipts[1].body + b" ")


def _misstated(books: Books) -> None:
    body = books.receipts[0].body.replace(b"350.41", b"350.4")
    books.receipts = [each._replace(body=body) for each in books.receipts]


def _twice_completed(books: Books) -> None:
    books.ours.payments[0]["version"] = 4
    books.ours.events.insert(
        3, _event("e9", "p1", "payment.completed", 4, "completed", "completed")
    )


PLANTED: dict[str, tuple[Callable[[Books], object], str]] = {
    "an acknowledged payment is lost": (lambda b: b.ours.payments.pop(1), "which is not there"),
    "a key made two payments": (
        lambda b: b.ours.payments.append(_payment("p3", "k2", 1)),
        "2 payments",
    ),
    "a payment that nobody asked for": (
        lambda b: b.ours.payments.append(_payment("p3", "k3", 1)),
        "nobody asked for it",
    ),
    "an amount changed": (lambda b: b.ours.payments[1].update(amount_minor=2), "not 1"),
    "a currency changed": (lambda b: b.ours.payments[1].update(currency="EUR"), "2"),
    "another tenant's payment": (
        lambda b: b.ours.payments[1].update(application_id="other"),
        "another application's",
    ),
    "two answers for one key": (
        lambda b: b.journal[0].tries.append(_ok("p1", "other bytes")),
        "answered in 2 ways",
    ),
    "two codes for one payment": (
        lambda b: b.journal[0].tries.extend([_coded("one"), _coded("two")]),
        "answered with 2 codes",
    ),
    "a key that names another's payment": (
        lambda b: b.journal[1].tries.append(_ok("p1")),
        "which is k1's",
    ),
    "a refusal with an effect": (
        lambda b: b.journal[1].tries.__setitem__(0, Try(0.0, Fate.DEFINITIVE, 422)),
        "refused, and there all the same",
    ),
    "a write that was never answered": (
        lambda b: b.journal[2].tries.__setitem__(0, _lost()),
        "was never answered",
    ),
    "the provider moved money twice": (_second_attempt, "moved it 2 times"),
    "one order that moved twice": (
        lambda b: b.provider[0]["movements"].append({"amount": "350.41"}),
        "moved 2 times",
    ),
    "completed without money": (lambda b: b.provider.clear(), "the provider moved 0"),
    "money shown as failed": (
        lambda b: b.ours.payments[0].update(status="failed"),
        "failed, and the provider has its money",
    ),
    "another amount moved": (
        lambda b: b.provider.__setitem__(0, _moved("350.40")),
        "the provider moved 35040",
    ),
    "another amount in our book": (
        lambda b: b.ours.attempts[0].update(received_minor=35040),
        "got 35040, moved 35041",
    ),
    "a ledger that is not the provider's": (
        lambda b: b.ours.floats[0].update(balance_minor=35040),
        "not what the provider moved",
    ),
    "an order that is not ours": (
        lambda b: b.provider.append(_moved("1.00", "f" * 32)),
        "no attempt of ours",
    ),
    "an event is missing": (lambda b: b.ours.events.pop(1), "its events make no chain"),
    "an event without a change": (
        lambda b: b.ours.events.append(b.ours.events[3]),
        "its events [1, 1]",
    ),
    "completed twice": (_twice_completed, "completed 2 times"),
    "a notification never came": (lambda b: b.receipts.clear(), "never taken"),
    "a notification was never taken": (lambda b: b.receipts.pop(), "never taken"),
    "a retry with other bytes": (_tampered, "not the same bytes"),
    "a wrong signature": (
        lambda b: b.receipts.append(b.receipts[0]._replace(flaw="No matching signature found")),
        "No matching signature",
    ),
    "a notification that lies": (_misstated, "says something else"),
    "a notification of nothing": (
        lambda b: b.receipts.append(b.receipts[0]._replace(event_id="e0")),
        "not of ours",
    ),
}


def test_honest_books_agree() -> None:
    assert compare(honest()) == []


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_found(bug: str) -> None:
    plant, what = PLANTED[bug]
    books = honest()
    plant(books)
    assert any(what in finding for finding in compare(books)), compare(books)


@pytest.mark.parametrize(
    ("status", "retry_after"), [(500, None), (502, "1"), (503, None), (302, "1")]
)
def test_an_answer_that_cannot_be_relied_upon_fails_the_run(
    status: int, retry_after: str | None
) -> None:
    with pytest.raises(Unclassified):
        classify(status, retry_after)


def test_a_try_that_is_still_running_is_asked_again() -> None:
    running = b'{"message":"A request with this Idempotency-Key is still running."}'

    assert classify(409, body=running) is Fate.AMBIGUOUS
    assert classify(409, body=b'{"message":"The payment cannot be paid any more."}') is (
        Fate.DEFINITIVE
    )


def test_a_code_that_came_later_is_no_other_answer() -> None:
    books = honest()
    books.journal[0].tries.append(_coded("one"))

    assert compare(books) == []


def test_a_second_answer_to_a_key_is_compared_with_the_first() -> None:
    books = honest()
    books.journal[1] = replace(books.journal[1], tries=[_ok("p2"), _ok("p2")])
    assert compare(books) == []
