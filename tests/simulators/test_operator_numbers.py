"""The number decides: Notch Pay's sandbox numbers, ours, and MTN's own, as payers and as payees."""

from __future__ import annotations

import httpx2
import pytest

import mtn
from guichet.simulators.operator.reasons import REASONS
from simulators.operator_stage import MTN, ORANGE, Operators

#: Distance from the operator's first number: MTN's reason, GSMA's code; None: it completes.
FAILURES = {
    1: ("NOT_ENOUGH_FUNDS", "insufficientFunds"),
    2: ("INTERNAL_PROCESSING_ERROR", "genericError"),
    3: ("EXPIRED", "genericError"),
    4: ("APPROVAL_REJECTED", "requestDeclined"),
    14: ("PAYER_LIMIT_REACHED", "dailyValueLimitExceeded"),
}
COMPLETING = (0, 6, 12, 18, 19)
PLAIN = ("237674481721", "237677123456", "237650000001", "237680123456")


def _nth(first: str, distance: int) -> str:
    return str(int(first) + distance)


@pytest.mark.parametrize("distance", COMPLETING)
def test_a_completing_number_completes_at_once(operators: Operators, distance: int) -> None:
    _, result = operators.collected(_nth(MTN, distance))
    assert result["status"] == "SUCCESSFUL"
    _, state = operators.asked("merchantpay", _nth(ORANGE, distance))
    assert state["status"] == "completed"


@pytest.mark.parametrize("distance", FAILURES)
def test_a_failing_payer_fails_with_the_reason(operators: Operators, distance: int) -> None:
    reason, code = FAILURES[distance]
    _, result = operators.collected(_nth(MTN, distance))
    assert (result["status"], result["reason"]["code"]) == ("FAILED", reason)
    key, state = operators.asked("merchantpay", _nth(ORANGE, distance))
    assert (state["status"], state["error"]["errorCode"]) == ("failed", code)
    assert state["error"]["errorParameters"] == [{"key": "providerErrorCode", "value": reason}]
    assert operators.request_of(key)["movements"] == []


@pytest.mark.parametrize("distance", FAILURES)
def test_a_failing_payee_fails_with_the_reason(operators: Operators, distance: int) -> None:
    reason, code = FAILURES[distance]
    key, _ = operators.order("transfer", _nth(MTN, distance))
    assert operators.result("transfer", key)["reason"]["code"] == reason
    key, state = operators.asked("disbursement", _nth(ORANGE, distance))
    assert state["error"]["errorCode"] == code
    assert operators.request_of(key)["movements"] == []


def test_numbers_without_a_wallet_or_with_a_blocked_one_pay_nothing(operators: Operators) -> None:
    for number, payer, payee in (
        ("237670000015", "PAYER_NOT_FOUND", "PAYEE_NOT_FOUND"),
        ("237691234567", "PAYER_NOT_FOUND", "PAYEE_NOT_FOUND"),
        ("237670000016", "NOT_ALLOWED", "PAYEE_NOT_ALLOWED_TO_RECEIVE"),
    ):
        assert operators.collected(number)[1]["reason"]["code"] == payer
        key, _ = operators.order("transfer", number)
        assert operators.result("transfer", key)["reason"]["code"] == payee


@pytest.mark.parametrize("number", PLAIN)
def test_any_other_number_completes(operators: Operators, number: str) -> None:
    assert operators.collected(number)[1]["status"] == "SUCCESSFUL"


@pytest.mark.parametrize("number", ["237691622731", "237656019261"])
def test_any_other_number_of_orange_completes(operators: Operators, number: str) -> None:
    assert operators.asked("merchantpay", number)[1]["status"] == "completed"


def test_the_older_failing_numbers_fail(operators: Operators) -> None:
    assert operators.collected("237674000000")[1]["status"] == "FAILED"
    assert operators.asked("merchantpay", "237656000000")[1]["status"] == "failed"


def test_one_number_never_ends(operators: Operators) -> None:
    key, _ = operators.collected("237670000005")
    payout, _ = operators.order("transfer", "237670000005")
    operators.control("clock", advance_seconds=30 * 86400)
    operators.token.clear()
    assert operators.result("requesttopay", key)["status"] == "PENDING"
    assert operators.result("transfer", payout)["status"] == "PENDING"


def test_a_slow_number_ends_on_the_third_look(operators: Operators) -> None:
    key, first = operators.collected("237670000011")
    second, third = (operators.result("requesttopay", key) for _ in range(2))
    statuses = [each["status"] for each in (first, second, third)]
    assert statuses == ["PENDING", "PENDING", "SUCCESSFUL"]


def test_a_slow_number_ends_after_a_minute(operators: Operators) -> None:
    key, _ = operators.collected("237670000011")
    operators.control("clock", advance_seconds=60)
    assert operators.result("requesttopay", key)["status"] == "SUCCESSFUL"


def test_a_payment_whose_answer_is_lost_was_made(operators: Operators) -> None:
    with pytest.raises(httpx2.TransportError):
        operators.order("requesttopay", "237670000007")
    with pytest.raises(httpx2.TransportError):
        operators.transaction("merchantpay", "237690000007")
    assert [each["moved"] for each in operators.state()["requests"]] == ["5000", "5000"]


