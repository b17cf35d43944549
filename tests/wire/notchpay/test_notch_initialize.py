"""Payments initialised in Notch Pay's words (contract 6.2)."""

from __future__ import annotations

from typing import Any

import pytest

from wire.applications import BASE_URL
from wire.client import Client
from wire.notchpay.requests import (
    PAYMENT,
    PAYMENT_KEYS,
    TIMESTAMP,
    customer,
    made,
    processed,
    shown,
)
from wire.notchpay.shops import MakeShop

pytestmark = pytest.mark.asyncio(loop_scope="module")


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
