"""The API, judged answer by answer by the provider's file (see the client in conftest)."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from simulators.yapily_stage import SORT_CODE, Simulator


def _refused(answer: httpx2.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["code"] == status
    return str(error["message"])


def test_institutions_include_the_documented_ones(simulator: Simulator) -> None:
    banks = {bank["id"]: bank for bank in simulator.api.get("/institutions").json()["data"]}
    assert banks["modelo-sandbox"]["name"] == "Modelo Sandbox"
    assert banks["cic-sandbox"]["countries"] == [{"displayName": "France", "countryCode2": "FR"}]
    assert banks["natwest-sandbox"]["countries"][0]["countryCode2"] == "GB"
    countries = {bank["countries"][0]["countryCode2"] for bank in banks.values()}
    assert countries == {"DE", "ES", "FR", "GB", "PT"}
    for bank in banks.values():
        assert "INITIATE_DOMESTIC_SINGLE_PAYMENT" in bank["features"]


def test_one_institution_is_found_by_its_id(simulator: Simulator) -> None:
    assert simulator.api.get("/institutions/cic-sandbox").json()["name"] == "CIC Sandbox"
    _refused(simulator.api.get("/institutions/nowhere"), 404)


def test_logos_are_drawings_served_here(simulator: Simulator) -> None:
    bank = simulator.api.get("/institutions/modelo-sandbox").json()
    for medium in bank["media"]:
        answer = simulator.browser.get(medium["source"])
        assert answer.headers["content-type"] == "image/svg+xml"
        assert answer.text.startswith("<svg ")


@pytest.mark.parametrize("path", ["/institutions", "/consents?limit=1", "/payments/x/details"])
def test_wrong_credentials_are_refused(simulator: Simulator, path: str) -> None:
    with httpx2.Client(auth=("application", "wrong"), trust_env=False) as client:
        _refused(client.get(simulator.url + path, headers={"consent": "x"}), 401)


def test_an_unknown_address_answers_an_error_body(simulator: Simulator) -> None:
    with simulator.client() as client:
        _refused(client.get("/nowhere"), 404)
        _refused(client.put("/payments"), 405)


def test_a_new_authorisation_waits_for_the_payer(simulator: Simulator) -> None:
    data = simulator.authorise().data
    assert data["status"] == "AWAITING_AUTHORIZATION"
    assert data["authorisationUrl"].startswith(f"{simulator.url}/bank/modelo-sandbox/")
    assert "consentToken" not in data


_GOOD: dict[str, Any] = {
    "institutionId": "modelo-sandbox",
    "applicationUserId": "someone",
    "callback": "https://shop.example/",
    "oneTimeToken": True,
    "paymentRequest": {
        "paymentIdempotencyId": "abc123",
        "type": "DOMESTIC_PAYMENT",
        "amount": {"amount": 1.5, "currency": "GBP"},
        "payee": {"name": "Shop", "accountIdentifications": SORT_CODE},
    },
}
_IBAN = [{"type": "IBAN", "identification": "FR7630006000011234567890189"}]
_ONLY_SORT_CODE = {"name": "Shop", "accountIdentifications": SORT_CODE[:1]}


@pytest.mark.parametrize(
    ("status", "path", "value"),
    [
        (404, "institutionId", "nowhere"),
        (400, "applicationUserId", None),
        (400, "userUuid", "not-a-uuid"),
        (400, "callback", "javascript:alert(1)"),
        (400, "callback", "https://shop.example;x/"),
        (400, "callback", None),
        (400, "oneTimeToken", "yes"),
        (400, "paymentRequest", None),
        (400, "paymentRequest.paymentIdempotencyId", "a" * 36),
        (400, "paymentRequest.paymentIdempotencyId", "with-hyphen"),
        (400, "paymentRequest.reference", "a" * 19),
        (424, "paymentRequest.type", "BULK_PAYMENT"),
        (400, "paymentRequest.amount", 12),
        (400, "paymentRequest.amount.amount", "1.50"),
        (400, "paymentRequest.amount.amount", True),
        (400, "paymentRequest.amount.amount", 0),
        (400, "paymentRequest.amount.amount", -1),
        (400, "paymentRequest.amount.amount", 10**40),
        (400, "paymentRequest.amount.currency", "pounds"),
        (400, "paymentRequest.payee", None),
        (400, "paymentRequest.payee.name", ""),
        (400, "paymentRequest.payee.accountIdentifications", []),
        (400, "paymentRequest.payee.accountIdentifications", ["IBAN"]),
        (400, "paymentRequest.payee", _ONLY_SORT_CODE),
    ],
)
def test_a_wrong_authorisation_is_refused(
    simulator: Simulator, status: int, path: str, value: object
) -> None:
    body = json.loads(json.dumps(_GOOD))
    *parents, last = path.split(".")
    place = body
    for parent in parents:
        place = place[parent]
    place[last] = value
    with simulator.client() as client:
        _refused(client.post("/payment-auth-requests", json=body), status)
    assert simulator.state()["consents"] == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b'{"a":NaN}'])
def test_a_body_that_is_no_object_is_refused(simulator: Simulator, body: bytes) -> None:
    with simulator.client() as client:
        _refused(client.post("/payment-auth-requests", content=body), 400)


def test_euros_go_to_an_iban(simulator: Simulator) -> None:
    request = _GOOD["paymentRequest"] | {"amount": {"amount": 1, "currency": "EUR"}}
    payee = {"name": "Shop", "accountIdentifications": _IBAN}
    simulator.authorise(institutionId="cic-sandbox", paymentRequest=request | {"payee": payee})
    with simulator.client() as client:
        _refused(
            client.post("/payment-auth-requests", json=_GOOD | {"paymentRequest": request}), 400
        )


def test_a_user_is_the_same_by_either_name(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    other = simulator.authorise()
    for name, value in [
        ("filter[applicationUserId]", authorisation.user),
        ("filter[userUuid]", authorisation.data["userUuid"]),
    ]:
        found = simulator.api.get("/consents", params={name: value}).json()["data"]
        assert [each["id"] for each in found] == [authorisation.data["id"]]
        assert other.data["id"] not in str(found)


def test_consents_are_listed_newest_first_in_pages(simulator: Simulator) -> None:
    ids = [simulator.authorise().data["id"] for _ in range(3)]
    answer = simulator.api.get("/consents", params={"limit": 2, "offset": 1}).json()
    assert [each["id"] for each in answer["data"]] == [ids[1], ids[0]]
    assert answer["meta"]["pagination"]["totalCount"] == 3


def test_consents_are_filtered_by_institution_and_status(simulator: Simulator) -> None:
    kept = simulator.authorise(institutionId="natwest-sandbox")
    simulator.authorise(institutionId="natwest-sandbox").accept()
    simulator.authorise()
    filters: dict[str, str | int] = {
        "filter[institution]": "natwest-sandbox",
        "filter[status]": "AWAITING_AUTHORIZATION",
        "limit": 10,
    }
    found = simulator.api.get("/consents", params=filters).json()["data"]
    assert [each["id"] for each in found] == [kept.data["id"]]


@pytest.mark.parametrize("query", ["", "?limit=0", "?limit=1001", "?limit=x", "?limit=1&offset=x"])
def test_a_listing_without_bounds_is_refused(simulator: Simulator, query: str) -> None:
    with simulator.client() as client:
        _refused(client.get(f"/consents{query}"), 400)


def test_an_unknown_consent_is_not_found(simulator: Simulator) -> None:
    _refused(simulator.api.get("/consents/00000000-0000-4000-8000-000000000000"), 404)
    with simulator.client() as client:
        _refused(client.get("/consents/not-a-uuid"), 400)


def test_a_deleted_consent_is_revoked(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    answer = simulator.api.delete(f"/consents/{authorisation.data['id']}").json()
    assert answer["data"]["deleteStatus"] == "SUCCESS"
    assert authorisation.status() == "REVOKED"


def test_a_used_consent_cannot_be_deleted(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    authorisation.paid()
    answer = simulator.api.delete(f"/consents/{authorisation.data['id']}").json()
    assert answer["data"]["deleteStatus"] == "FAILED"
    assert authorisation.status() == "CONSUMED"


def test_a_one_time_token_works_once(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    accepted = simulator.control("decide", consent=authorisation.data["id"], decision="accept")
    token = httpx2.URL(accepted["callback"]).params["one-time-token"]
    first = simulator.api.post("/consent-one-time-token", json={"oneTimeToken": token})
    second = simulator.api.post("/consent-one-time-token", json={"oneTimeToken": token})
    assert first.json()["status"] == "AUTHORIZED"
    _refused(second, 404)


def test_a_one_time_token_grows_too_old(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    accepted = simulator.control("decide", consent=authorisation.data["id"], decision="accept")
    simulator.control("clock", advance_seconds=301)
    token = httpx2.URL(accepted["callback"]).params["one-time-token"]
    _refused(simulator.api.post("/consent-one-time-token", json={"oneTimeToken": token}), 404)


def test_an_authorised_consent_shows_its_token_when_read(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    token = authorisation.accept()
    answer = simulator.api.get(f"/consents/{authorisation.data['id']}").json()
    assert answer["data"]["consentToken"] == token


def test_without_one_time_token_the_callback_carries_the_consent(simulator: Simulator) -> None:
    authorisation = simulator.authorise(oneTimeToken=False)
    accepted = simulator.control("decide", consent=authorisation.data["id"], decision="accept")
    parameters = httpx2.URL(accepted["callback"]).params
    assert "one-time-token" not in parameters
    assert authorisation.pay(parameters["consent"]).status_code == 201


@pytest.mark.parametrize("amount", ["12.50", "7", "0.01", "999999999.99", "1250.5", "10.125"])
def test_amounts_keep_their_digits(simulator: Simulator, amount: str) -> None:
    authorisation = simulator.authorise(amount)
    token = authorisation.accept()
    answer = authorisation.pay(token)
    assert f'"amount":{amount},"currency":"GBP"' in answer.text
    assert simulator.state()["payments"][0]["moved"] == amount


def test_a_repeated_payment_is_the_same_payment(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    payment, token = authorisation.paid()
    assert authorisation.pay(token).json()["data"]["id"] == payment["id"]
    assert [each["moved"] for each in simulator.state()["payments"]] == ["12.50"]


def test_two_consents_of_one_payment_move_money_once(simulator: Simulator) -> None:
    first = simulator.authorise()
    request = json.loads(first.content)
    second = simulator.authorise(paymentRequest=request)
    payment, _ = first.paid()
    token = second.accept()
    assert second.pay(token).json()["data"]["id"] == payment["id"]
    assert second.details(payment["id"], token)["id"] == payment["id"]
    assert len(simulator.state()["payments"]) == 1


def test_a_repeated_id_with_another_body_is_refused(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    _, token = authorisation.paid()
    authorisation.content = authorisation.content.replace("12.50", "12.51")
    assert "amount" in _refused(authorisation.pay(token), 409)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("12.50", "12.51", "amount"),
        ("GBP", "USD", "amount"),
        ("12345678", "87654321", "payee"),
        ("Ondine", "Undine", "payee"),
        ("Order 10042", "Order 10043", "reference"),
    ],
)
def test_only_what_the_payer_authorised_is_paid(
    simulator: Simulator, old: str, new: str, field: str
) -> None:
    authorisation = simulator.authorise()
    token = authorisation.accept()
    authorisation.content = authorisation.content.replace(old, new)
    assert field in _refused(authorisation.pay(token), 400)
    assert simulator.state()["payments"] == []


def test_the_same_amount_written_otherwise_is_the_same(simulator: Simulator) -> None:
    authorisation = simulator.authorise("12.50")
    token = authorisation.accept()
    authorisation.content = authorisation.content.replace("12.50", "12.5")
    assert authorisation.pay(token).status_code == 201


def test_a_consent_pays_once(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    _, token = authorisation.paid()
    request = json.loads(authorisation.content) | {"paymentIdempotencyId": "another"}
    authorisation.content = json.dumps(request)
    assert "CONSUMED" in _refused(authorisation.pay(token), 403)


@pytest.mark.parametrize("decision", ["expire", "revoke"])
def test_a_withdrawn_consent_does_not_pay(simulator: Simulator, decision: str) -> None:
    authorisation = simulator.authorise()
    token = authorisation.accept()
    if decision == "expire":
        simulator.control("decide", consent=authorisation.data["id"], decision="expire")
    else:
        simulator.api.delete(f"/consents/{authorisation.data['id']}")
    _refused(authorisation.pay(token), 403)


def test_payments_need_a_known_consent_token(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    _refused(authorisation.pay("forged"), 403)
    with simulator.client() as client:
        _refused(client.post("/payments", content=authorisation.content), 400)


def test_details_belong_to_the_consent_that_paid(simulator: Simulator) -> None:
    payment, token = (authorisation := simulator.authorise()).paid()
    assert authorisation.details(payment["id"], token)["status"] == "COMPLETED"
    _, stranger = simulator.authorise().paid()
    headers = {"consent": stranger}
    _refused(simulator.api.get(f"/payments/{payment['id']}/details", headers=headers), 404)


def test_the_payers_account_is_told_for_refunds_when_asked(simulator: Simulator) -> None:
    request = json.loads(simulator.authorise().content) | {"readRefundAccount": True}
    payment, _ = simulator.authorise(paymentRequest=request).paid()
    kinds = [each["type"] for each in payment["refundAccount"]["accountIdentifications"]]
    assert kinds == ["SORT_CODE", "ACCOUNT_NUMBER"]
