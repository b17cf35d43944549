"""Bad input: told in the right words, stored nowhere, never a 500."""

from __future__ import annotations

import json
from typing import Any

import asyncpg
import pytest

from wire.client import Client, encoded
from wire.notchpay.requests import PAYMENT, PAYMENT_KEYS, customer, made, shown
from wire.notchpay.shops import Shop

pytestmark = pytest.mark.asyncio(loop_scope="module")

NUMBER = "The amount field must be a number."
INTEGER = "The amount field must be an integer."
SMALLEST = "The amount field must be at least 1."
LARGEST = "The amount field must not be greater than 999999999999999."
REQUIRED = "The amount field is required."

#: Amounts of XAF as JSON, with what is said about each.
BAD_AMOUNTS = {
    NUMBER: [
        "true", "false", "[]", "{}", "[100]", '{"value": 1}', '"NaN"', '"nan"', '"Infinity"',
        '"inf"', "1e400", "1e999999", '"1e999999"', "1e2", "1E2", "1e-2", "1.0e1", '"1e2"',
        '"1_000"', '"1,000.00"', '"1,5"', '"1.000,00"', '"1 000"', '"+1"', '"01"', '"00.0"',
        '"0001.0"', '".5"', '"5."', '"1.2.3"', '"1..2"', '"0x10"', '"1f"', '"£1"', '"1 XAF"',
        '"--1"', '"-"', '"."', '"-.5"', '"- 1"', '"abc"', '"null"', '"٠١٢"', '"１２２"', '"1²"',
        '"½"', '"1\\u200b"', '"−1"', '"1;DROP TABLE payments"', '"' + "0" * 10_000 + '"',
        "1." + "0" * 10_000, '"' + "x" * 10_000 + '"',
    ],
    INTEGER: ["1000.50", '"1000.5"', "0.5", "0.005", "1.01", "5000.000001"],
    SMALLEST: ["0", "0.0", '"0.00"', '"0"', "-0", "-1", "-5000", '"-5000.0"'],
    LARGEST: ["9" * 16, "1" + "0" * 400, '"9999999999999999"', "9007199254740993"],
    REQUIRED: ["null", '""', '" "'],
}  # fmt: skip


async def rows_of(owner: asyncpg.Connection[Any], shop: Shop) -> int:
    """How many rows there are of the merchant in the tables that a request can write."""
    count: int = await owner.fetchval(
        "SELECT (SELECT count(*) FROM payments WHERE application_id = $1)"
        " + (SELECT count(*) FROM customers WHERE application_id = $1)"
        " + (SELECT count(*) FROM events WHERE application_id = $1)",
        shop.id,
    )
    return count


async def test_bad_amounts_are_refused_in_the_right_words_and_nothing_is_stored(
    notch: Client, owner: asyncpg.Connection[Any], shop: Shop
) -> None:
    wrong = {}
    for sentence, amounts in BAD_AMOUNTS.items():
        for amount in amounts:
            body = '{"amount": %s, "currency": "XAF", "email": "a@b.cm"}' % amount  # noqa: UP031
            answer = await notch.post("/payments", body)
            if (answer.status, answer.json()["message"]) != (422, sentence):
                wrong[amount[:40]] = answer
    assert wrong == {}
    assert await rows_of(owner, shop) == 0


