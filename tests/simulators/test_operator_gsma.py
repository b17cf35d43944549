"""GSMA's API: states, lost answers, reversals, accounts, and its errors."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from simulators.operator_stage import ORANGE, Operators

WAITS = "237690000005"


def _error(answer: Any) -> tuple[int, str, str]:
    body = answer.json()
    return answer.status_code, body["errorCategory"], body["errorCode"]


def test_a_payment_is_pending_and_then_completed(operators: Operators) -> None:
    key, answer = operators.transaction("merchantpay", ORANGE)
    told = answer.json()
    assert (answer.status_code, told["status"], told["notificationMethod"]) == (
        202,
        "pending",
        "polling",
    )
    state = operators.gsma("GET", f"/requeststates/{told['serverCorrelationId']}").json()
    assert state["status"] == "completed"
    found = operators.gsma("GET", f"/transactions/{state['objectReference']}").json()
    assert (found["transactionStatus"], found["amount"]) == ("completed", "5000")
    assert found["debitParty"] == [{"key": "msisdn", "value": f"+{ORANGE}"}]
    assert found["requestingOrganisationTransactionReference"] == "42"
    assert operators.request_of(key)["moved"] == "5000"


def test_an_address_for_callbacks_changes_the_way_to_be_told(operators: Operators) -> None:
    headers = {"X-Callback-URL": operators.receiver}
    _, answer = operators.transaction("merchantpay", WAITS, headers=headers)
    assert answer.json()["notificationMethod"] == "callback"


def test_a_lost_answer_is_found_by_our_own_id(operators: Operators) -> None:
    key, state = operators.asked("merchantpay", WAITS)
    link = operators.gsma("GET", f"/responses/{key}").json()["link"]
    assert link == f"/requeststates/{state['serverCorrelationId']}"
    operators.control("decide", request=key, decision="approve")
    link = operators.gsma("GET", f"/responses/{key.upper()}").json()["link"]
    assert operators.gsma("GET", link).json()["transactionStatus"] == "completed"
    missing = operators.gsma("GET", f"/responses/{uuid.uuid4()}")
    assert _error(missing) == (404, "identification", "identifierError")


def test_a_used_correlation_id_is_a_duplicate(operators: Operators) -> None:
    key, _ = operators.asked("merchantpay", ORANGE)
    _, answer = operators.transaction("disbursement", ORANGE, key=key)
    assert _error(answer) == (400, "businessRule", "duplicateRequest")


def test_a_payment_without_a_correlation_id_is_taken(operators: Operators) -> None:
    _, answer = operators.transaction("merchantpay", ORANGE, headers={"X-CorrelationID": None})
    assert answer.status_code == 202


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": None}, "mandatoryValueNotSupplied"),
        ({"currency": None}, "mandatoryValueNotSupplied"),
        ({"debitParty": None}, "mandatoryValueNotSupplied"),
        ({"debitParty": [{"key": "walletid", "value": "7"}]}, "mandatoryValueNotSupplied"),
        ({"debitParty": []}, "lengthError"),
        ({"debitParty": "237690000000"}, "formatError"),
        ({"debitParty": [{"key": "msisdn"}]}, "formatError"),
        ({"debitParty": [{"key": "msisdn", "value": "12"}]}, "formatError"),
        ({"amount": "-5"}, "negativeValue"),
        ({"amount": "05"}, "formatError"),
        ({"amount": 5000}, "formatError"),
        ({"amount": "12.5"}, "formatError"),
        ({"currency": "EUR"}, "currencyNotSupported"),
        ({"descriptionText": "x" * 161}, "lengthError"),
        ({"descriptionText": 7}, "formatError"),
    ],
    ids=str,
)
def test_a_body_that_breaks_a_rule_is_refused(
    operators: Operators, changes: dict[str, Any], code: str
) -> None:
    _, answer = operators.transaction("merchantpay", ORANGE, **changes)
    assert _error(answer) == (400, "validation", code)
    assert operators.state()["requests"] == []


def test_nothing_cannot_be_paid(operators: Operators) -> None:
    _, answer = operators.transaction("merchantpay", ORANGE, amount="0.00")
    assert _error(answer) == (400, "businessRule", "lessThanTransactionMinValue")


def test_an_amount_with_needless_zeros_is_taken(operators: Operators) -> None:
    key, _ = operators.transaction("merchantpay", ORANGE, amount="5000.00")
    assert operators.request_of(key)["amount"] == "5000"


@pytest.mark.parametrize("number", ["237690000015", "237670000000", "4917012345"])
def test_a_number_without_a_wallet_is_not_found(operators: Operators, number: str) -> None:
    for kind in ("merchantpay", "disbursement"):
        _, answer = operators.transaction(kind, number)
        assert _error(answer) == (404, "identification", "identifierError")
    answer = operators.gsma("GET", f"/accounts/msisdn/{number}/status")
    assert _error(answer) == (404, "identification", "identifierError")


@pytest.mark.parametrize(
    "options",
    [{"auth": ("client", "wrong")}, {"headers": {"X-API-Key": "wrong"}}],
    ids=["secret", "key"],
)
def test_wrong_credentials_are_refused(operators: Operators, options: dict[str, Any]) -> None:
    answer = operators.gsma("GET", "/accounts/balance", **options)
    assert _error(answer) == (401, "authorisation", "clientAuthorisationError")


def test_a_disbursement_pays_the_wallet(operators: Operators) -> None:
    before = operators.gsma("GET", "/accounts/balance").json()
    key, state = operators.asked("disbursement", ORANGE)
    assert state["status"] == "completed"
    assert "expiryTime" not in state
    after = operators.gsma("GET", "/accounts/balance").json()
    assert int(before["availableBalance"]) - int(after["availableBalance"]) == 5000
    assert operators.request_of(key)["moved"] == "-5000"


def _reversal(operators: Operators, reference: str, **body: Any) -> Any:
    return operators.gsma(
        "POST",
        f"/transactions/{reference}/reversals",
        headers={"X-CorrelationID": str(uuid.uuid4())},
        json={"type": "reversal"} | body,
    )


def test_a_reversal_gives_all_back_once(operators: Operators) -> None:
    _, state = operators.asked("merchantpay", ORANGE)
    answer = _reversal(operators, state["objectReference"])
    assert answer.status_code == 202
    told = operators.gsma("GET", f"/requeststates/{answer.json()['serverCorrelationId']}").json()
    assert told["status"] == "completed"
    found = operators.gsma("GET", f"/transactions/{told['objectReference']}").json()
    assert (found["type"], found["amount"]) == ("reversal", "5000")
    assert found["originalTransactionReference"] == state["objectReference"]
    again = _reversal(operators, state["objectReference"])
    assert _error(again) == (400, "businessRule", "overPaymentNotAllowed")


def test_a_part_is_given_back_as_an_adjustment(operators: Operators) -> None:
    _, state = operators.asked("merchantpay", ORANGE)
    part = {"type": "adjustment", "amount": "2000", "currency": "XAF"}
    answer = _reversal(operators, state["objectReference"], **part)
    assert answer.status_code == 202
    more = _reversal(operators, state["objectReference"], **part | {"amount": "3001"})
    assert _error(more) == (400, "businessRule", "overPaymentNotAllowed")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"type": "refund"}, (400, "validation", "formatError")),
        ({"amount": "5"}, (400, "validation", "mandatoryValueNotSupplied")),
        ({"amount": "5", "currency": "EUR"}, (400, "validation", "currencyNotSupported")),
    ],
    ids=str,
)
def test_a_wrong_reversal_is_refused(
    operators: Operators, body: dict[str, Any], expected: tuple[int, str, str]
) -> None:
    _, state = operators.asked("merchantpay", ORANGE)
    assert _error(_reversal(operators, state["objectReference"], **body)) == expected


def test_what_was_not_paid_cannot_be_reversed(operators: Operators) -> None:
    _, state = operators.asked("merchantpay", WAITS)
    answer = _reversal(operators, state["objectReference"])
    assert _error(answer) == (400, "businessRule", "incorrectState")
    assert _error(_reversal(operators, "0"))[0] == 404


@pytest.mark.parametrize("path", ["/accounts/msisdn/{}", "/accounts/msisdn@{}"])
def test_an_account_is_known_by_both_kinds_of_path(operators: Operators, path: str) -> None:
    account = path.format(ORANGE)
    status = operators.gsma("GET", f"{account}/status").json()
    assert status == {"accountStatus": "available"}
    name = operators.gsma("GET", f"{account}/accountname").json()["name"]
    assert name["fullName"] == f"{name['firstName']} {name['lastName']}"


def test_a_blocked_account_is_unavailable(operators: Operators) -> None:
    status = operators.gsma("GET", "/accounts/msisdn/237690000016/status").json()
    assert status == {"accountStatus": "unavailable"}


def test_accounts_are_known_by_msisdn_alone(operators: Operators) -> None:
    answer = operators.gsma("GET", "/accounts/walletid/7/status")
    assert _error(answer) == (404, "identification", "identifierError")


def test_polls_have_a_limit(operators: Operators) -> None:
    operators.control("settings", poll_limit=2)
    _, state = operators.asked("merchantpay", WAITS)
    assert state["pollLimit"] == 2
    path = f"/requeststates/{state['serverCorrelationId']}"
    assert operators.gsma("GET", path).status_code == 200
    assert _error(operators.gsma("GET", path)) == (400, "businessRule", "rateLimitError")


def test_operators_know_nothing_of_each_others_requests(operators: Operators) -> None:
    key, state = operators.asked("merchantpay", ORANGE)
    for path in (
        f"/requeststates/{state['serverCorrelationId']}",
        f"/responses/{key}",
        f"/transactions/{state['objectReference']}",
    ):
        assert operators.gsma("GET", path, operator="yoomee").status_code == 404
    assert operators.gsma("GET", "/heartbeat", operator="cm.mtn").status_code == 404


def test_an_unknown_address_answers_as_gsma_says(operators: Operators) -> None:
    answer = operators.browser.get(f"{operators.url}/gsma/cm.orange/nothing/at/all/here")
    assert _error(answer) == (404, "identification", "identifierError")
