"""Customers in Notch Pay's words (contract 9)."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from wire.client import Client, encoded
from wire.notchpay.requests import COMPLETES, TIMESTAMP, customer, made, processed
from wire.notchpay.shops import MakeShop, Shop

pytestmark = pytest.mark.asyncio(loop_scope="module")

WHOLE: dict[str, Any] = {
    "name": "John Doe",
    "email": "john@example.com",
    "phone": 237600000000,
    "company_name": "ACME Inc",
    "tax_number": "M012345678901X",
    "description": "regular",
    "metadata": {"plan": "gold", "since": 2024, "10": "b", "9": "a"},
    "address": {"country": "CM", "city": "Douala", "address_line1": "123 Main St", "state": ""},
    "billing": {"country": "CM"},
    "shipping": None,
}
LONG_EMAIL = f"{'a' * 60}@{'b' * 185}.cm"
ADDRESSES = ("address", "billing")


async def test_customer_is_created_whole(notch: Client) -> None:
    answer = await notch.post("/customers", WHOLE)

    body = answer.json()
    assert (answer.status, body["code"], body["status"]) == (201, 201, "Created")
    assert body["message"] == "Customer created successfully"
    found = body["customer"]
    assert found["id"].startswith("cus.test_")
    assert TIMESTAMP.fullmatch(found["created_at"])
    assert TIMESTAMP.fullmatch(found["updated_at"])
    assert {name: found[name] for name in WHOLE} == {
        **WHOLE,
        "phone": "237600000000",
        "address": {"country": "CM", "city": "Douala", "address_line1": "123 Main St"},
    }
    assert (found["blocked"], found["sandbox"]) == (False, 1)


async def test_metadata_keeps_the_order_that_javascript_gives_it(notch: Client) -> None:
    answer = await notch.post("/customers", WHOLE)

    assert b'"metadata":{"9":"a","10":"b",' in answer.body


@pytest.mark.parametrize("fields", [{"email": "a@b.cm"}, {"phone": "670000000"}])
async def test_email_or_phone_is_enough(notch: Client, fields: dict[str, str]) -> None:
    found = (await notch.post("/customers", fields)).json()["customer"]

    assert found["metadata"] is found["address"] is found["billing"] is None


async def test_same_email_and_phone_may_be_kept_twice(notch: Client) -> None:
    first, second = await customer(notch, phone="670000000"), await customer(notch)

    assert first["id"] != second["id"]
    payment = await made(notch, email="ada@example.cm")
    assert payment["customer"] == first["id"]


@pytest.mark.parametrize(
    ("body", "broken"),
    [
        ({"name": "No"}, {"email": "field is required when phone is not present."}),
        ({"email": "no"}, {"email": "field must be a valid email address."}),
        ({"email": ["a@b.cm"]}, {"email": "field must be a string."}),
        ({"email": LONG_EMAIL}, {"email": "field must not be greater than 240 characters."}),
        ({"phone": "abc"}, {"phone": "field must be a valid phone number."}),
        ({"phone": "6" * 40}, {"phone": "field must be a valid phone number."}),
        ({"phone": True}, {"phone": "field must be a valid phone number."}),
        ({"name": "x" * 129}, {"name": "field must not be greater than 128 characters."}),
        ({"name": 7}, {"name": "field must be a string."}),
        ({"tax_number": {}}, {"tax_number": "field must be a string."}),
        ({"metadata": "x"}, {"metadata": "field must be an array."}),
        ({"metadata": [1]}, {"metadata": "field must be an array."}),
        ({"address": 7, "billing": "x"}, dict.fromkeys(ADDRESSES, "field must be an array.")),
    ],
)
async def test_bad_input_is_refused_by_field(
    notch: Client, body: dict[str, Any], broken: dict[str, str]
) -> None:
    known = (
        {} if {"email", "phone"} & body.keys() or body == {"name": "No"} else {"phone": 670000000}
    )
    answer = await notch.post("/customers", {**known, **body})

    assert answer.status == 422
    assert answer.json()["errors"] == {
        name: [f"The {name.replace('_', ' ')} {text}"] for name, text in broken.items()
    }


async def test_customer_is_read(notch: Client) -> None:
    known = await customer(notch)

    body = (await notch.get(f"/customers/{known['id']}")).json()

    assert (body["code"], body["status"], body["message"]) == (200, "OK", "Customer retrieved")
    assert body["customer"] == known


async def test_list_is_newest_first_and_searched(notch: Client) -> None:
    first = await customer(notch, name="Zoe", email="zoe@example.cm")
    second = await customer(notch, phone="+237 690 00 00 00")

    body = (await notch.get("/customers")).json()
    assert body["message"] == "Customers retrieved"
    assert (body["totals"], body["last_page"], body["current_page"], body["selected"]) == (
        2,
        1,
        1,
        2,
    )
    assert [item["id"] for item in body["items"]] == [second["id"], first["id"]]
    assert body["items"] == body["data"]

    async def found(query: str) -> list[str]:
        return [item["id"] for item in (await notch.get(f"/customers?{query}")).json()["items"]]

    assert await found("search=ZOE") == [first["id"]]
    assert await found("search=690000000") == [second["id"]]
    assert await found("limit=1&page=2") == [first["id"]]
    assert await found("date_start=2020-01-01&date_end=2999-01-01") == [second["id"], first["id"]]
    assert await found("date_end=2020-01-01") == []


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
async def test_update_changes_what_it_names(notch: Client, method: str) -> None:
    known = (await notch.post("/customers", WHOLE)).json()["customer"]

    answer = await notch.call(
        method,
        f"/customers/{known['id']}",
        encoded({"name": "Jane", "metadata": {"plan": "free"}, "company_name": ""}),
    )

    body = answer.json()
    assert (answer.status, body["status"]) == (202, "Accepted")
    assert body["message"] == "Customer updated successfully"
    changed = body["customer"]
    assert changed["updated_at"] > known["updated_at"]
    assert changed == {
        **known,
        "name": "Jane",
        "metadata": {"plan": "free"},
        "company_name": None,
        "updated_at": changed["updated_at"],
    }


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"nonsense":1}'])
async def test_update_of_nothing_is_refused(notch: Client, body: bytes) -> None:
    known = await customer(notch)

    assert (await notch.call("POST", f"/customers/{known['id']}", body)).status == 422


async def test_last_way_to_reach_a_customer_stays(notch: Client) -> None:
    known = await customer(notch)

    answer = await notch.post(f"/customers/{known['id']}", {"email": None})

    assert list(answer.json()["errors"]) == ["email"]


async def test_changed_email_finds_the_payer(notch: Client) -> None:
    known = await customer(notch)
    await notch.post(f"/customers/{known['id']}", {"email": "new@example.cm"})

    assert (await made(notch, email="new@example.cm"))["customer"] == known["id"]


@pytest.mark.parametrize("body", [None, b"[]"])
async def test_deleted_customer_is_gone_and_their_payments_stay(
    notch: Client, body: bytes | None
) -> None:
    known = await customer(notch, email="gone@example.cm")
    payment = await made(notch, email=None, customer=known["id"])

    answer = await notch.call("DELETE", f"/customers/{known['id']}", body)

    assert answer.status == 202
    assert answer.json() == {
        "code": 202,
        "status": "Accepted",
        "message": "Customer deleted successfully",
        "customer": [],
    }
    assert (await notch.get(f"/customers/{known['id']}")).status == 404
    assert (await notch.call("DELETE", f"/customers/{known['id']}")).status == 404
    assert (await notch.get("/customers")).json()["totals"] == 0
    kept = (await notch.get(f"/payments/{payment['reference']}")).json()["transaction"]
    assert kept["customer"] == known["id"]
    assert (await processed(notch, payment["reference"])).status == 202
    again = await made(notch, email="gone@example.cm")
    assert again["customer"] != known["id"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("body", [None, b"", b"[]", b"{}"])
async def test_customer_is_blocked_and_unblocked(
    notch: Client, method: str, body: bytes | None
) -> None:
    known = await customer(notch)

    for word, blocked in (("block", True), ("block", True), ("unblock", False)):
        answer = await notch.call(method, f"/customers/{known['id']}/{word}", body)
        assert answer.status == 202
        assert answer.json()["message"] == f"Customer {word}ed successfully"
        assert answer.json()["customer"]["blocked"] is blocked


async def test_wallets_are_those_that_the_customer_paid_by(notch: Client) -> None:
    known = await customer(notch, name="Ada")
    for phone in (COMPLETES, COMPLETES, "+237690000000"):
        payment = await made(notch, email=None, customer=known["id"])
        last = (await processed(notch, payment["reference"], phone)).json()["transaction"]

    body = (await notch.get(f"/customers/{known['id']}/payment_methods")).json()

    assert body["message"] == "Payment methods retrieved"
    assert body["items"] == body["data"]
    assert [item["channel"] for item in body["items"]] == ["cm.orange", "cm.mtn"]
    method = body["items"][0]
    assert TIMESTAMP.fullmatch(method.pop("created_at"))
    assert method == {
        "id": last["payment_method"],
        "type": "Mobile Money",
        "channel": "cm.orange",
        "email": "ada@example.cm",
        "name": "Ada",
        "country": "CM",
        "account_number": "237690000000",
        "issuer": "Orange Money",
        "issuer_code": "cm.orange",
        "phone": "237690000000",
    }


async def test_payments_of_a_customer_are_listed(notch: Client) -> None:
    known = await customer(notch)
    mine = [await made(notch, email=None, customer=known["id"]) for _ in range(2)]
    await made(notch, email="other@example.cm")

    body = (await notch.get(f"/customers/{known['id']}/payments?limit=1")).json()

    assert body["message"] == "Customer payments retrieved"
    assert (body["totals"], body["last_page"], body["selected"]) == (2, 2, 1)
    assert body["payments"] == body["items"] == body["data"] == [mine[1]]


CALLS = [
    ("GET", ""),
    ("POST", ""),
    ("PUT", ""),
    ("PATCH", ""),
    ("DELETE", ""),
    ("GET", "/payment_methods"),
    ("GET", "/payments"),
    ("POST", "/block"),
    ("POST", "/unblock"),
]


@pytest.mark.parametrize(("method", "rest"), CALLS)
@pytest.mark.parametrize("key", ["cus.test_0000000000000000000000", "cus.x", "7", "%00", "é"])
async def test_unknown_customer_is_not_found(
    notch: Client, method: str, rest: str, key: str
) -> None:
    answer = await notch.call(method, f"/customers/{key}{rest}", b'{"name":"x"}')

    assert answer.status == 404
    assert answer.json() == {"code": 404, "status": "Not Found", "message": "Customer not found"}


@pytest.mark.parametrize(("method", "rest"), CALLS)
async def test_customer_of_another_merchant_is_not_found(
    notch: Client, make_shop: MakeShop, method: str, rest: str
) -> None:
    known = await customer(notch)
    other = notch.with_headers(authorization=(await make_shop()).public_key)

    answer = await other.call(method, f"/customers/{known['id']}{rest}", b'{"name":"x"}')

    assert answer.status == 404
    assert (await notch.get(f"/customers/{known['id']}")).json()["customer"] == known


async def test_changes_are_told_once_each(
    notch: Client, shop: Shop, owner: asyncpg.Connection[Any]
) -> None:
    known = await customer(notch)
    for call in ("", "/block", "/block", "/unblock"):
        await notch.post(f"/customers/{known['id']}{call}", {"name": "Jane"})
    await notch.call("DELETE", f"/customers/{known['id']}")

    told = await owner.fetch(
        "SELECT type FROM events WHERE application_id = $1 ORDER BY id", shop.id
    )

    assert [row["type"] for row in told] == [
        "customer.created",
        "customer.updated",
        "customer.blocked",
        "customer.unblocked",
        "customer.deleted",
    ]
