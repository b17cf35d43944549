"""What clients that cannot be run here send and read, transcribed from their sources and suites:
the calls in their order, in the forms that they have on the wire.

Those that can be run are in ``tests/clients``.
"""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from guichet.web.asgi import Asgi
from wire.client import Client, encoded
from wire.notchpay.requests import COMPLETES, processed
from wire.notchpay.shops import Shop

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: The number of the suite of ``notchpay-api``.
ORANGE = "+237691622731"
NEVER_ENDS = "+237670000005"


# --- @notchpay/payment 1.0.2 (2021) --------------------------------------------------------------


@pytest.fixture
def of_2021(app: Asgi, shop: Shop) -> Client:
    headers = {"n-authorization": shop.public_key, "content-type": "application/json"}
    return Client(app, {**headers, "accept": "application/json, text/plain, */*"})


async def begun(client: Client) -> str:
    """Its ``transaction().init(500, "xaf", {name, email})``; the reference."""
    customer = {"name": "Chapdel Kamga", "email": "hello@example.cm"}
    body = {**customer, "amount": 500, "currency": "xaf"}
    made = (await client.post("/checkout/initialize", body)).json()
    assert made["authorization_url"]
    reference: str = made["transaction"]["reference"]
    return reference


async def test_client_of_2021_pays_and_asks_until_it_is_over(of_2021: Client) -> None:
    reference = await begun(of_2021)

    paid = {"gateway": "mtn", "data": {"number": 670000000, "code": 12345}}
    assert (await of_2021.post(f"/checkout/{reference}", paid)).status == 202

    assert (await of_2021.get(f"/verify/{reference}")).json()["status"] == "complete"


async def test_client_of_2021_goes_on_asking_while_the_payer_is_at_it(of_2021: Client) -> None:
    """It takes any word but ``pending`` for the end, and closes the window."""
    reference = await begun(of_2021)
    paid = {"gateway": "mobile_money", "data": {"number": NEVER_ENDS}}
    assert (await of_2021.post(f"/checkout/{reference}", paid)).status == 202

    asked = (await of_2021.get(f"/verify/{reference}")).json()

    assert (asked["status"], asked["reference"], asked["amount"]) == ("pending", reference, 500)
    today = (await of_2021.get(f"/payments/{reference}")).json()
    assert today["transaction"]["status"] == "processing"


async def test_client_of_2021_cancels_by_a_put_without_a_body(of_2021: Client) -> None:
    reference = await begun(of_2021)

    assert (await of_2021.call("PUT", f"/checkout/{reference}")).status == 202

    assert (await of_2021.get(f"/verify/{reference}")).json()["status"] == "canceled"


async def test_client_of_2021_asks_from_a_page_with_credentials(of_2021: Client) -> None:
    preflight = await of_2021.with_headers(
        n_authorization=None,
        origin="https://shop.example",
        access_control_request_method="POST",
        access_control_request_headers="content-type,n-authorization",
    ).call("OPTIONS", "/checkout/initialize")

    assert preflight.headers["access-control-allow-origin"] == "https://shop.example"
    assert preflight.headers["access-control-allow-credentials"] == "true"
    assert "n-authorization" in preflight.headers["access-control-allow-headers"].lower()


# --- notchpay-api 1.0.1 and its suite ------------------------------------------------------------


@pytest_asyncio.fixture(loop_scope="module")
async def node(sending: Client, shop: Shop) -> Client:
    """Both keys go with every call, the private one under its older name."""
    return sending.with_headers(x_grant=None, grant_authorization=shop.private_key)


async def test_suite_of_notchpay_api_finds_payments_as_it_asserts(node: Client) -> None:
    body = {"amount": 500, "currency": "XAF", "phone": ORANGE}
    made = (await node.post("/payments/initialize", body)).json()
    assert (made["code"], made["status"], made["message"]) == (
        *(201, "Accepted", "Payment initialized"),
    )
    older = (await node.post("/payments/initialize", body)).json()["transaction"]["reference"]

    listed = (await node.get("/payments?perpage=10&page=1")).json()
    assert (listed["code"], listed["status"], listed["message"]) == (
        *(200, "OK", "Payments retrieved"),
    )
    assert (listed["totals"], listed["last_page"], listed["current_page"]) == (2, 1, 1)

    (first,) = (await node.get("/payments?perpage=1&page=1")).json()["items"]
    assert first["reference"] == older
    answer = (await processed(node, first["reference"], ORANGE)).json()
    assert (answer["code"], answer["status"], answer["action"]) == (202, "Accepted", "confirm")
    assert answer["message"] == "Confirm your transaction by dialing #150*50#"

    items = (await node.get("/payments")).json()["items"]
    unpaid = next(item for item in items if item["status"] != "complete")
    cancelled = (await node.call("DELETE", f"/payments/{unpaid['reference']}")).json()
    assert (cancelled["code"], cancelled["message"]) == (202, "Your transaction has been canceled")


