"""The control API: decide, break things, move time, close operators, look into the book."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from simulators.operator_stage import MTN, ORANGE, Operators

WAITS = {"requesttopay": "237670000005", "transfer": "237670000005"}
PHONE = "237670000100"


@pytest.mark.parametrize("resource", WAITS)
@pytest.mark.parametrize(
    ("decision", "told"),
    [
        ({"decision": "approve"}, None),
        ({"decision": "refuse"}, "APPROVAL_REJECTED"),
        ({"decision": "expire"}, "COULD_NOT_PERFORM_TRANSACTION"),
        ({"decision": "fail"}, "INTERNAL_PROCESSING_ERROR"),
        ({"decision": "fail", "reason": "TRANSACTION_CANCELED"}, "TRANSACTION_CANCELED"),
    ],
    ids=str,
)
def test_an_open_request_is_decided(
    operators: Operators, resource: str, decision: dict[str, str], told: str | None
) -> None:
    key, _ = operators.order(resource, WAITS[resource])
    operators.control("decide", request=key, **decision)
    result = operators.result(resource, key)
    assert result["status"] == ("FAILED" if told else "SUCCESSFUL")
    assert result.get("reason", {}).get("code") == told


def test_a_request_is_named_by_any_of_its_ids_or_its_number(operators: Operators) -> None:
    for name in ("id", "key", "reference", "name", "number"):
        key, _ = operators.order("requesttopay", PHONE, externalId=f"order-{name}")
        request = operators.request_of(key)
        decided = operators.control("decide", request=request[name], decision="refuse")
        assert decided["request"]["key"] == key


def test_a_decided_request_stays_decided(operators: Operators) -> None:
    key, _ = operators.collected(MTN)
    answer = operators.browser.post(
        f"{operators.url}/_control/decide", json={"request": key, "decision": "refuse"}
    )
    assert answer.status_code == 409
    assert operators.result("requesttopay", key)["status"] == "SUCCESSFUL"


def test_a_float_that_is_too_small_pays_nothing(operators: Operators) -> None:
    operators.control("float", operator="cm.mtn", balance="4999")
    key, _ = operators.order("transfer", MTN)
    assert operators.result("transfer", key)["reason"]["code"] == "NOT_ENOUGH_FUNDS"
    operators.control("float", operator="cm.orange", balance=0)
    _, state = operators.asked("disbursement", ORANGE)
    assert state["error"]["errorCode"] == "insufficientFunds"
    assert operators.state()["floats"]["cm.mtn"] == "4999"


def test_a_float_that_is_spent_before_a_transfer_is_decided(operators: Operators) -> None:
    operators.control("float", operator="cm.mtn", balance=5000)
    waiting, _ = operators.order("transfer", WAITS["transfer"])
    operators.order("transfer", MTN)
    operators.control("decide", request=waiting, decision="approve")
    result = operators.result("transfer", waiting)
    assert result["reason"]["code"] == "NOT_ENOUGH_FUNDS"
    assert operators.state()["floats"]["cm.mtn"] == "0"


def test_a_collection_raises_the_float(operators: Operators) -> None:
    operators.control("float", operator="cm.mtn", balance=0)
    operators.collected(MTN)
    assert operators.state()["floats"]["cm.mtn"] == "5000"


def test_a_maintenance_window_opens_and_closes(operators: Operators) -> None:
    operators.control("maintenance", operator="cm.orange", starts_in_seconds=60, lasts_seconds=600)
    assert operators.transaction("merchantpay", ORANGE)[1].status_code == 202
    operators.control("clock", advance_seconds=60)
    _, answer = operators.transaction("merchantpay", ORANGE)
    assert (answer.status_code, answer.json()["errorCategory"]) == (503, "serviceUnavailable")
    told = operators.gsma("GET", "/heartbeat").json()
    assert told["serviceStatus"] == "unavailable"
    assert operators.order("requesttopay", MTN)[1].status_code == 202
    operators.control("clock", advance_seconds=600)
    assert operators.gsma("GET", "/heartbeat").json() == {"serviceStatus": "available"}


def test_mtn_is_unavailable_in_its_own_window(operators: Operators) -> None:
    operators.control("maintenance", operator="cm.mtn", lasts_seconds=600)
    _, answer = operators.order("requesttopay", MTN)
    assert (answer.status_code, answer.json()["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert operators.transaction("merchantpay", ORANGE)[1].status_code == 202
    operators.control("maintenance", operator="cm.mtn", lasts_seconds=0)
    assert operators.order("requesttopay", MTN)[1].status_code == 202


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["drop", "error"])
def test_a_fault_strikes_before_or_after_the_order(
    operators: Operators, when: str, kind: str
) -> None:
    for operation in ("mtn_request_to_pay", "gsma_merchantpay"):
        operators.control("faults", operation=operation, kind=kind, when=when, status=502)
    operators.gsma_judge = None  # 502 is not in GSMA's file
    asks: list[Callable[[], tuple[str, httpx2.Response]]] = [
        lambda: operators.order("requesttopay", MTN),
        lambda: operators.transaction("merchantpay", ORANGE),
    ]
    for ask in asks:
        if kind == "drop":
            with pytest.raises(httpx2.TransportError):
                ask()
        else:
            assert ask()[1].status_code == 502
    assert len(operators.state()["requests"]) == (2 if when == "after" else 0)


def test_an_answer_may_be_hidden_or_broken(operators: Operators) -> None:
    key, _ = operators.collected(MTN)
    path = f"/collection/v1_0/requesttopay/{key}"
    operators.control("faults", operation="mtn_request_to_pay_status", kind="hide")
    operators.control("faults", operation="mtn_request_to_pay_status", kind="garble")
    assert operators.mtn("GET", path).status_code == 404
    broken = operators.mtn("GET", path, judged=False)
    assert broken.status_code == 200
    with pytest.raises(ValueError, match=r".*"):
        broken.json()
    assert operators.mtn("GET", path).json()["status"] == "SUCCESSFUL"


def test_a_wallet_is_filled_emptied_and_blocked(operators: Operators) -> None:
    told = operators.control("wallet", operator="cm.mtn", number=f"+{PHONE}", balance="10")
    assert (told["balance"], told["blocked"]) == ("10", False)
    key, _ = operators.order("requesttopay", PHONE)
    operators.control("decide", request=key, decision="approve")
    assert operators.result("requesttopay", key)["reason"]["code"] == "NOT_ENOUGH_FUNDS"
    operators.control("wallet", operator="cm.mtn", number=PHONE, blocked=True)
    assert operators.collected(PHONE)[1]["reason"]["code"] == "NOT_ALLOWED"


def test_a_prompt_runs_out_by_the_clock(operators: Operators) -> None:
    key, _ = operators.collected(PHONE)
    operators.control("clock", advance_seconds=299)
    assert operators.result("requesttopay", key)["status"] == "PENDING"
    operators.control("clock", advance_seconds=1)
    result = operators.result("requesttopay", key)
    assert result["reason"]["code"] == "COULD_NOT_PERFORM_TRANSACTION"


def test_reset_forgets_everything(operators: Operators) -> None:
    operators.collected(MTN)
    operators.control("faults", operation="mtn_token", kind="drop")
    operators.control("maintenance", operator="cm.mtn", lasts_seconds=600)
    operators.control("settings", plain="phone", poll_limit=3)
    operators.control("reset")
    state = operators.state()
    assert (state["requests"], state["wallets"], state["faults"]) == ([], [], {})
    assert (state["calls"], state["maintenance"]) == ({}, {})
    operators.token.clear()
    assert operators.collected("237677123456")[1]["status"] == "SUCCESSFUL"


@pytest.mark.parametrize(
    ("name", "asked", "status"),
    [
        ("decide", {"decision": "pay", "request": "x"}, 422),
        ("decide", {"decision": "approve", "request": "x"}, 404),
        ("decide", {"decision": "approve"}, 400),
        ("decide", {"request": "x"}, 400),
        ("float", {"operator": "cm.none", "balance": 1}, 422),
        ("float", {"operator": "cm.mtn", "balance": "1.5"}, 422),
        ("float", {"operator": "cm.mtn", "balance": -1}, 422),
        ("float", {"operator": "cm.mtn", "balance": "NaN"}, 422),
        ("float", {"operator": "cm.mtn"}, 422),
        ("wallet", {"operator": "cm.mtn", "number": ORANGE}, 422),
        ("wallet", {"operator": "cm.mtn", "number": MTN, "blocked": "no"}, 422),
        ("maintenance", {"operator": "cm.mtn"}, 422),
        ("maintenance", {"operator": "cm.mtn", "lasts_seconds": -1}, 422),
        ("settings", {"plain": "never"}, 422),
        ("settings", {"colour": "red"}, 422),
        ("settings", {"poll_limit": 0}, 422),
        ("clock", {"advance_seconds": -1}, 422),
        ("faults", {"operation": "nothing", "kind": "drop"}, 422),
    ],
    ids=str,
)
def test_a_wrong_command_changes_nothing(
    operators: Operators, name: str, asked: dict[str, Any], status: int
) -> None:
    answer = operators.browser.post(f"{operators.url}/_control/{name}", json=asked)
    assert (answer.status_code, list(answer.json())) == (status, ["error"])
    assert operators.state()["requests"] == []


def test_a_wrong_reason_is_refused(operators: Operators) -> None:
    key, _ = operators.collected(PHONE)
    asked = {"request": key, "decision": "fail", "reason": "BECAUSE"}
    answer = operators.browser.post(f"{operators.url}/_control/decide", json=asked)
    assert answer.status_code == 422
    assert operators.result("requesttopay", key)["status"] == "PENDING"
