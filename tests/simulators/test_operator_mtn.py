"""MTN's API as its pages describe it: who may call, what is refused, and how."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from simulators.operator_stage import CREDENTIALS, MTN, Operators

PAYMENT = "/collection/v1_0/requesttopay"


def test_a_payment_is_taken_without_a_body_and_then_successful(operators: Operators) -> None:
    key, answer = operators.order("requesttopay", MTN)
    assert (answer.status_code, answer.content) == (202, b"")
    result = operators.result("requesttopay", key)
    assert (result["status"], result["amount"], result["currency"]) == ("SUCCESSFUL", "5000", "XAF")
    assert result["payer"] == {"partyIdType": "MSISDN", "partyId": MTN}
    assert result["financialTransactionId"].isdigit()


def test_a_used_reference_is_a_conflict_whatever_it_asks(operators: Operators) -> None:
    key, _ = operators.collected(MTN)
    for resource, party in (("requesttopay", MTN), ("transfer", MTN), ("refund", key)):
        _, answer = operators.order(resource, party, amount="1", key=key)
        assert answer.status_code == 409
        assert answer.json()["code"] == "RESOURCE_ALREADY_EXIST"
    assert len(operators.state()["requests"]) == 1


@pytest.mark.parametrize(
    "key",
    ["", "x", str(uuid.uuid1()), "01936f2c-5d5e-7000-8000-000000000000", uuid.uuid4().hex],
    ids=["missing", "no UUID", "version 1", "version 7", "without hyphens"],
)
def test_a_reference_must_be_a_uuid_of_version_4(operators: Operators, key: str) -> None:
    _, answer = operators.order("requesttopay", MTN, key=key)
    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(
    "changes",
    [
        {"payerMessage": "L'addition"},
        {"payeeNote": "L’addition"},
        {"payerMessage": "x" * 161},
        {"externalId": None},
        {"externalId": 42},
        {"amount": 5000},
        {"amount": "0"},
        {"amount": "-1"},
        {"amount": "12.5"},
        {"amount": "1e3"},
        {"currency": "francs"},
        {"payer": None},
        {"payer": {"partyIdType": "MSISDN", "partyId": "+237670000000"}},
        {"payer": {"partyIdType": "msisdn", "partyId": MTN}},
        {"payer": {"partyIdType": "EMAIL", "partyId": MTN}},
        {"payer": {"partyIdType": "MSISDN"}},
        {"note": "not a field of MTN"},
    ],
    ids=str,
)
def test_a_body_that_breaks_a_rule_is_refused(
    operators: Operators, changes: dict[str, Any]
) -> None:
    _, answer = operators.order("requesttopay", MTN, **changes)
    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_REQUEST")
    assert operators.state()["requests"] == []


def test_a_currency_of_another_country_is_refused(operators: Operators) -> None:
    _, answer = operators.order("requesttopay", MTN, currency="EUR")
    assert (answer.status_code, answer.json()["code"]) == (500, "INVALID_CURRENCY")


def test_the_sandbox_takes_euros_with_cents(operators: Operators) -> None:
    sandbox = {"X-Target-Environment": "sandbox"}
    key, answer = operators.order(
        "requesttopay", MTN, amount="12.50", currency="EUR", headers=sandbox
    )
    assert answer.status_code == 202
    assert operators.result("requesttopay", key, **sandbox)["amount"] == "12.50"


def test_an_environment_that_nobody_has_is_refused(operators: Operators) -> None:
    _, answer = operators.order("requesttopay", MTN, headers={"X-Target-Environment": "mtnmoon"})
    assert answer.json()["code"] == "NOT_ALLOWED_TARGET_ENVIRONMENT"
    assert answer.status_code == 500


@pytest.mark.parametrize(
    "headers",
    [
        {"Ocp-Apim-Subscription-Key": None},
        {"Ocp-Apim-Subscription-Key": "another"},
        {"Authorization": None},
        {"Authorization": "Bearer forged"},
        {"Authorization": "Basic Zm9yZ2Vk"},
    ],
    ids=str,
)
def test_wrong_credentials_are_refused(operators: Operators, headers: dict[str, Any]) -> None:
    _, answer = operators.order("requesttopay", MTN, headers=headers)
    assert (answer.status_code, answer.json()["statusCode"]) == (401, 401)


def test_a_token_is_for_one_product_and_one_hour(operators: Operators) -> None:
    token = {"Authorization": f"Bearer {operators.access_token('collection')}"}
    _, answer = operators.order("transfer", MTN, headers=token)
    assert answer.status_code == 401
    operators.control("clock", advance_seconds=3599)
    assert operators.order("requesttopay", MTN, headers=token)[1].status_code == 202
    operators.control("clock", advance_seconds=1)
    assert operators.order("requesttopay", MTN, headers=token)[1].status_code == 401


def test_a_wrong_key_gets_no_token(operators: Operators) -> None:
    answer = operators.mtn("POST", "/collection/token/", auth=(CREDENTIALS.user, "wrong"))
    assert (answer.status_code, answer.json()) == (401, {"error": "login_failed"})


def test_a_request_for_a_token_takes_no_body(operators: Operators) -> None:
    pair = (CREDENTIALS.user, CREDENTIALS.secret)
    answer = operators.mtn("POST", "/collection/token/", auth=pair, json={})
    assert answer.status_code == 400


def test_a_user_is_provisioned_and_works_in_the_sandbox_alone(operators: Operators) -> None:
    user = str(uuid.uuid4())
    made = operators.mtn(
        "POST",
        "/v1_0/apiuser",
        headers={"X-Reference-Id": user},
        json={"providerCallbackHost": "shop.example"},
    )
    assert made.status_code == 201
    about = operators.mtn("GET", f"/v1_0/apiuser/{user}")
    assert about.json() == {
        "providerCallbackHost": "shop.example",
        "targetEnvironment": "sandbox",
    }
    key = operators.mtn("POST", f"/v1_0/apiuser/{user}/apikey").json()["apiKey"]
    token = operators.mtn("POST", "/collection/token/", auth=(user, key)).json()["access_token"]
    mine = {"Authorization": f"Bearer {token}"}
    _, answer = operators.order("requesttopay", MTN, headers=mine)
    assert answer.json()["code"] == "NOT_ALLOWED_TARGET_ENVIRONMENT"
    mine |= {"X-Target-Environment": "sandbox"}
    _, answer = operators.order("requesttopay", MTN, currency="EUR", headers=mine)
    assert answer.status_code == 202
    elsewhere = mine | {"X-Callback-Url": "https://other.example/notices"}
    _, answer = operators.order("requesttopay", MTN, currency="EUR", headers=elsewhere)
    assert (answer.status_code, answer.json()["code"]) == (500, "INVALID_CALLBACK_URL_HOST")


def test_a_user_is_made_once_and_a_new_key_ends_the_old_one(operators: Operators) -> None:
    user = str(uuid.uuid4())
    asked: Any = {
        "headers": {"X-Reference-Id": user},
        "json": {"providerCallbackHost": "shop.example"},
    }
    assert operators.mtn("POST", "/v1_0/apiuser", **asked).status_code == 201
    assert operators.mtn("POST", "/v1_0/apiuser", **asked).status_code == 409
    old = operators.mtn("POST", f"/v1_0/apiuser/{user}/apikey").json()["apiKey"]
    operators.mtn("POST", f"/v1_0/apiuser/{user}/apikey")
    assert operators.mtn("POST", "/collection/token/", auth=(user, old)).status_code == 401
    missing = operators.mtn("GET", f"/v1_0/apiuser/{uuid.uuid4()}")
    assert (missing.status_code, missing.json()["code"]) == (404, "RESOURCE_NOT_FOUND")


def test_an_order_is_found_only_where_it_was_made(operators: Operators) -> None:
    key, _ = operators.collected(MTN)
    for path in (f"{PAYMENT}/{uuid.uuid4()}", f"/disbursement/v1_0/transfer/{key}"):
        answer = operators.mtn("GET", path)
        assert (answer.status_code, answer.json()["code"]) == (404, "RESOURCE_NOT_FOUND")


def test_an_unknown_address_answers_as_mtn_does(operators: Operators) -> None:
    answer = operators.mtn("GET", "/collection/v1_0/nothing", judged=False)
    assert (answer.status_code, answer.json()["code"]) == (404, "RESOURCE_NOT_FOUND")


def test_a_transfer_pays_the_wallet_from_the_merchants_account(operators: Operators) -> None:
    before = operators.mtn("GET", "/disbursement/v1_0/account/balance").json()
    key, answer = operators.order("transfer", MTN)
    assert answer.status_code == 202
    result = operators.result("transfer", key)
    assert (result["status"], result["payee"]["partyId"]) == ("SUCCESSFUL", MTN)
    after = operators.mtn("GET", "/disbursement/v1_0/account/balance").json()
    assert int(before["availableBalance"]) - int(after["availableBalance"]) == 5000
    wallet = next(each for each in operators.state()["wallets"] if each["number"] == MTN)
    assert wallet["entries"][-1]["amount"] == "5000"


def test_a_refund_gives_back_what_was_paid_and_no_more(operators: Operators) -> None:
    key, _ = operators.collected(MTN)
    refund, answer = operators.order("refund", key, amount="2000")
    assert answer.status_code == 202
    assert operators.result("refund", refund)["status"] == "SUCCESSFUL"
    _, answer = operators.order("refund", key, amount="3001")
    assert (answer.status_code, answer.json()["code"]) == (500, "NOT_ALLOWED")
    _, answer = operators.order("refund", key, amount="3000")
    assert answer.status_code == 202
    wallet = next(each for each in operators.state()["wallets"] if each["number"] == MTN)
    assert [each["amount"] for each in wallet["entries"]] == ["-5000", "2000", "3000"]


def test_what_was_not_paid_cannot_be_refunded(operators: Operators) -> None:
    unpaid, _ = operators.collected("237670000005")
    _, answer = operators.order("refund", unpaid)
    assert answer.json()["code"] == "NOT_ALLOWED"
    _, answer = operators.order("refund", str(uuid.uuid4()))
    assert (answer.status_code, answer.json()["code"]) == (404, "RESOURCE_NOT_FOUND")


@pytest.mark.parametrize("product", ["collection", "disbursement"])
def test_whether_a_number_has_a_wallet(operators: Operators, product: str) -> None:
    root = f"/{product}/v1_0/accountholder/msisdn"
    numbers = {MTN: True, "237670000015": False, "237670000016": False, "237691234567": False}
    for number, active in numbers.items():
        assert operators.mtn("GET", f"{root}/{number}/active").json() == {"result": active}


def test_mtns_own_numbers_of_account_holders(operators: Operators) -> None:
    sandbox = {"X-Target-Environment": "sandbox"}
    codes = {
        "46733123450": (404, "RESOURCE_NOT_FOUND"),
        "46733123452": (500, "NOT_ALLOWED"),
        "46733123453": (500, "NOT_ALLOWED_TARGET_ENVIRONMENT"),
        "46733123454": (500, "INTERNAL_PROCESSING_ERROR"),
        "46733123455": (503, "SERVICE_UNAVAILABLE"),
    }
    root = "/collection/v1_0/accountholder/msisdn"
    for number, (status, code) in codes.items():
        answer = operators.mtn("GET", f"{root}/{number}/active", headers=sandbox)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    inactive = operators.mtn("GET", f"{root}/46733123451/active", headers=sandbox)
    assert inactive.json() == {"result": False}


def test_a_wallets_holder_has_a_name(operators: Operators) -> None:
    root = "/disbursement/v1_0/accountholder/MSISDN"
    named = operators.mtn("GET", f"{root}/{MTN}/basicuserinfo").json()
    assert named["given_name"]
    assert named == operators.mtn("GET", f"{root}/{MTN}/basicuserinfo").json()
    assert operators.mtn("GET", f"{root}/237670000015/basicuserinfo").status_code == 404


def test_a_balance_is_in_the_countrys_money_alone(operators: Operators) -> None:
    root = "/collection/v1_0/account/balance"
    assert operators.mtn("GET", f"{root}/XAF", judged=False).json()["currency"] == "XAF"
    answer = operators.mtn("GET", f"{root}/EUR", judged=False)
    assert (answer.status_code, answer.json()["code"]) == (500, "INVALID_CURRENCY")
