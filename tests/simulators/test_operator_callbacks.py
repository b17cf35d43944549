"""Callbacks: when an order has ended, once, to the address that it named."""

from __future__ import annotations

import json
import queue

import pytest

import gsma
import mtn
from judge import Judge, judge_of
from simulators.operator_stage import MTN, ORANGE, Callback, Operators


def _headers(operators: Operators, name: str = "X-Callback-Url") -> dict[str, str]:
    return {name: operators.receiver}


def _judge(judge: Judge, callback: Callback, path: str) -> None:
    judge.request(callback.method, path, headers=callback.headers, body=callback.body)


def _nothing_more(operators: Operators) -> None:
    """Has another order's callback arrive: nothing came before it."""
    last, _ = operators.order("requesttopay", MTN, headers=_headers(operators))
    assert operators.callback().headers["x-reference-id"] == last
    with pytest.raises(queue.Empty):
        operators.callbacks.get_nowait()


def test_mtn_puts_the_result_to_the_address(operators: Operators) -> None:
    key, _ = operators.order("requesttopay", MTN, headers=_headers(operators))
    callback = operators.callback()
    assert callback.method == "PUT"
    assert callback.headers["x-reference-id"] == key
    told = json.loads(callback.body)
    assert (told["status"], told["externalId"]) == ("SUCCESSFUL", "42")
    _judge(Judge(mtn.specification()), callback, mtn.CALLBACK)


def test_mtn_posts_it_if_so_set(operators: Operators) -> None:
    operators.control("settings", mtn_callback="POST", mtn_reason="text")
    operators.order("requesttopay", "237670000004", headers=_headers(operators))
    callback = operators.callback()
    assert (callback.method, json.loads(callback.body)["reason"]) == ("POST", "APPROVAL_REJECTED")
    _judge(Judge(mtn.specification()), callback, mtn.CALLBACK)


def test_a_transfer_and_a_refund_are_told_too(operators: Operators) -> None:
    paid, _ = operators.collected(MTN)
    for resource, party in (("transfer", MTN), ("refund", paid)):
        key, _ = operators.order(resource, party, headers=_headers(operators))
        callback = operators.callback()
        assert callback.headers["x-reference-id"] == key
        _judge(Judge(mtn.specification()), callback, mtn.CALLBACK)


@pytest.mark.parametrize("number", [ORANGE, "237690000001"], ids=["completed", "failed"])
def test_gsma_puts_the_transaction_or_the_error(operators: Operators, number: str) -> None:
    headers = _headers(operators, "X-Callback-URL")
    key, _ = operators.transaction("merchantpay", number, headers=headers)
    callback = operators.callback()
    assert (callback.method, callback.headers["x-correlationid"]) == ("PUT", key)
    told = json.loads(callback.body)
    assert ("transactionReference" in told) == (number == ORANGE)
    _judge(judge_of("gsma-mm.yaml"), callback, gsma.CALLBACK)


def test_a_reversal_is_told_too(operators: Operators) -> None:
    _, state = operators.asked("merchantpay", ORANGE)
    operators.gsma(
        "POST",
        f"/transactions/{state['objectReference']}/reversals",
        headers=_headers(operators, "X-Callback-URL"),
        json={"type": "reversal"},
    )
    assert json.loads(operators.callback().body)["type"] == "reversal"


def test_nothing_is_told_while_the_payer_is_asked(operators: Operators) -> None:
    operators.order("requesttopay", "237670000100", headers=_headers(operators))
    _nothing_more(operators)


def test_one_number_is_never_told_and_one_twice(operators: Operators) -> None:
    operators.order("requesttopay", "237670000006", headers=_headers(operators))
    _nothing_more(operators)
    key, _ = operators.order("requesttopay", "237670000012", headers=_headers(operators))
    assert [operators.callback().headers["x-reference-id"] for _ in range(2)] == [key, key]


def test_a_callback_may_be_lost_or_doubled_by_a_fault(operators: Operators) -> None:
    operators.control("faults", operation="callback", kind="drop")
    operators.control("faults", operation="callback", kind="duplicate", copies=3)
    operators.order("requesttopay", MTN, headers=_headers(operators))
    key, _ = operators.order("requesttopay", MTN, headers=_headers(operators))
    assert {operators.callback().headers["x-reference-id"] for _ in range(3)} == {key}
    _nothing_more(operators)


def test_a_callback_that_cannot_be_delivered_is_not_repeated(operators: Operators) -> None:
    headers = {"X-Callback-Url": "http://127.0.0.1:9/nobody"}
    operators.order("requesttopay", MTN, headers=headers)
    _nothing_more(operators)
    sent = operators.state()["callbacks"]
    assert [each["answer"] for each in sent if each["url"].endswith("/nobody")] == [None]


@pytest.mark.parametrize("url", ["ftp://shop.example/x", "nowhere", "https://[bad"])
def test_an_address_that_is_none_is_refused(operators: Operators, url: str) -> None:
    _, answer = operators.order("requesttopay", MTN, headers={"X-Callback-Url": url})
    assert answer.status_code == 400
    _, answer = operators.transaction("merchantpay", ORANGE, headers={"X-Callback-URL": url})
    assert answer.status_code == 400
