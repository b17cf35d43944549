"""The judge is alive: it takes the simulator's exchanges and catches one spoilt in each operation.

The provider's own file decides; where it is absent these tests skip and say so.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from judge import Judge, Violation, judge_of
from simulators.yapily_stage import Simulator

Exchange = Callable[[Simulator], httpx2.Response]


def _last_answer(simulator: Simulator, path: str, method: str = "GET") -> httpx2.Response:
    with simulator.client() as client:
        return client.request(method, path)


def _authorisation(simulator: Simulator) -> httpx2.Response:
    request = json.loads(simulator.authorise().content)
    asked = {"institutionId": "modelo-sandbox", "applicationUserId": "u", "paymentRequest": request}
    with simulator.client() as client:
        return client.post("/payment-auth-requests", json=asked)


def _consents(simulator: Simulator) -> httpx2.Response:
    simulator.authorise()
    return _last_answer(simulator, "/consents?limit=5")


def _consent(simulator: Simulator, method: str = "GET") -> httpx2.Response:
    return _last_answer(simulator, f"/consents/{simulator.authorise().data['id']}", method)


def _token(simulator: Simulator) -> httpx2.Response:
    authorisation = simulator.authorise()
    url = simulator.control("decide", consent=authorisation.data["id"], decision="accept")
    token = httpx2.URL(url["callback"]).params["one-time-token"]
    with simulator.client() as client:
        return client.post("/consent-one-time-token", json={"oneTimeToken": token})


def _payment(simulator: Simulator) -> httpx2.Response:
    authorisation = simulator.authorise()
    token = authorisation.accept()
    with simulator.client() as client:
        return authorisation.pay(token, client)


def _details(simulator: Simulator) -> httpx2.Response:
    payment, token = simulator.authorise().paid()
    with simulator.client() as client:
        return client.get(f"/payments/{payment['id']}/details", headers={"consent": token})


def _set(path: str, value: object) -> Callable[[Any], None]:
    def change(body: Any) -> None:
        *parents, last = path.split(".")
        for parent in parents:
            body = body[int(parent)] if isinstance(body, list) else body[parent]
        body[last] = value

    return change


_WRONG_ANSWERS: dict[str, tuple[Exchange, Callable[[Any], None]]] = {
    "list_institutions": (
        lambda simulator: _last_answer(simulator, "/institutions"),
        _set("data.0.features", ["FLY"]),
    ),
    "get_institution": (
        lambda simulator: _last_answer(simulator, "/institutions/cic-sandbox"),
        _set("environmentType", "TEST"),
    ),
    "create_authorisation": (_authorisation, _set("data.status", "WAITING")),
    "list_consents": (_consents, _set("data.0.createdAt", "yesterday")),
    "get_consent": (_consent, _set("data.id", "not-a-uuid")),
    "delete_consent": (
        lambda simulator: _consent(simulator, "DELETE"),
        _set("data.deleteStatus", "GONE"),
    ),
    "exchange_token": (_token, _set("status", "accepted")),
    "create_payment": (_payment, _set("data.amount", "12.50")),
    "get_payment": (_details, _set("data.payments.0.statusDetails.isoStatus.code", "ACXX")),
    "an error": (
        lambda simulator: _last_answer(simulator, "/institutions/nowhere"),
        _set("error.code", "404"),
    ),
}


@pytest.fixture
def judge(simulator: Simulator) -> Judge:
    return judge_of("yapily.json", simulator.url)


@pytest.mark.parametrize("operation", _WRONG_ANSWERS)
def test_a_true_answer_passes_and_a_spoilt_one_is_caught(
    simulator: Simulator, judge: Judge, operation: str
) -> None:
    exchange, spoil = _WRONG_ANSWERS[operation]
    answer = exchange(simulator)
    judge.exchange(answer)
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


_HEADERS = {"authorization": "Basic YTpi", "content-type": "application/json", "consent": "token"}
_PAYMENT = {
    "paymentIdempotencyId": "abc",
    "type": "DOMESTIC_PAYMENT",
    "amount": {"amount": 1, "currency": "GBP"},
    "payee": {"name": "n", "accountIdentifications": [{"type": "IBAN", "identification": "x"}]},
}
_CONSENT_PATH = "/consents/00000000-0000-4000-8000-000000000000"
_WRONG_REQUESTS: list[tuple[str, str, object, dict[str, str]]] = [
    ("GET", "/institutions", None, {"authorization": ""}),
    ("GET", "/institutions/cic-sandbox", None, {"authorization": ""}),
    ("POST", "/payment-auth-requests", {"institutionId": "x", "paymentRequest": {}}, {}),
    ("POST", "/payment-auth-requests", {"institutionId": "x"}, {}),
    (
        "POST",
        "/payment-auth-requests",
        {"institutionId": "x", "paymentRequest": _PAYMENT, "onetimeToken": True},
        {},
    ),
    ("GET", "/consents?limit=many", None, {}),
    ("GET", "/consents/7", None, {}),
    ("DELETE", "/consents/7", None, {}),
    ("DELETE", f"{_CONSENT_PATH}?forceDelete=perhaps", None, {}),
    ("POST", "/consent-one-time-token", {"token": "x"}, {}),
    ("POST", "/payments", _PAYMENT | {"amount": {"amount": "1", "currency": "GBP"}}, {}),
    ("POST", "/payments", _PAYMENT, {"consent": ""}),
    ("POST", "/payments", _PAYMENT, {"content-type": "text/plain"}),
    ("GET", "/payments/1/details", None, {"consent": ""}),
    ("GET", "/payment/1/details", None, {}),
]


@pytest.mark.parametrize(("method", "path", "body", "headers"), _WRONG_REQUESTS)
def test_a_wrong_request_is_caught(
    simulator: Simulator,
    judge: Judge,
    method: str,
    path: str,
    body: object,
    headers: dict[str, str],
) -> None:
    sent = {name: value for name, value in (_HEADERS | headers).items() if value}
    content = b"" if body is None else json.dumps(body).encode()
    with pytest.raises(Violation):
        judge.request(method, simulator.url + path, headers=sent, body=content)


def test_a_true_request_passes(simulator: Simulator, judge: Judge) -> None:
    judge.request(
        "POST", f"{simulator.url}/payments", headers=_HEADERS, body=json.dumps(_PAYMENT).encode()
    )