@pytest.mark.parametrize(
    ("currency", "amount", "sentence"),
    [
        ("EUR", "0.005", "The amount field must have 0-2 decimal places."),
        ("EUR", "-0.01", SMALLEST),
        ("KWD", "0.0001", "The amount field must have 0-3 decimal places."),
        ("EUR", "10000000000000.00", "The amount field must not be greater than 9999999999999."),
        ("XXX", "5", "The selected currency is invalid."),
    ],
)
async def test_decimals_follow_the_currency(
    notch: Client, currency: str, amount: str, sentence: str
) -> None:
    body = f'{{"amount": {amount}, "currency": "{currency}", "email": "a@b.cm"}}'

    assert (await notch.post("/payments", body)).json()["message"] == sentence


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({"currency": None}, {"currency": "The currency field is required."}),
        ({"currency": "euro"}, {"currency": "The selected currency is invalid."}),
        ({"currency": 7}, {"currency": "The currency field must be a string."}),
        ({"currency": ["XAF"]}, {"currency": "The currency field must be a string."}),
        ({"email": "no"}, {"email": "The email field must be a valid email address."}),
        ({"phone": "no"}, {"phone": "The phone field must be a valid phone number."}),
        ({"phone": {"x": 1}}, {"phone": "The phone field must be a valid phone number."}),
        ({"customer": "cus.test_nobody"}, {"customer": "The selected customer is invalid."}),
        ({"customer": "cus.test_" + "0" * 22}, {"customer": "The selected customer is invalid."}),
        ({"customer": "trx.test_" + "1" * 22}, {"customer": "The selected customer is invalid."}),
        ({"customer": "cus." + "z" * 22}, {"customer": "The selected customer is invalid."}),
        ({"customer": 7}, {"customer": "The customer field must be a string."}),
        ({"customer": [7]}, {"customer": "The customer field must be a string."}),
        ({"customer": {"id": {}}}, {"customer": "The customer field must be a string."}),
        ({"email": None, "customer": {"email": "no"}},
         {"email": "The email field must be a valid email address."}),
        ({"name": 7}, {"name": "The name field must be a string."}),
        ({"description": "x" * 257},
         {"description": "The description field must not be greater than 256 characters."}),
        ({"reference": "x" * 256},
         {"reference": "The reference field must not be greater than 255 characters."}),
        ({"reference": 7}, {"reference": "The reference field must be a string."}),
        ({"callback": "javascript:alert(1)"},
         {"callback": "The callback field must be a valid URL."}),
        ({"callback": "http://user:pw@x"}, {"callback": "The callback field must be a valid URL."}),
        ({"callback": "http://169.254.169.254/"},
         {"callback": "The callback field must be a valid URL."}),
        ({"locked_channel": "cm.nope"},
         {"locked_channel": "The selected locked channel is invalid."}),
        ({"locked_channel": ["cm.mtn"]},
         {"locked_channel": "The selected locked channel is invalid."}),
        ({"locked_channel": "ci.mtn"},
         {"locked_channel": "The selected locked channel does not fit the currency."}),
        ({"locked_channel": "cm.mtn", "amount": 99},
         {"amount": "The amount field is out of the channel's bounds."}),
        ({"locked_currency": "x"}, {"locked_currency": "The selected locked currency is invalid."}),
        ({"locked_country": "Cameroon"},
         {"locked_country": "The selected locked country is invalid."}),
        ({"metadata": "x"}, {"metadata": "The metadata field must be an array."}),
        ({"metadata": [1]}, {"metadata": "The metadata field must be an array."}),
        ({"items": "x"}, {"items": "The items field must be an array."}),
        ({"shipping": 7}, {"shipping": "The shipping field must be an array."}),
    ],
    ids=str,
)  # fmt: skip
async def test_broken_field_is_named(
    notch: Client,
    owner: asyncpg.Connection[Any],
    shop: Shop,
    changes: dict[str, Any],
    broken: dict[str, str],
) -> None:
    answer = await notch.post("/payments", {**PAYMENT, **changes})

    assert answer.status == 422
    assert answer.json() == {
        "code": 422,
        "status": "Unprocessable Content",
        "message": next(iter(broken.values())),
        "errors": {name: [sentence] for name, sentence in broken.items()},
    }
    assert await rows_of(owner, shop) == 0


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b" ", b'{"nonsense": 1}'])
async def test_all_that_is_missing_is_told_at_once(notch: Client, body: bytes) -> None:
    answer = await notch.post("/payments", body)

    assert answer.status == 422
    said = answer.json()
    assert said["message"] == "The amount field is required. (and 2 more errors)"
    assert list(said["errors"]) == ["amount", "currency", "email"]
    assert said["errors"]["email"] == [
        "The email field is required when none of phone / customer are present."
    ]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"nonsense", "application/json"),
        (b"{", None),
        (b"[1]", "application/json"),
        (b'"text"', "application/json"),
        (b"7", None),
        (b"null", "application/json"),
        (b'{"amount": NaN}', "application/json"),
        (b'{"amount": 1, "amount": 2}', "application/json"),
        (b'{"amount": 01}', "application/json"),
        (b"\xff\xfe", "application/json"),
        (json.dumps(PAYMENT).encode("utf-16"), "application/json"),
        (b'{"a": "\\u0000"}', "application/json"),
        (b'{"a": "\\ud800"}', "application/json"),
        (b'{"a":' * 20_000, "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"a=%00", "application/x-www-form-urlencoded"),
        (b"a=%ff", "application/x-www-form-urlencoded"),
        ("a=é".encode(), "application/x-www-form-urlencoded"),
        (b"&".join(b"a%d=1" % n for n in range(300)), "application/x-www-form-urlencoded"),
        (b"nothing", "multipart/form-data"),
        (b"nothing", "multipart/form-data; boundary=x"),
        (b"--x\r\n\r\nno name\r\n--x--\r\n", "multipart/form-data; boundary=x"),
        (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--x--\r\n',
         "multipart/form-data; boundary=x"),
        (b'--x\r\nContent-Disposition: form-data; name="a\r\n\r\n1\r\n--x--\r\n',
         "multipart/form-data; boundary*0=x; boundary*1*=%"),
    ],
)  # fmt: skip
async def test_unreadable_body_is_400(notch: Client, body: bytes, content_type: str | None) -> None:
    answer = await notch.post("/payments", body, content_type=content_type)

    assert answer.status == 400
    assert answer.json() == {
        "code": 400,
        "status": "Bad Request",
        "message": "Invalid JSON payload",
    }


async def test_compressed_body_is_415(notch: Client) -> None:
    answer = await notch.post("/payments", PAYMENT, content_encoding="gzip")

    assert (answer.status, answer.json()["code"]) == (415, 415)


