"""The judges are alive: in each operation of both APIs they catch one spoilt request or answer.

MTN is judged by a document of our own (``mtn.py``), GSMA's API by GSMA's own file.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

import absent
from judge import Judge, Violation
from simulators.operator_stage import CREDENTIALS, MTN, ORANGE, Operators

Exchange = Callable[[Operators], httpx2.Response]
Change = Callable[[Any], None]


def _order(resource: str) -> Exchange:
    return lambda operators: operators.order(resource, MTN)[1]


def _refund(operators: Operators) -> httpx2.Response:
    return operators.order("refund", operators.collected(MTN)[0])[1]


def _result(resource: str, product: str) -> Exchange:
    def exchange(operators: Operators) -> httpx2.Response:
        key, _ = operators.order(resource, MTN)
        return operators.mtn("GET", f"/{product}/v1_0/{resource}/{key}")

    return exchange


def _refund_result(operators: Operators) -> httpx2.Response:
    key, _ = operators.order("refund", operators.collected(MTN)[0])
    return operators.mtn("GET", f"/disbursement/v1_0/refund/{key}")


def _user(operators: Operators, step: str = "") -> httpx2.Response:
    user = str(uuid.uuid4())
    made = operators.mtn(
        "POST",
        "/v1_0/apiuser",
        headers={"X-Reference-Id": user},
        json={"providerCallbackHost": "shop.example"},
    )
    if not step:
        return made
    return operators.mtn(step, f"/v1_0/apiuser/{user}" + ("/apikey" if step == "POST" else ""))


def _token(operators: Operators) -> httpx2.Response:
    return operators.mtn("POST", "/collection/token/", auth=(CREDENTIALS.user, CREDENTIALS.secret))


def _mtn(path: str) -> Exchange:
    return lambda operators: operators.mtn("GET", path)


def _gsma(path: str) -> Exchange:
    return lambda operators: operators.gsma("GET", path)


def _transaction(kind: str) -> Exchange:
    return lambda operators: operators.transaction(kind, ORANGE)[1]


def _about_transaction(path: str) -> Exchange:
    def exchange(operators: Operators) -> httpx2.Response:
        key, state = operators.asked("merchantpay", ORANGE)
        values = {"key": key, "id": state["serverCorrelationId"]}
        return operators.gsma("GET", path.format(**values, reference=state["objectReference"]))

    return exchange


def _reversal(operators: Operators) -> httpx2.Response:
    _, state = operators.asked("merchantpay", ORANGE)
    path = f"/transactions/{state['objectReference']}/reversals"
    return operators.gsma("POST", path, json={"type": "reversal"})


def _set(path: str, value: object) -> Change:
    def change(body: Any) -> None:
        *parents, last = path.split(".")
        for parent in parents:
            body = body[int(parent)] if isinstance(body, list) else body[parent]
        body[last] = value

    return change


_HOLDER = f"/collection/v1_0/accountholder/msisdn/{MTN}"
_ACCOUNT = f"/accounts/msisdn/{ORANGE}"

MTN_REQUESTS: dict[str, tuple[Exchange, Change]] = {
    "create_user": (_user, _set("host", "shop.example")),
    "request_to_pay": (_order("requesttopay"), _set("payerMessage", "L'addition")),
    "transfer": (_order("transfer"), _set("payee.partyIdType", "PHONE")),
    "refund": (_refund, _set("amount", 5000)),
}
MTN_ANSWERS: dict[str, tuple[Exchange, Change]] = {
    "get_user": (lambda stage: _user(stage, "GET"), _set("targetEnvironment", "moon")),
    "create_key": (lambda stage: _user(stage, "POST"), _set("apiKey", 7)),
    "token": (_token, _set("expires_in", "3600")),
    "request_to_pay_status": (_result("requesttopay", "collection"), _set("status", "PAID")),
    "transfer_status": (_result("transfer", "disbursement"), _set("reason", "BECAUSE")),
    "refund_status": (_refund_result, _set("fee", "1")),
    "holder_active": (_mtn(f"{_HOLDER}/active"), _set("result", "true")),
    "holder_name": (_mtn(f"{_HOLDER}/basicuserinfo"), _set("given_name", None)),
    "balance": (_mtn("/collection/v1_0/account/balance"), _set("availableBalance", 7)),
}
GSMA_REQUESTS: dict[str, tuple[Exchange, Change]] = {
    "merchantpay": (_transaction("merchantpay"), _set("amount", 5000)),
    "disbursement": (_transaction("disbursement"), _set("descriptionTxt", "x")),
    "reversal": (_reversal, _set("type", "refund")),
}
GSMA_ANSWERS: dict[str, tuple[Exchange, Change]] = {
    "merchantpay": (_transaction("merchantpay"), _set("status", "done")),
    "reversal": (_reversal, _set("notificationMethod", "pigeon")),
    "transaction": (_about_transaction("/transactions/{reference}"), _set("type", "purchase")),
    "state": (_about_transaction("/requeststates/{id}"), _set("expiryTime", "soon")),
    "response": (_about_transaction("/responses/{key}"), _set("link", "")),
    "account_status": (_gsma(f"{_ACCOUNT}/status"), _set("accountStatus", "open")),
    "account_name": (_gsma(f"{_ACCOUNT}/accountname"), _set("name.firstName", 7)),
    "balance": (_gsma("/accounts/balance"), _set("availableBalance", "many")),
    "heartbeat": (_gsma("/heartbeat"), _set("serviceStatus", "fine")),
}


def _judge(operators: Operators, api: str) -> Judge:
    judge = operators.mtn_judge if api == "mtn" else operators.gsma_judge
    if judge is None:
        absent.missing("nothing was judged by GSMA's file")
    return judge


_REQUESTS = [
    *(("mtn", *pair) for pair in MTN_REQUESTS.values()),
    *(("gsma", *pair) for pair in GSMA_REQUESTS.values()),
]
_ANSWERS = [
    *(("mtn", *pair) for pair in MTN_ANSWERS.values()),
    *(("gsma", *pair) for pair in GSMA_ANSWERS.values()),
]


@pytest.mark.parametrize(
    ("api", "exchange", "spoil"),
    _REQUESTS,
    ids=[*MTN_REQUESTS, *(f"gsma {name}" for name in GSMA_REQUESTS)],
)
def test_a_spoilt_request_is_caught(
    operators: Operators, api: str, exchange: Exchange, spoil: Change
) -> None:
    judge, request = _judge(operators, api), exchange(operators).request
    body = json.loads(request.content)
    spoil(body)
    with pytest.raises(Violation):
        judge.request(
            request.method,
            str(request.url),
            headers=request.headers,
            body=json.dumps(body).encode(),
        )


@pytest.mark.parametrize(
    ("api", "exchange", "spoil"),
    _ANSWERS,
    ids=[*MTN_ANSWERS, *(f"gsma {name}" for name in GSMA_ANSWERS)],
)
def test_a_spoilt_answer_is_caught(
    operators: Operators, api: str, exchange: Exchange, spoil: Change
) -> None:
    judge, answer = _judge(operators, api), exchange(operators)
    body = answer.json()
    spoil(body)
    with pytest.raises(Violation):
        judge.response(
            answer.request.method,
            str(answer.request.url),
            answer.status_code,
            headers=answer.headers,
            body=json.dumps(body).encode(),
        )


@pytest.mark.parametrize(
    "name",
    ["Ocp-Apim-Subscription-Key", "Authorization", "X-Target-Environment", "X-Reference-Id"],
)
def test_a_header_that_is_missing_is_caught(operators: Operators, name: str) -> None:
    request = _order("requesttopay")(operators).request
    headers = {key: value for key, value in request.headers.items() if key != name.lower()}
    with pytest.raises(Violation):
        operators.mtn_judge.request(
            request.method, str(request.url), headers=headers, body=request.content
        )


def test_credentials_that_are_missing_are_caught(operators: Operators) -> None:
    judge, request = _judge(operators, "gsma"), _gsma("/accounts/balance")(operators).request
    for name in ("authorization", "x-api-key"):
        headers = {key: value for key, value in request.headers.items() if key != name}
        with pytest.raises(Violation):
            judge.request(request.method, str(request.url), headers=headers)