async def test_suite_of_notchpay_api_finds_transfers_as_it_asserts(node: Client) -> None:
    body = {
        "amount": 1500,
        "currency": "XAF",
        "channel": "cm.mobile",
        "description": "My first payout",
        "beneficiary": {"phone": ORANGE},
    }
    made = (await node.post("/transfers/initialize", body)).json()
    assert (made["code"], made["status"], made["message"]) == (
        *(201, "Accepted", "Transfer initialized"),
    )
    assert made["transfer"]["channel"] == "cm.orange"

    listed = (await node.get("/transfers?perpage=10&page=1")).json()
    assert (listed["code"], listed["status"], listed["message"]) == (
        *(200, "OK", "Transfers retrieved"),
    )
    assert (listed["totals"], listed["last_page"], listed["current_page"]) == (1, 1, 1)
    reference = made["transfer"]["reference"]
    found = (await node.get(f"/transfers/{reference}?currency=XAF")).json()
    assert found["transfer"] == listed["items"][0]


# --- the first generation's curl examples: --form -------------------------------------------------


def multipart(fields: dict[str, str]) -> bytes:
    """A form as ``curl --form`` sends it, between boundaries ``----x``."""
    parts = [
        f'------x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    return "".join([*parts, "------x--\r\n"]).encode()


async def test_curl_of_the_first_generation_sends_forms(notch: Client, shop: Shop) -> None:
    curl = notch.with_headers(
        accept="application/json",
        content_type="multipart/form-data; boundary=----x",
        grant_authorization=shop.private_key,
    )
    order = {"email": "customer@email.com", "currency": "XAF", "amount": "1200", "reference": "v1"}
    made = await curl.post("/payments/initialize", multipart(order))
    assert made.status == 201
    body = {"channel": "cm.mobile", "data[phone]": COMPLETES}

    answer = (await curl.call("PUT", "/payments/v1", multipart(body))).json()

    assert (answer["code"], answer["action"]) == (202, "confirm")
    assert answer["message"] == "Confirm your transaction by dialing *126#"
    assert (await curl.get("/payments/v1")).json()["transaction"]["status"] == "complete"


async def test_form_of_the_first_generation_may_be_urlencoded(notch: Client) -> None:
    curl = notch.with_headers(content_type="application/x-www-form-urlencoded")
    body = "amount=1200&currency=XAF&phone=%2B237670000000&reference=v1"
    assert (await curl.post("/payments/initialize", body)).status == 201

    answer = await curl.call("PUT", "/payments/v1", b"channel=cm.mtn&data%5Bphone%5D=670000000")

    assert answer.status == 202
    assert (await curl.get("/payments/v1")).json()["transaction"]["status"] == "complete"


# --- notchpay-client's suite of webhooks, which npm's version does not have -----------------------


async def test_suite_of_notchpay_client_finds_webhooks_as_it_asserts(sending: Client) -> None:
    """But for the code of changes and deletions: it expects 200, the documents say 202."""
    without_grant = sending.with_headers(x_grant=None)  # which it sends with the first two alone
    new = {"url": "https://example.com/test-webhook", "description": "Test webhook"}
    events = ["payment.complete", "payment.failed"]
    made = (await sending.post("/webhooks", {**new, "events": events})).json()
    webhook = made["webhook"]
    assert (made["code"], webhook["url"], webhook["events"]) == (201, new["url"], events)
    assert webhook["active"] is True

    listed = (await sending.get("/webhooks?limit=10&page=1")).json()
    assert (listed["code"], listed["totals"], listed["selected"]) == (200, 1, 1)
    assert [item["id"] for item in listed["items"]] == [webhook["id"]]
    found = (await without_grant.get(f"/webhooks/{webhook['id']}")).json()
    assert (found["code"], found["webhook"]["url"]) == (200, new["url"])

    path = f"/webhooks/{webhook['id']}"
    changes = {"events": [*events, "transfer.complete"], "description": "New", "active": False}
    changed = (await without_grant.call("PUT", path, encoded(changes))).json()
    assert changed["code"] == 202
    assert {name: changed["webhook"][name] for name in changes} == changes
    deleted = (await without_grant.call("DELETE", path)).json()
    assert (deleted["code"], bool(deleted["message"])) == (202, True)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/webhooks/webhook_nonexistent_123", None),
        ("POST", "/webhooks", {"url": "invalid-url", "events": []}),
    ],
)
async def test_suite_of_notchpay_client_expects_these_to_be_thrown(
    sending: Client, method: str, path: str, body: Any
) -> None:
    answer = await sending.call(method, path, None if body is None else encoded(body))

    assert answer.status in (404, 422)


# --- PHP: notchpay/notchpay-php ------------------------------------------------------------------


