"""The judge has teeth: whatever differs between an answer and its document is found."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from documented import Undocumented, documented, judge_notice
from guichet.dialects.neopay.openapi import examples
from guichet.dialects.notchpay.openapi import examples as notch
from guichet.server import refusals
from guichet.server.refusals import Refusal

REFUSALS = [
    refusals.BAD_REQUEST,
    refusals.TOO_SLOW,
    refusals.BODY_TOO_LARGE,
    refusals.TARGET_TOO_LONG,
    refusals.HEAD_TOO_LARGE,
    refusals.TOO_MANY_OF_ADDRESS,
    refusals.BUSY[0],
]
Change = Callable[[dict[str, Any]], object]
JSON = {"content-type": "application/json"}
TARGET = f"/api/payments/{examples.PAYMENT_ID}"


def judge(
    payment: dict[str, Any],
    status: int = 200,
    target: str = TARGET,
    headers: dict[str, str] = JSON,
    method: str = "GET",
) -> None:
    body = json.dumps({"payment": payment}).encode()
    documented("neopay").response(method, target, status, headers, body)


def test_documented_answer_passes() -> None:
    judge(examples.PAYMENT)
    judge(examples.PAYMENT, target=f"{TARGET}/")


CHANGES: dict[str, Change] = {
    "a key more": lambda payment: payment.update(note="x"),
    "a key less": lambda payment: payment.pop("payee"),
    "another type": lambda payment: payment.update(amount="122.44"),
    "another word": lambda payment: payment.update(status="paid"),
    "no uuid": lambda payment: payment.update(id="7"),
    "another clock": lambda payment: payment.update(created_at="2026-11-26 02:19:28"),
    "null": lambda payment: payment.update(currency=None),
    "a key more inside": lambda payment: payment.update(institution={"id": 1, "name": "", "x": 1}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_difference_is_found(name: str) -> None:
    payment = json.loads(json.dumps(examples.PAYMENT))
    CHANGES[name](payment)

    with pytest.raises(Undocumented, match=r"200 to GET /api/payments/\{id\}"):
        judge(payment)


def test_status_that_is_not_documented_is_found() -> None:
    with pytest.raises(Undocumented, match="status is not documented"):
        judge(examples.PAYMENT, status=201)


def test_operation_that_is_not_documented_is_found() -> None:
    with pytest.raises(Undocumented, match="no such operation"):
        judge(examples.PAYMENT, target="/api/refunds")
    with pytest.raises(Undocumented, match="no such operation"):
        judge(examples.PAYMENT, method="DELETE")


def test_content_type_that_is_not_documented_is_found() -> None:
    with pytest.raises(Undocumented, match="content type"):
        judge(examples.PAYMENT, headers={"content-type": "text/html"})


def test_header_that_is_missing_is_found() -> None:
    with pytest.raises(Undocumented, match="Retry-After"):
        documented("neopay").response("GET", TARGET, 503, JSON, b'{"message":"x"}')


@pytest.mark.parametrize(("name", "target"), [("neopay", TARGET), ("notchpay", "/payments")])
@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: str(refusal.status))
def test_answers_of_the_servers_edge_are_documented(
    refusal: Refusal, name: str, target: str
) -> None:
    lines = refusal.head.decode().splitlines()[1:]
    headers = {key: value for key, _, value in (line.partition(": ") for line in lines)}
    documented(name).response("GET", target, refusal.status, headers, refusal.body)


def test_notice_that_differs_is_found() -> None:
    event = notch.event("payment.complete", notch.COMPLETE)
    judge_notice({}, json.dumps(event).encode())

    for changes in ({"type": "payment.done"}, {"data": notch.COMPLETE | {"note": "planted"}}):
        with pytest.raises(Undocumented, match="the notice payment"):
            judge_notice({}, json.dumps(event | changes).encode())
    with pytest.raises(Undocumented, match="x-notch-signature"):
        judge_notice({"x-notch-signature": "none"}, json.dumps(event).encode())


def test_error_that_is_not_of_the_dialect_is_found() -> None:
    with pytest.raises(Undocumented, match="code"):
        documented("notchpay").response("GET", "/nowhere", 404, JSON, b'{"message":"Not Found"}')
