"""The simulated Notch Pay, judged by a client that knows nothing of it: PyPI's ``notchpay``."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from notchpay import NotchPay
from notchpay.exceptions import NotchPayAuthenticationError, NotchPayValidationError

from guichet.simulators.notchpay import build_app
from names import name_of
from rails.notchpay.stage import CREDENTIALS, FIRST, served

Heard = queue.Queue[tuple[bytes, Mapping[str, str]]]

ENDINGS = [
    (0, "complete", None),
    (1, "failed", "INSUFFICIENT_BALANCE"),
    (2, "failed", "PROVIDER_ERROR"),
    (3, "expired", "TIMEOUT"),
    (4, "canceled", "CANCELLED_BY_USER"),
    (5, "processing", None),
    (15, "failed", "UNREGISTERED_PHONE"),
]


@dataclass
class Simulated:
    """The simulator's address, a way to call it, and what it sent to endpoints."""

    url: str
    http: httpx2.Client
    heard: Heard = field(default_factory=queue.Queue)

    async def hear(self, _url: str, body: bytes, headers: Mapping[str, str]) -> int:
        self.heard.put((body, headers))
        return 200

    def control(self, name: str, method: str = "POST", **asked: Any) -> Any:
        """A command of the control API; its answer."""
        body = asked if method == "POST" else None
        answer = self.http.request(method, f"{self.url}/_control/{name}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def simulated() -> Iterator[Simulated]:
    with httpx2.Client(trust_env=False) as http:
        made = Simulated("", http)
        with served(lambda url: build_app(url, CREDENTIALS, made.hear)) as made.url:
            yield made


@pytest.fixture(scope="module")
def merchant(simulated: Simulated) -> Iterator[Any]:
    """The client as a merchant makes it; nothing but its base address is changed."""
    made: Any = NotchPay(CREDENTIALS.public_key, grant_key=CREDENTIALS.private_key)
    made._client.base_url = simulated.url
    yield made
    made._client.close()


@pytest.fixture
def client(simulated: Simulated, merchant: Any) -> Any:
    """The merchant's client at a simulator that has forgotten everything."""
    simulated.control("reset")
    return merchant


def charged(client: Any, distance: int = 0, **fields: Any) -> Any:
    """A payment by Orange Money from a test number, as it is after it was processed."""
    phone = f"+{FIRST + distance}"
    body = {"amount": 5000, "currency": "XAF", "phone": phone, **fields}
    reference = client.payments.create(body).transaction.reference
    client.payments.process(reference, {"channel": "cm.orange", "data": {"phone": phone}})
    return client.payments.retrieve(reference).transaction


def sent(client: Any, distance: int = 0, **fields: Any) -> Any:
    body = {
        "amount": 1500,
        "currency": "XAF",
        "channel": "cm.orange",
        "beneficiary_data": {"name": "Amina Kamga", "phone": f"+{FIRST + distance}"},
        **fields,
    }
    return client.transfers.create(body)


@pytest.mark.parametrize(("distance", "status", "why"), ENDINGS)
def test_a_number_decides_what_becomes_of_a_payment(
    client: Any, simulated: Simulated, distance: int, status: str, why: str | None
) -> None:
    payment = charged(client, distance)
    assert payment.status == status
    (kept,) = simulated.control("state", "GET")["orders"]
    assert kept["failure_reason"] == why
    assert kept["moved"] == ("5000" if status == "complete" else "0")


def test_payments_are_found_by_both_references_and_listed(client: Any) -> None:
    payment = charged(client, reference="order-42")
    assert client.payments.retrieve("order-42").transaction.reference == payment.reference
    listed = client.payments.list(search="order-42", limit=5)
    assert [each.reference for each in listed.items] == [payment.reference]
    assert client.payments.list(status="pending").items == []


def test_a_reference_is_taken_once(client: Any) -> None:
    charged(client, reference="order-42")
    with pytest.raises(NotchPayValidationError) as refused:
        charged(client, reference="order-42")
    assert (refused.value.code, refused.value.errors.keys()) == (409, {"reference"})


def test_only_a_pending_payment_is_processed_or_cancelled(client: Any) -> None:
    reference = charged(client, 5).reference
    body = {"channel": "cm.orange", "data": {"phone": f"+{FIRST}"}}
    with pytest.raises(NotchPayValidationError) as processed:
        client.payments.process(reference, body)
    assert processed.value.message == "Payment cannot be processed"
    with pytest.raises(NotchPayValidationError) as cancelled:
        client.payments.cancel(reference)
    assert cancelled.value.message == "Payment cannot be canceled"


def test_a_payment_that_nobody_pays_is_cancelled_or_ends_after_three_hours(
    client: Any, simulated: Simulated
) -> None:
    body = {"amount": 100, "currency": "XAF", "phone": "+237690000000"}
    one, other = (client.payments.create(body).transaction.reference for _ in range(2))
    assert client.payments.cancel(one).code == 202
    assert client.payments.retrieve(one).transaction.status == "canceled"
    simulated.control("clock", advance_seconds=3 * 3600 - 5)
    assert client.payments.retrieve(other).transaction.status == "pending"
    simulated.control("clock", advance_seconds=10)
    assert client.payments.retrieve(other).transaction.status == "expired"


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"amount": "x", "currency": "EURO"}, {"amount", "currency"}),
        ({"amount": 1000.5}, {"amount"}),
        ({"amount": 0}, {"amount"}),
        ({"locked_channel": "ci.orange"}, {"locked_channel"}),
        ({"description": "x" * 257}, {"description"}),
        ({"callback": "javascript:alert(1)"}, {"callback"}),
    ],
    ids=name_of,
)
def test_every_wrong_field_of_a_payment_is_named(
    client: Any, fields: dict[str, Any], wrong: set[str]
) -> None:
    body = {"amount": 100, "currency": "XAF", "phone": "+237690000000"} | fields
    with pytest.raises(NotchPayValidationError) as refused:
        client.payments.create(body)
    assert (refused.value.code, refused.value.errors.keys()) == (422, wrong)


