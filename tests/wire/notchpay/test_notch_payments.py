"""Payments in Notch Pay's words (contract 6), over a real database and simulated operators."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from conftest import DatabaseUrls
from gateways import running_gateway
from guichet.dialects.notchpay.app import build_app
from guichet.dialects.notchpay.ids import read_id
from guichet.gateway import Gateway
from guichet.services.closing import expire_payment
from guichet.settings import Settings
from wire.applications import BASE_URL
from wire.client import Client, encoded
from wire.notchpay.requests import (
    COMPLETES,
    PAYMENT,
    PAYMENT_KEYS,
    TIMESTAMP,
    customer,
    made,
    processed,
    shown,
)
from wire.notchpay.shops import MakeShop, Shop

pytestmark = pytest.mark.asyncio(loop_scope="module")


# --- initialise ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/payments", "/payments/", "/payments/initialize", "/payments/initialize/"]
)
async def test_payment_is_initialized_under_each_of_its_paths(notch: Client, path: str) -> None:
    answer = await notch.post(path, PAYMENT)

    body = answer.json()
    assert answer.status == 201
    assert (body["code"], body["status"]) == (201, "Accepted")
    assert body["message"] == "Payment initialized"
    assert list(body["transaction"]) == PAYMENT_KEYS
    assert body["authorization_url"].startswith(f"{BASE_URL}/pay/")


async def test_new_payment_has_the_forms_that_clients_demand(notch: Client) -> None:
    payment = await made(notch, reference="form-1", metadata={"order": 7, "b": {"c": [1.5, "x"]}})

    assert payment["status"] == "pending"
    assert payment["reference"].startswith("trx.test_")
    assert payment["id"].startswith("pay_test_")
    assert payment["merchant_reference"] == payment["trxref"] == "form-1"
    assert payment["customer"].startswith("cus.test_")
    assert payment["amounts"] == {"total": 5000, "converted": 5000, "currency": "XAF", "rate": 1}
    assert payment["metadata"] == {"b": {"c": [pytest.approx(1.5), "x"]}, "order": 7}
    assert (payment["sandbox"], payment["fee"], payment["fees"]) == (1, 0, [])
    assert payment["channel"] is payment["payment_method"] is payment["completed_at"] is None
    assert payment["geo"] == "203.0.113.7"
    assert all(
        TIMESTAMP.fullmatch(payment[name]) for name in ("initiated_at", "created_at", "updated_at")
    )


async def test_integral_amounts_are_json_integers(notch: Client) -> None:
    answer = await notch.post("/payments", {**PAYMENT, "amount": "5000.0"})

    assert b'"amount":5000,' in answer.body


@pytest.mark.parametrize(
    ("currency", "sent", "amount"),
    [
        ("XAF", 1, "1"),
        ("XAF", "1000", "1000"),
        ("XAF", "1000.0", "1000"),
        ("XAF", 5000.0, "5000"),
        ("xaf", 100, "100"),
        ("EUR", "12.34", "12.34"),
        ("KWD", "1.25", "1.25"),
        ("XAF", 999_999_999_999_999, "999999999999999"),
    ],
)
async def test_amount_comes_back_as_it_was_sent(
    notch: Client, currency: str, sent: Any, amount: str
) -> None:
    payment = await made(notch, currency=currency, amount=sent)

    assert str(payment["amount"]) == amount
    assert payment["currency"] == currency.upper()


async def test_form_body_with_brackets_is_read(notch: Client) -> None:
    answer = await notch.post(
        "/payments",
        "amount=5000&currency=XAF&customer[phone]=%2B237670000000&customer[name]=Ada"
        "&metadata[order]=7",
        content_type="application/x-www-form-urlencoded",
    )

    assert answer.status == 201
    assert answer.json()["transaction"]["metadata"] == {"order": "7"}


async def test_multipart_body_is_read(notch: Client) -> None:
    parts = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in (("amount", "5000"), ("currency", "XAF"), ("email", "a@b.cm"))
    )
    answer = await notch.post(
        "/payments", f"{parts}--x--\r\n", content_type="multipart/form-data; boundary=x"
    )

    assert answer.status == 201


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
async def test_json_under_another_name_is_read(notch: Client, content_type: str | None) -> None:
    answer = await notch.post("/payments", PAYMENT, content_type=content_type)

    assert answer.status == 201


async def test_numbers_keys_and_empty_texts_do_no_harm(notch: Client) -> None:
    """What the WooCommerce plugin and the JavaScript client really send."""
    answer = await notch.post(
        "/payments/initialize/",
        {
            **PAYMENT,
            "0": {"name": "Shoes"},
            "1": {},
            "metadata": [],
            "callback": "",
            "phone": " ",
            "channels": ["cm.mtn"],
        },
    )

    transaction = answer.json()["transaction"]
    assert answer.status == 201
    assert transaction["metadata"] is transaction["callback"] is None


@pytest.mark.parametrize(
    "payer",
    [
        {"email": "ada@example.cm"},
        {"phone": "+237670000000"},
        {"phone": 237670000000},
        {"customer": {"email": "ada@example.cm", "name": "Ada"}},
        {"customer": {"phone": "670 00 00 00"}},
        {"email": "ada@example.cm", "phone": "670000000", "customer": {"name": "Ada"}},
    ],
    ids=str,
)
async def test_payer_is_named_in_any_of_the_documented_ways(
    notch: Client, payer: dict[str, Any]
) -> None:
    answer = await notch.post("/payments", {"amount": 100, "currency": "XAF", **payer})

    assert answer.status == 201
    assert answer.json()["transaction"]["customer"].startswith("cus.test_")


async def test_payer_is_found_again_by_email_and_by_phone(notch: Client) -> None:
    first = await made(notch, email="Eve@example.cm", phone="+237690000000")
    by_email = await made(notch, email="eve@EXAMPLE.cm")
    by_phone = await made(notch, email=None, phone="690 00 00 00")
    by_id = await made(notch, email=None, customer=first["customer"])

    others = {by_email["customer"], by_phone["customer"], by_id["customer"]}
    assert others == {first["customer"]}


async def test_unknown_payer_is_made_with_the_name_given(notch: Client) -> None:
    payment = await made(notch, email="new@example.cm", name="Nina", phone="237670000000")
    found = (await notch.get(f"/customers/{payment['customer']}")).json()["customer"]

    assert (found["name"], found["email"], found["phone"]) == (
        "Nina",
        "new@example.cm",
        "237670000000",
    )


async def test_reference_used_before_is_refused_by_status_and_by_field(notch: Client) -> None:
    first = await made(notch, reference="INV-1")
    answer = await notch.post("/payments", {**PAYMENT, "reference": "INV-1", "amount": 7})

    assert answer.status == 409
    assert answer.json() == {
        "code": 409,
        "status": "Conflict",
        "message": "A payment with this reference already exists",
        "errors": {"reference": ["The reference has already been taken."]},
    }
    assert (await shown(notch, "INV-1"))["amount"] == first["amount"]


async def test_two_merchants_may_use_the_same_reference(notch: Client, make_shop: MakeShop) -> None:
    other = notch.with_headers(authorization=(await make_shop()).public_key)

    first, second = await made(notch, reference="same"), await made(other, reference="same")

    assert (await shown(notch, "same"))["id"] == first["id"]
    assert (await shown(other, "same"))["id"] == second["id"]


async def test_blocked_customer_cannot_pay(notch: Client) -> None:
    blocked = await customer(notch, email="blocked@example.cm")
    before = await made(notch, email="blocked@example.cm")
    await notch.post(f"/customers/{blocked['id']}/block", "")

    answer = await notch.post("/payments", {**PAYMENT, "email": "blocked@example.cm"})
    assert (answer.status, answer.json()["message"]) == (403, "Customer is blocked")
    late = await processed(notch, before["reference"])
    assert (late.status, late.json()["message"]) == (403, "Customer is blocked")


# --- read and list -------------------------------------------------------------------------------


async def test_payment_is_found_by_each_of_its_names(notch: Client) -> None:
    payment = await made(notch, reference="order_123")

    for name in (payment["reference"], payment["id"], "order_123", f"{payment['reference']}/"):
        answer = await notch.get(f"/payments/{name}?currency=XAF")
        body = answer.json()
        assert (answer.status, body["code"], body["status"]) == (200, 200, "OK")
        assert body["message"] == "Transaction retrieved"
        assert body["transaction"] == body["payment"] == payment


async def test_reference_that_looks_like_ours_is_found(notch: Client) -> None:
    payment = await made(notch, reference="trx.1234567890123456789012")

    assert (await shown(notch, "trx.1234567890123456789012"))["id"] == payment["id"]


async def test_list_is_newest_first_in_each_of_its_keys(notch: Client) -> None:
    references = [(await made(notch))["reference"] for _ in range(3)]

    body = (await notch.get("/payments?limit=2")).json()

    assert {name: body[name] for name in ("code", "status", "message")} == {
        "code": 200,
        "status": "OK",
        "message": "Payments retrieved",
    }
    totals = ("totals", "last_page", "current_page", "selected")
    assert tuple(body[name] for name in totals) == (3, 2, 1, 2)
    assert [item["reference"] for item in body["items"]] == references[:0:-1]
    assert body["items"] == body["data"] == body["transactions"]


@pytest.mark.parametrize(
    ("query", "page", "selected"),
    [
        ("", 1, 3),
        ("perpage=2", 1, 2),
        ("per_page=2&page=2", 2, 1),
        ("limit=2&page=0", 1, 2),
        ("limit=1000", 1, 3),
        ("limit=x&page=-1", 1, 3),
        ("page=9", 9, 0),
        ("nonsense=1", 1, 3),
    ],
)
async def test_pages_of_the_list(notch: Client, query: str, page: int, selected: int) -> None:
    for _ in range(3):
        await made(notch)

    body = (await notch.get(f"/payments?{query}")).json()

    assert (body["totals"], body["current_page"], body["selected"]) == (3, page, selected)


async def test_empty_list_has_one_page(notch: Client) -> None:
    body = (await notch.get("/payments")).json()

    assert (body["totals"], body["last_page"], body["selected"], body["items"]) == (0, 1, 0, [])


async def test_list_is_filtered(notch: Client) -> None:
    paid = await made(notch, reference="paid", description="blue shoes")
    await processed(notch, paid["reference"])
    await made(notch, reference="open", email="zoe@example.cm", name="Zoe")

    async def found(query: str) -> list[str]:
        items = (await notch.get(f"/payments?{query}")).json()["items"]
        return [item["merchant_reference"] for item in items]

    assert await found("status=complete") == ["paid"]
    assert await found("status=pending,complete") == ["open", "paid"]
    assert await found("status=nonsense") == []
    assert await found("channels=cm.mtn") == ["paid"]
    assert await found("channels[0]=cm.orange&channels[1]=cm.mtn") == ["paid"]
    assert await found("channels=cm.orange") == []
    assert await found("search=zoe") == ["open"]
    assert await found("search=SHOES") == ["paid"]
    assert await found("search=ope") == ["open"]
    assert await found("date_start=2020-01-01&date_end=9999-12-31") == ["open", "paid"]
    assert await found("date_end=2020-01-01") == []
    assert await found("date_start=2999-01-01T00:00:00Z") == []


async def test_search_path_of_the_older_documents_lists(notch: Client) -> None:
    await made(notch, reference="needle")
    await made(notch)

    items = (await notch.get("/payments/search?query=needle")).json()["items"]

    assert [item["trxref"] for item in items] == ["needle"]


# --- process -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize(
    "body",
    [
        {"channel": "cm.mtn", "data": {"phone": COMPLETES}},
        {"channel": "cm.mtn", "data": {"account_number": 670000000, "country": "CM"}},
        {"channel": "cm.mobile", "phone": "670 00 00 00", "client_ip": "203.0.113.9"},
    ],
    ids=["phone", "account number", "beside data"],
)
async def test_processed_payment_is_complete_at_once(
    notch: Client, method: str, body: dict[str, Any]
) -> None:
    payment = await made(notch)

    answer = await notch.call(method, f"/payments/{payment['reference']}", encoded(body))

    said = answer.json()
    assert (answer.status, said["code"], said["status"]) == (202, 202, "Accepted")
    assert said["message"] == "Payment processing initiated"
    assert list(said["transaction"]) == PAYMENT_KEYS
    after = await shown(notch, payment["reference"])
    assert (after["status"], after["channel"]) == ("complete", "cm.mtn")
    assert after["payment_method"].startswith("pm.test_")
    assert TIMESTAMP.fullmatch(after["completed_at"])


async def test_payment_that_is_not_pending_is_not_processed(notch: Client) -> None:
    payment = await made(notch)
    await processed(notch, payment["reference"])

    answer = await processed(notch, payment["reference"])

    assert (answer.status, answer.json()["message"]) == (422, "Payment cannot be processed")


async def test_payment_in_processing_is_not_processed_by_another_channel(notch: Client) -> None:
    payment = await made(notch)
    await processed(notch, payment["reference"], "+237670000005")

    answer = await processed(notch, payment["reference"], "+237690000000")

    assert answer.status == 422
    assert (await shown(notch, payment["reference"]))["channel"] == "cm.mtn"


@pytest.mark.parametrize(
    ("locks", "channel", "phone", "status"),
    [
        ({"locked_channel": "cm.mtn"}, "cm.mtn", COMPLETES, 202),
        ({"locked_channel": "cm.mtn"}, "cm.mobile", COMPLETES, 202),
        ({"locked_channel": "cm.mtn"}, "cm.orange", "+237690000000", 422),
        ({"locked_channel": "cm.mobile"}, "cm.orange", "+237690000000", 202),
        ({"locked_country": "cm"}, "cm.mtn", COMPLETES, 202),
        ({"locked_country": "SN"}, "cm.mtn", COMPLETES, 422),
        ({"locked_currency": "XOF"}, "cm.mtn", COMPLETES, 422),
    ],
)
async def test_what_is_locked_is_honoured(
    notch: Client, locks: dict[str, str], channel: str, phone: str, status: int
) -> None:
    payment = await made(notch, **locks)

    body = {"channel": channel, "data": {"phone": phone}}
    answer = await notch.call("PUT", f"/payments/{payment['reference']}", encoded(body))

    assert answer.status == status
    assert (await shown(notch, payment["reference"]))["status"] == (
        "complete" if status == 202 else "pending"
    )


@pytest.mark.parametrize(
    ("currency", "amount", "channel", "field"),
    [
        ("EUR", 5000, "cm.mtn", "channel"),
        ("XAF", 99, "cm.mtn", "amount"),
        ("XAF", 5_000_001, "cm.mtn", "amount"),
        ("XAF", 5000, "ci.mtn", "channel"),
        ("XAF", 5000, "card", "channel"),
        ("XAF", 5000, None, "channel"),
        ("XAF", 5000, ["cm.mtn"], "channel"),
    ],
)
async def test_channel_that_cannot_take_the_payment_is_refused(
    notch: Client, currency: str, amount: int, channel: Any, field: str
) -> None:
    payment = await made(notch, currency=currency, amount=amount)

    body = {"channel": channel, "data": {"phone": COMPLETES}}
    answer = await notch.call("PUT", f"/payments/{payment['reference']}", encoded(body))

    assert answer.status == 422
    assert list(answer.json()["errors"]) == [field]
    assert (await shown(notch, payment["reference"]))["status"] == "pending"


@pytest.mark.parametrize("data", [{}, {"phone": ""}, {"phone": "12"}, {"phone": {}}, [], "x", None])
async def test_missing_or_odd_number_is_refused(notch: Client, data: Any) -> None:
    payment = await made(notch)

    body = {"channel": "cm.mtn", "data": data}
    answer = await notch.call("PUT", f"/payments/{payment['reference']}", encoded(body))

    assert answer.status == 422
    assert list(answer.json()["errors"]) == ["phone"]


@pytest.mark.parametrize("distance", [7, 9], ids=["lost answer", "answer 500"])
async def test_payment_whose_outcome_is_unknown_has_not_failed(
    notch: Client, distance: int
) -> None:
    payment = await made(notch)

    answer = await processed(notch, payment["reference"], f"+23767000000{distance}")

    assert answer.status == 202
    assert (await shown(notch, payment["reference"]))["status"] in {"processing", "complete"}


async def test_payment_stays_pending_when_the_operator_cannot_be_asked(
    notch: Client, wire_urls: DatabaseUrls
) -> None:
    payment = await made(notch)
    nobody = Settings(public_url=BASE_URL, mtn_sandbox_url="http://127.0.0.1:9/mtn")
    async with running_gateway(wire_urls.serving_url, nobody) as lonely:
        answer = await processed(Client(build_app(lonely), notch.headers), payment["reference"])

    assert answer.status == 503
    assert answer.json()["message"] == "Service Unavailable"
    assert (await shown(notch, payment["reference"]))["status"] == "pending"
    assert (await processed(notch, payment["reference"])).status == 202


async def test_payment_that_nobody_pays_expires_after_three_hours(
    notch: Client, gateway: Gateway, owner: asyncpg.Connection[Any]
) -> None:
    payment = await made(notch)
    payment_id = read_id("payment", payment["reference"])
    assert payment_id is not None
    lasts = await owner.fetchval(
        "SELECT expires_at - created_at FROM payments WHERE id = $1", payment_id
    )
    assert lasts == timedelta(hours=3)

    await owner.execute("UPDATE payments SET expires_at = now() WHERE id = $1", payment_id)
    await expire_payment(gateway, payment_id)

    assert (await shown(notch, payment["reference"]))["status"] == "expired"
    assert (await processed(notch, payment["reference"])).status == 422


# --- cancel --------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [None, b"[]", b"{}"])
async def test_pending_payment_is_canceled(notch: Client, body: bytes | None) -> None:
    payment = await made(notch)

    answer = await notch.call("DELETE", f"/payments/{payment['reference']}", body)

    assert answer.status == 202
    assert answer.json() == {
        "code": 202,
        "status": "Accepted",
        "message": "Your payment has been canceled",
    }
    assert (await shown(notch, payment["reference"]))["status"] == "canceled"


@pytest.mark.parametrize("phone", [COMPLETES, "+237670000005", "+237670000001"])
async def test_payment_under_way_or_closed_is_not_canceled(notch: Client, phone: str) -> None:
    payment = await made(notch)
    await processed(notch, payment["reference"], phone)
    before = await shown(notch, payment["reference"])

    answer = await notch.call("DELETE", f"/payments/{payment['reference']}")

    assert (answer.status, answer.json()["message"]) == (422, "Payment cannot be processed")
    assert (await shown(notch, payment["reference"]))["status"] == before["status"]


async def test_canceled_payment_is_neither_processed_nor_canceled_again(notch: Client) -> None:
    payment = await made(notch)
    await notch.call("DELETE", f"/payments/{payment['reference']}")

    again = await notch.call("DELETE", f"/payments/{payment['reference']}")
    assert again.status == 422
    assert (await processed(notch, payment["reference"])).status == 422


# --- the first generation ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phone", "dialled"), [("+237691622731", "#150*50#"), ("+237670000000", "*126#")]
)
async def test_first_generation_is_told_what_to_dial(
    notch: Client, shop: Shop, phone: str, dialled: str
) -> None:
    v1 = notch.with_headers(grant_authorization=shop.private_key)
    payment = await made(v1)

    said = (await processed(v1, payment["reference"], phone)).json()

    assert said["message"] == f"Confirm your transaction by dialing {dialled}"
    assert (said["action"], said["code"]) == ("confirm", 202)


async def test_first_generation_cancels_a_transaction(notch: Client) -> None:
    v1 = notch.with_headers(grant_authorization="undefined")
    payment = await made(v1)

    answer = await v1.call("DELETE", f"/payments/{payment['reference']}")

    assert answer.json()["message"] == "Your transaction has been canceled"


# --- the paths of 2021 ---------------------------------------------------------------------------


async def test_checkout_of_2021_goes_its_whole_way(notch: Client, shop: Shop) -> None:
    v0 = notch.with_headers(authorization=None, n_authorization=shop.public_key)
    answer = await v0.post(
        "/checkout/initialize", {"email": "a@b.cm", "amount": 500, "currency": "XAF"}
    )
    body = answer.json()
    assert answer.status == 201
    assert body["redirect_url"] == body["authorization_url"]
    reference = body["transaction"]["reference"]
    assert (await v0.get(f"/verify/{reference}")).json()["status"] == "pending"

    paid = await v0.post(
        f"/checkout/{reference}", {"gateway": "mtn", "data": {"phone": "670000000"}}
    )
    assert paid.status == 202

    verified = (await v0.get(f"/verify/{reference}")).json()
    assert (verified["status"], verified["amount"]) == ("complete", 500)
    assert (await v0.get(f"/checkout/{reference}")).json()["transaction"] == verified


async def test_checkout_of_2021_is_canceled_by_put(notch: Client) -> None:
    payment = await made(notch)

    answer = await notch.call("PUT", f"/checkout/{payment['reference']}")

    assert answer.status == 202
    assert (await shown(notch, payment["reference"]))["status"] == "canceled"