async def test_fields_that_are_ours_to_set_are_ignored(notch: Client) -> None:
    """Every name of the answer, and of the tables, sent as a request."""
    hostile = {
        **dict.fromkeys(PAYMENT_KEYS, "x"),
        "application_id": "x",
        "environment": "live",
        "fee_minor": 0,
        "payee_id": "x",
        "sandbox": 0,
        "status": "complete",
        "amount_total": 1,
        "expires_at": "2999-01-01",
    }
    allowed = {"amount", "currency", "customer", "description", "reference", "callback", "metadata"}
    hostile = {
        name: value
        for name, value in hostile.items()
        if name not in allowed and not name.startswith("locked_")
    }

    payment = await made(notch, **hostile)

    assert payment["status"] == "pending"
    assert (payment["amount"], payment["amount_total"], payment["fee"]) == (5000, 5000, 0)
    assert payment["sandbox"] == 1
    assert payment["channel"] is payment["completed_at"] is payment["payment_method"] is None
    assert payment["id"].startswith("pay_test_")
    assert payment["geo"] == "203.0.113.7"
    assert payment["created_at"].startswith("20")


async def test_process_takes_no_other_amount(notch: Client) -> None:
    payment = await made(notch)
    body = {
        "channel": "cm.mtn",
        "amount": 1,
        "currency": "XOF",
        "status": "complete",
        "data": {"phone": "670000005", "amount": 1},
    }

    await notch.call("PUT", f"/payments/{payment['reference']}", encoded(body))

    after = await shown(notch, payment["reference"])
    assert (after["amount"], after["currency"], after["status"]) == (5000, "XAF", "processing")


async def test_customer_cannot_be_blocked_or_moved_by_an_update(notch: Client) -> None:
    known = await customer(notch)
    body = {"name": "x", "blocked": True, "id": "y", "application_id": "z", "version": 9}

    changed = (await notch.post(f"/customers/{known['id']}", body)).json()["customer"]

    assert (changed["id"], changed["blocked"]) == (known["id"], False)


HOSTILE = [
    "%00", "%ff", "..%2f..", "'", '"', "%3Cscript%3E", "x" * 3000, "%F0%9F%92%A9", "trx.",
    "trx.test_", "trx.test_" + "z" * 22, "pay_test_é", "{ref}", "%0d%0aX: y",
    "null", "0", "-1", "%20",
]  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
async def test_hostile_references_are_not_found(notch: Client, method: str) -> None:
    wrong = {}
    for reference in HOSTILE:
        for target in (f"/payments/{reference}", f"/checkout/{reference}"):
            answer = await notch.call(method, target, b'{"channel":"cm.mtn","phone":"670000000"}')
            if answer.status != 404 or answer.json()["code"] != 404:
                wrong[target[:60]] = answer
    assert wrong == {}


@pytest.mark.parametrize("target", ["/payments", "/customers", "/payments/search", "/channels"])
async def test_hostile_queries_are_no_defects(notch: Client, target: str) -> None:
    await made(notch)
    values = [*HOSTILE, "1e999", "9" * 30, "2026-13-45", "0001-01-01", "9999-12-31", "NaN", "[]"]
    names = ["limit", "page", "perpage", "search", "query", "status", "channels", "channels[0]",
             "channels[x]", "date_start", "date_end", "country", "currency", "amount"]  # fmt: skip
    wrong = {}
    for name in names:
        for value in values:
            answer = await notch.get(f"{target}?{name}={value}")
            if answer.status not in (200, 422) or "code" not in answer.json():
                wrong[name, value[:40]] = answer
    assert wrong == {}


async def test_too_many_fields_in_a_query_are_400(notch: Client) -> None:
    answer = await notch.get("/payments?" + "&".join(f"a{n}=1" for n in range(300)))

    assert (answer.status, answer.json()["message"]) == (400, "Invalid request parameters")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("-5", b"-5"), ("5.0", b"5"), ("0.1", b"0.1"), ("1e2", b'"1e2"'), ("1e400", b'"1e400"'),
        ("-0.5", b"-0.5"), ("9007199254740993", b'"9007199254740993"'), ("1E-9", b'"1E-9"'),
        ("0.00000001", b'"0.00000001"'), ("123456789012345", b"123456789012345"),
        ("true", b"true"), ('"é/\\"<"', '"é/\\"<"'.encode()), ("null", b"null"), ("{}", b"{}"),
    ],
)  # fmt: skip
async def test_metadata_survives_in_bytes_that_javascript_writes_alike(
    notch: Client, sent: str, kept: bytes
) -> None:
    body = (
        f'{{"amount":5,"currency":"XAF","email":"a@b.cm","metadata":{{"x":{sent},"y":[{sent}]}}}}'
    )
    created = await notch.post("/payments", body)
    answer = await notch.get(f"/payments/{created.json()['transaction']['reference']}")

    wanted = b'"metadata":{"x":' + kept + b',"y":[' + kept + b"]}"
    assert wanted in created.body
    assert wanted in answer.body