def test_transfers_come_out_of_the_balance(client: Any) -> None:
    before = client.balance.retrieve().balance.available
    made = sent(client, reference="salary-8")
    assert (made.code, made.transfer.status) == (201, "pending")
    assert client.transfers.retrieve("salary-8").transfer.status == "complete"
    assert client.balance.retrieve().balance.available == before - 1500
    assert [each.id for each in client.transfers.list().items] == [made.transfer.id]
    with pytest.raises(NotchPayValidationError):
        client.transfers.cancel(made.transfer.id)


def test_a_transfer_beyond_the_balance_is_refused(client: Any, simulated: Simulated) -> None:
    simulated.control("balance", currency="XAF", balance=1499)
    with pytest.raises(NotchPayValidationError) as refused:
        sent(client)
    assert refused.value.message == "Insufficient funds"


def test_a_customer_goes_their_whole_way(client: Any) -> None:
    made = client.customers.create({"name": "John Doe", "email": "john@example.com"}).customer
    changed = client.customers.update(made.id, {"name": "Jane Doe"})
    assert (changed.code, changed.customer.email) == (202, "john@example.com")
    assert client.customers.retrieve(made.id).customer.name == "Jane Doe"
    assert [each.id for each in client.customers.list().items] == [made.id]
    payment = charged(client, customer=made.id)
    assert payment.customer == made.id
    paid = client.customers.payments(made.id).payments
    assert [each.reference for each in paid] == [payment.reference]
    (method,) = client.customers.payment_methods(made.id).items
    assert (method.channel.value, method.phone) == ("cm.orange", str(FIRST))
    assert client.customers.delete(made.id).code == 202
    with pytest.raises(NotchPayValidationError):
        client.customers.retrieve(made.id)


def test_a_beneficiary_goes_their_whole_way(client: Any) -> None:
    new = {
        "name": "Berthe",
        "phone": f"+{FIRST}",
        "country": "CM",
        "currency": "XAF",
        "type": "mobile_money",
        "channel": "cm.orange",
    }
    made = client.beneficiaries.create(new).beneficiary
    changed = client.beneficiaries.update(made.id, {"name": "Berthe N."})
    assert (changed.code, changed.beneficiary.account_number) == (202, str(FIRST))
    assert client.beneficiaries.retrieve(made.id).beneficiary.name == "Berthe N."
    listed = client.beneficiaries.list(country="CM", type="mobile_money", search="berthe")
    assert [each.id for each in listed.items] == [made.id]
    body = {"amount": 500, "currency": "XAF", "channel": "cm.orange", "beneficiary": made.id}
    transfer = client.transfers.create(body).transfer
    assert transfer.beneficiary == made.id
    assert client.transfers.retrieve(transfer.id).transfer.status == "complete"
    assert client.beneficiaries.delete(made.id).code == 202
    with pytest.raises(NotchPayValidationError):
        client.beneficiaries.retrieve(made.id)


