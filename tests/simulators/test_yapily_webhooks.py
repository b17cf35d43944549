"""Notices about payments, received over HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

import pytest

from guichet.simulators.common.faults import Faults
from guichet.simulators.yapily.book import Book
from guichet.simulators.yapily.webhooks import Webhooks
from simulators.yapily_stage import Simulator


def _listen(simulator: Simulator) -> None:
    while not simulator.notices.empty():
        simulator.notices.get_nowait()
    root = simulator.url.removesuffix("/simulators/yapily")
    simulator.control("webhook", url=f"{root}/receiver")


def _received(simulator: Simulator, count: int) -> list[dict[str, Any]]:
    return [json.loads(simulator.notices.get(timeout=10)[1]) for _ in range(count)]


def test_a_paid_payment_is_told_in_yapilys_shape(simulator: Simulator) -> None:
    _listen(simulator)
    payment, _ = simulator.authorise().paid()
    notices = _received(simulator, 3)
    assert {each["type"] for each in notices} == {
        "single_payment.status.updated",
        "single_payment.status.completed",
        "single_payment.iso_status.updated",
    }
    assert len({each["id"] for each in notices}) == 3
    for each in notices:
        assert each["event"]["id"] == payment["id"]
        assert each["event"]["status"] == "COMPLETED"
        assert each["metadata"]["tracingId"]


def test_a_notice_is_signed_over_its_raw_body(simulator: Simulator) -> None:
    _listen(simulator)
    simulator.authorise().paid()
    headers, body = simulator.notices.get(timeout=10)
    assert headers["webhook-signature"] == hmac.new(b"whsec", body, hashlib.sha256).hexdigest()


def test_of_a_pending_payment_only_the_iso_status_is_told(simulator: Simulator) -> None:
    _listen(simulator)
    simulator.authorise().paid("pending")
    simulator.authorise().paid("AC04")
    types = [(each["event"]["status"], each["type"]) for each in _received(simulator, 3)]
    assert sorted(types) == [
        ("FAILED", "single_payment.iso_status.updated"),
        ("FAILED", "single_payment.status.updated"),
        ("PENDING", "single_payment.iso_status.updated"),
    ]


def test_only_changes_are_told(simulator: Simulator) -> None:
    _listen(simulator)
    authorisation = simulator.authorise()
    payment, token = authorisation.paid("accepted")
    _received(simulator, 3)
    for _ in range(3):
        authorisation.details(payment["id"], token)
    simulator.control("decide", payment=payment["id"], decision="take_back")
    later = _received(simulator, 3)
    assert [each["type"] for each in later].count("single_payment.iso_status.updated") == 2
    assert {each["event"]["status"] for each in later} == {"COMPLETED", "FAILED"}


def test_a_silent_users_payment_is_told_to_nobody_and_twices_twice(simulator: Simulator) -> None:
    _listen(simulator)
    simulator.authorise().paid("silent")
    payment, _ = simulator.authorise().paid("twice")
    notices = _received(simulator, 6)
    assert {each["event"]["id"] for each in notices} == {payment["id"]}
    assert len({each["id"] for each in notices}) == 3


def test_notices_are_repeated_or_lost_on_demand(simulator: Simulator) -> None:
    _listen(simulator)
    simulator.control("faults", operation="webhook", kind="duplicate", copies=4)
    simulator.control("faults", operation="webhook", kind="drop", times=2)
    simulator.authorise().paid()
    notices = _received(simulator, 4)
    assert len({each["id"] for each in notices}) == 1


def test_without_a_url_nothing_is_told(simulator: Simulator) -> None:
    simulator.authorise().paid()
    assert simulator.state()["webhook"] == {"url": None, "sent": []}


@pytest.mark.parametrize("status", [204, 500, None])
async def test_what_became_of_a_notice_is_in_the_book(status: int | None) -> None:
    async def http_post(_url: str, _body: bytes, _headers: Mapping[str, str]) -> int:
        if status is None:
            raise ConnectionRefusedError
        return status

    webhooks = Webhooks(Faults(), "application", None, http_post)
    webhooks.url = "http://merchant.example/"
    book = Book(1800, webhooks.tell)
    request = {
        "paymentIdempotencyId": "a",
        "amount": {"amount": 1, "currency": "GBP"},
        "payee": {"name": "Shop"},
    }
    payment = book.pay(book.open_consent("mock-sandbox", "u", None, None, request, one_time=False))
    await asyncio.gather(*webhooks.under_way)
    assert [each["answer"] for each in webhooks.sent] == [status] * 3
    assert {each["payment"] for each in webhooks.sent} == {payment.id}