async def test_php_client_sends_an_empty_list_with_whatever_has_no_body(notch: Client) -> None:
    order = {"amount": 5000, "email": "ada@example.cm", "currency": "XAF", "reference": "php-1"}
    made = (await notch.post("/payments/initialize", order)).json()
    assert made["authorization_url"]
    found = (await notch.call("GET", "/payments/php-1", b"[]")).json()
    assert found["transaction"]["trxref"] == "php-1"
    assert (await notch.call("GET", "/payments?limit=2&page=1", b"[]")).json()["selected"] == 1
    assert (await notch.call("DELETE", "/payments/php-1", b"[]")).status == 202

    customer = (await notch.post("/customers", {"name": "Ada", "email": "a@b.cm"})).json()
    path = f"/customers/{customer['customer']['id']}"
    for word, is_blocked in (("block", True), ("unblock", False)):
        answer = (await notch.call("PUT", f"{path}/{word}", b"[]")).json()
        assert answer["customer"]["blocked"] is is_blocked
    changed = await notch.call("PUT", path, encoded({"name": "Ada Ngo"}))
    assert changed.json()["customer"]["name"] == "Ada Ngo"
    assert (await notch.call("DELETE", path, b"[]")).status == 202


# --- WooCommerce: notchpay/wc-notchpay 2.0.3 -----------------------------------------------------


async def test_woocommerce_sells(notch: Client) -> None:
    """A list merged into an object gives it keys that are numbers; totals are texts."""
    reference = "118_1767268800"
    body = {
        "amount": "5000.00",
        "email": "ada@example.cm",
        "currency": "XAF",
        "reference": reference,
        "callback": "https://shop.example/wc-api/WC_Gateway_NotchPay/",
        "metadata": {"cancel_action": "https://shop.example/cart/"},
        "0": {"name": "Ada Ngo"},
        "1": {"email": "ada@example.cm"},
        "2": {"phone": "+237670000000"},
    }
    made = await notch.post("/payments/initialize/", body)
    assert made.status == 201
    assert made.json()["authorization_url"]
    ours = made.json()["transaction"]["reference"]
    assert (await processed(notch, ours, COMPLETES)).status == 202

    for key in (ours, reference):  # what comes back as reference, and as txnref
        found = await notch.with_headers(content_type=None).get(f"/payments/{key}")
        assert found.status == 200
        transaction = found.json()["transaction"]
        assert transaction["status"] == "complete"
        assert transaction["merchant_reference"].split("_")[0] == "118"
        assert (transaction["converted_amount"], transaction["currency"]) == (5000, "XAF")
        assert transaction["reference"] == ours


# --- Dart: flutter_notchpay 0.2.0 ----------------------------------------------------------------


async def test_flutter_client_collects(notch: Client) -> None:
    customer = {"name": "Live Test", "email": "test@example.cm", "phone": "+237655728267"}
    order = {"amount": 500.0, "currency": "XAF", "description": "Live", "customer": customer}
    made = (await notch.post("/payments", order)).json()["transaction"]
    assert (made["amount"], made["fee"]) == (500, 0)
    body = {"channel": "cm.mtn", "data": {"phone": COMPLETES}}
    assert (await notch.post(f"/payments/{made['reference']}", body)).status == 202

    query = "status=complete&channels%5B0%5D=cm.mtn&limit=5&page=1"
    listed = (await notch.get(f"/payments?{query}")).json()
    assert [each["reference"] for each in listed["transactions"]] == [made["reference"]]
    for path, key in (("channels?country=cm", "channels"), ("currencies", "currencies"),
                      ("countries", "countries")):  # fmt: skip
        assert (await notch.get(f"/{path}")).json()[key]


async def test_flutter_client_keeps_customers(notch: Client) -> None:
    body = {"name": "Ada", "phone": "+237670000000", "address": {"country": "CM"}}
    customer = (await notch.post("/customers", body)).json()["customer"]
    path = f"/customers/{customer['id']}"
    assert (await notch.post(path, {"name": "Ada Ngo"})).json()["customer"]["name"] == "Ada Ngo"
    assert (await notch.call("POST", f"{path}/block")).json()["customer"]["blocked"] is True
    assert (await notch.call("PATCH", f"{path}/unblock")).json()["customer"]["blocked"] is False
    assert [each["id"] for each in (await notch.get("/customers?limit=5")).json()["data"]] == [
        customer["id"]
    ]


async def test_flutter_client_sends(sending: Client) -> None:
    recipient = {"name": "Amina", "country": "CM", "currency": "XAF", "channel": "cm.mtn",
                 "account_number": COMPLETES}  # fmt: skip
    kept = (await sending.post("/recipients", recipient)).json()["recipient"]
    handle = kept["reference"] or kept["id"]
    listed = (await sending.get("/beneficiaries")).json()["beneficiaries"]
    assert [each["id"] for each in listed] == [kept["id"]]

    order = {"amount": "1000.0", "currency": "XAF", "channel": "cm.mtn", "description": "Salary"}
    described = {**order, "recipient": {"name": "Amina", "phone": COMPLETES}}
    direct = {**order, "beneficiary": {"account_number": COMPLETES, "email": "amina@example.cm"}}
    for path, body in (("/transfers", described), ("/transfers/direct", direct)):
        sent = await sending.post(path, body)
        assert sent.status == 201, sent.body
        assert sent.json()["transfer"]["amount"] == 1000
    assert len((await sending.get("/transfers")).json()["transfers"]) == 2
    assert (await sending.get("/refunds")).json()["data"] == []
    assert (await sending.call("DELETE", f"/beneficiaries/{handle}")).status == 202