def test_an_order_that_is_lost_is_carried_out_when_repeated(operators: Operators) -> None:
    key = "0d9a2b6e-7d0f-4c53-8a2c-1f1f3c6d2a10"
    with pytest.raises(httpx2.TransportError):
        operators.order("requesttopay", "237670000008", key=key)
    assert operators.mtn("GET", f"/collection/v1_0/requesttopay/{key}").status_code == 404
    _, answer = operators.order("requesttopay", "237670000008", key=key)
    assert answer.status_code == 202
    assert operators.result("requesttopay", key)["status"] == "SUCCESSFUL"


def test_an_error_may_hide_a_payment_or_none(operators: Operators) -> None:
    made, answer = operators.order("requesttopay", "237670000009")
    assert answer.status_code == 500
    assert operators.result("requesttopay", made)["status"] == "SUCCESSFUL"
    not_made, answer = operators.order("requesttopay", "237670000010")
    assert answer.status_code == 503
    assert operators.order("requesttopay", "237670000010", key=not_made)[1].status_code == 202


def test_a_payment_that_cannot_be_found_at_first(operators: Operators) -> None:
    key, _ = operators.order("requesttopay", "237670000013")
    path = f"/collection/v1_0/requesttopay/{key}"
    statuses = [operators.mtn("GET", path).status_code for _ in range(4)]
    assert statuses == [404, 404, 404, 200]


def test_refunds_to_some_numbers_fail_or_never_end(operators: Operators) -> None:
    paid, _ = operators.collected("237670000018")
    refund, _ = operators.order("refund", paid)
    result = operators.result("refund", refund)
    assert (result["status"], result["reason"]["code"]) == (
        "FAILED",
        "PAYEE_NOT_ALLOWED_TO_RECEIVE",
    )
    paid, _ = operators.collected("237670000019")
    refund, _ = operators.order("refund", paid)
    assert operators.result("refund", refund)["status"] == "PENDING"
    assert operators.request_of(refund)["movements"] == []


MTN_PAYERS = [
    "INTERNAL_PROCESSING_ERROR",
    "APPROVAL_REJECTED",
    "EXPIRED",
    "-",
    "-",
    "PAYER_NOT_FOUND",
    "PAYEE_NOT_ALLOWED_TO_RECEIVE",
    "NOT_ALLOWED",
    "NOT_ALLOWED_TARGET_ENVIRONMENT",
    "INVALID_CALLBACK_URL_HOST",
    "INVALID_CURRENCY",
    "INTERNAL_PROCESSING_ERROR",
    "SERVICE_UNAVAILABLE",
    "COULD_NOT_PERFORM_TRANSACTION",
    "INTERNAL_PROCESSING_ERROR",
]
MTN_PAYEES = [
    "INTERNAL_PROCESSING_ERROR",
    "APPROVAL_REJECTED",
    "EXPIRED",
    "-",
    "-",
    "NOT_ENOUGH_FUNDS",
    "PAYER_LIMIT_REACHED",
    "PAYEE_NOT_FOUND",
    "NOT_ALLOWED",
    "NOT_ALLOWED_TARGET_ENVIRONMENT",
    "INVALID_CALLBACK_URL_HOST",
    "INVALID_CURRENCY",
    "INTERNAL_PROCESSING_ERROR",
    "SERVICE_UNAVAILABLE",
]


@pytest.mark.parametrize(
    ("resource", "reasons"), [("requesttopay", MTN_PAYERS), ("transfer", MTN_PAYEES)]
)
def test_mtns_own_numbers_have_mtns_reasons(
    operators: Operators, resource: str, reasons: list[str]
) -> None:
    sandbox = {"X-Target-Environment": "sandbox"}
    for index, reason in enumerate(reasons):
        key, _ = operators.order(
            resource, str(46733123450 + index), currency="EUR", headers=sandbox
        )
        result = operators.result(resource, key, **sandbox)
        expected = "PENDING" if reason == "-" else reason
        assert result.get("reason", {"code": result["status"]})["code"] == expected


def test_mtns_own_refunds(operators: Operators) -> None:
    sandbox = {"X-Target-Environment": "sandbox"}
    told = {}
    for number in ("2", "3", "4", "5", "10"):
        key, answer = operators.order("refund", number, currency="EUR", headers=sandbox)
        assert answer.status_code == 202
        result = operators.result("refund", key, **sandbox)
        told[number] = result.get("reason", {"code": result["status"]})["code"]
    assert told == {
        "2": "INTERNAL_PROCESSING_ERROR",
        "3": "APPROVAL_REJECTED",
        "4": "EXPIRED",
        "5": "PENDING",
        "10": "INVALID_CURRENCY",
    }
    _, answer = operators.order("refund", "1", currency="EUR", headers=sandbox)
    assert answer.status_code == 404


def test_every_documented_reason_is_known() -> None:
    assert set(REASONS) == set(mtn.REASONS)


def test_plain_numbers_may_wait_for_the_phone(operators: Operators) -> None:
    operators.control("settings", plain="phone")
    assert operators.collected("237677123456")[1]["status"] == "PENDING"
    assert operators.collected(MTN)[1]["status"] == "SUCCESSFUL"
    key, _ = operators.order("transfer", "237677123456")
    assert operators.result("transfer", key)["status"] == "SUCCESSFUL"


def test_other_countries_have_test_numbers_too(operators: Operators) -> None:
    abidjan = {"X-Target-Environment": "mtnivorycoast"}
    key, _ = operators.order("requesttopay", "2250500000001", currency="XOF", headers=abidjan)
    result = operators.result("requesttopay", key, **abidjan)
    assert result["reason"]["code"] == "NOT_ENOUGH_FUNDS"