def test_channels_have_the_currency_of_their_country(client: Any) -> None:
    found = client.channels.list(country="CI").items
    assert {each.id for each in found} == {"ci.mtn", "ci.orange", "ci.moov"}
    assert {each.currency for each in found} == {"XOF"}


def test_keys_are_asked_for(simulated: Simulated) -> None:
    for key, grant, path in (
        ("pk_test.other", None, "/payments"),
        ("", None, "/payments"),
        (CREDENTIALS.public_key, None, "/balance"),
        (CREDENTIALS.public_key, "sk_test.other", "/balance"),
    ):
        headers = {"authorization": key} | ({"x-grant": grant} if grant else {})
        answer = simulated.http.get(f"{simulated.url}{path}", headers=headers)
        assert answer.status_code == (401 if path == "/payments" else 403)
        assert isinstance(answer.json()["message"], str)
    stranger: Any = NotchPay("pk_test.other")
    stranger._client.base_url = simulated.url
    with pytest.raises(NotchPayAuthenticationError):
        stranger.payments.list()
    stranger._client.close()


def test_webhooks_are_signed_and_tell_the_resource(client: Any, simulated: Simulated) -> None:
    made = client.webhooks.create(
        {"url": "http://shop.example/hook", "events": ["payment.complete"]}
    )
    endpoint = made.endpoint.id
    assert [each.id for each in client.webhooks.list().endpoints] == [endpoint]
    payment = charged(client, reference="order-42")
    body, headers = simulated.heard.get(timeout=10)
    signature = headers["x-notch-signature"]
    assert NotchPay.verify_webhook_signature(body.decode(), signature, CREDENTIALS.hash_key)
    told = httpx2.Response(200, content=body).json()
    assert (told["event"], told["type"]) == ("payment.complete", "payment.complete")
    assert told["data"]["reference"] == payment.reference
    assert told["data"]["merchant_reference"] == "order-42"
    assert client.webhooks.update(endpoint, {"active": False}).code == 202
    assert client.webhooks.retrieve(endpoint).endpoint.id == endpoint
    assert client.webhooks.delete(endpoint).code == 202
    assert client.webhooks.list().endpoints == []


@pytest.mark.parametrize(
    ("distance", "kind", "copies"),
    [(6, None, 0), (12, None, 2), (0, "drop", 0), (0, "duplicate", 2)],
)
def test_webhooks_may_be_lost_or_come_twice(
    client: Any, simulated: Simulated, distance: int, kind: str | None, copies: int
) -> None:
    made = client.webhooks.create({"url": "http://shop.example/", "events": ["payment.complete"]})
    if kind is not None:
        simulated.control("faults", operation="webhook", kind=kind)
    charged(client, distance, reference="first")
    charged(client, reference="last")
    names: list[str] = []
    while names[-1:] != ["last"]:
        body, _ = simulated.heard.get(timeout=10)
        names.append(httpx2.Response(200, content=body).json()["data"]["merchant_reference"])
    assert names == ["first"] * copies + ["last"]
    client.webhooks.delete(made.endpoint.id)


@pytest.mark.parametrize(
    ("kind", "status", "is_json"), [("page", 502, False), ("error", 503, True), ("hide", 404, True)]
)
def test_failures_are_made_on_demand(
    client: Any, simulated: Simulated, kind: str, status: int, *, is_json: bool
) -> None:
    reference = charged(client).reference
    simulated.control("faults", operation="get_payment", kind=kind, status=max(status, 500))
    headers = {"authorization": CREDENTIALS.public_key}
    answer = simulated.http.get(f"{simulated.url}/payments/{reference}", headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/json" if is_json else "text/html")


def test_the_page_asks_whose_phone_pays(client: Any, simulated: Simulated) -> None:
    body = {"amount": 5000, "currency": "XAF", "phone": "+237690000100"}
    made = client.payments.create({**body, "callback": "https://shop.example/back"})
    browser = simulated.http
    page = browser.get(made.authorization_url)
    assert "5000 XAF" in page.text
    assert "script" not in page.headers["content-security-policy"].replace("'none'", "")
    assert browser.post(made.authorization_url, data={"phone": "12"}).status_code == 422
    browser.post(made.authorization_url, data={"phone": "690 000 100"})
    assert "/phone/237690000100" in browser.get(made.authorization_url).text
    simulated.control("decide", order=made.transaction.reference, decision="approve")
    assert "complete" in browser.get(made.authorization_url).text
    assert browser.get(f"{simulated.url}/pay/nobody").status_code == 404
    assert client.payments.retrieve(made.transaction.reference).transaction.status == "complete"
