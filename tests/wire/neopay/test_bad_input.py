"""Bad input: told in the right words, stored nowhere, never a 500."""

from __future__ import annotations

import json
from typing import Any

import asyncpg
import pytest

from guichet.domain.customers import CUSTOMER_FIELDS
from guichet.web.asgi import Application
from psp import Psp, connect, pix_card
from wire.applications import MakeApplication, TestApplication
from wire.client import Client
from wire.neopay import documents

pytestmark = pytest.mark.asyncio(loop_scope="module")

NUMBER = "The payment.amount field must be a number."
DECIMALS = "The payment.amount field must have 0-2 decimal places."
SMALLEST = "The payment.amount field must be at least 0.01."
LARGEST = "The payment.amount field must not be greater than 99999999.99."
REQUIRED = "The payment.amount field is required."

#: Amounts as JSON, with what is said about each.
BAD_AMOUNTS = {
    NUMBER: [
        "true", "false", "[]", "{}", "[122.44]", '{"value": 1}', '"NaN"', '"nan"', '"Infinity"',
        '"-Infinity"', '"inf"', "1e400", "1e999999", '"1e999999"', "1e2", "1E2", "1e-2", "1.0e1",
        '"1e2"', '"1_000"', '"1__0"', '"1,000.00"', '"1,5"', '"1.000,00"', '"1 000"', '" 1"',
        '"1 "', '"1\\n"', '"\\t1"', '"+1"', '"+1.00"', '"01"', '"00.50"', '"0001"', '".5"',
        '"5."', '"1.2.3"', '"1..2"', '"0x10"', '"0b1"', '"0o7"', '"1f"', '"1d"', '"£1"', '"1 GBP"',
        '"--1"', '"-"', '"."', '"-.5"', '"- 1"', '"abc"', '"null"', '"٠١٢"', '"١٢٢.٤٤"',
        '"１２２"', '"१२३"', '"1²"', '"½"', '"①"', '"1\\u00a0"', '"1\\u200b"', '"−1"',
        '"1;DROP TABLE payments"', '"' + "0" * 10_000 + '"', "1." + "0" * 10_000,
        '"' + "x" * 10_000 + '"', "9" * 20 + ".00",
    ],
    DECIMALS: ["0.005", "2.675", "1.005", "122.440", '"122.441"', "0.001", "99999999.999"],
    SMALLEST: ["0", "0.0", "0.00", '"0"', "-0", "-1", "-122.44", '"-0.01"', '"-0.00"',
               "-" + "9" * 10_000],
    LARGEST: ["100000000", "100000000.01", "999999999999.99", "9" * 16, "9" * 10_000,
              '"100000000.00"'],
    REQUIRED: ["null", '""', '" "'],
}  # fmt: skip


async def rows_of(owner: asyncpg.Connection[Any], application: TestApplication) -> int:
    """How many rows there are of the application in the tables that a request can write."""
    count: int = await owner.fetchval(
        "SELECT (SELECT count(*) FROM payments WHERE application_id = $1)"
        " + (SELECT count(*) FROM customers WHERE application_id = $1)"
        " + (SELECT count(*) FROM events WHERE application_id = $1)",
        application.id,
    )
    return count


async def test_bad_amounts_are_refused_in_the_right_words_and_nothing_is_stored(
    neopay: Client, owner: asyncpg.Connection[Any], application: TestApplication
) -> None:
    wrong = {}
    for sentence, amounts in BAD_AMOUNTS.items():
        for amount in amounts:
            answer = await neopay.post("/api/payments", documents.PAYMENT.replace("122.44", amount))
            if (answer.status, answer.json()["message"]) != (422, sentence):
                wrong[amount[:40]] = answer
    assert wrong == {}
    assert await rows_of(owner, application) == 0


@pytest.mark.parametrize(
    ("currency", "amount", "sentence"),
    [
        ("JPY", "1.0", "The payment.amount field must have 0 decimal places."),
        ("XAF", "0", "The payment.amount field must be at least 1."),
        ("KWD", "0.0001", "The payment.amount field must have 0-3 decimal places."),
        ("KWD", "0.000", "The payment.amount field must be at least 0.001."),
        ("KWD", "99999999.991", LARGEST),
        ("JPY", "100000000", LARGEST),
    ],
)
async def test_decimals_follow_the_currency(
    neopay: Client, currency: str, amount: str, sentence: str
) -> None:
    text = documents.PAYMENT.replace("122.44", amount).replace("GBP", currency)
    assert (await neopay.post("/api/payments", text)).json()["message"] == sentence


#: Bodies that are no JSON (or too strange): answered like an empty one.
UNREADABLE = [
    b"",
    b"nonsense",
    b"<xml/>",
    b"[]",
    b'"text"',
    b"7",
    b"null",
    documents.PAYMENT.replace("122.44", "NaN").encode(),
    documents.PAYMENT.replace("122.44", "Infinity").encode(),
    documents.PAYMENT.replace("122.44", "-Infinity").encode(),
    documents.PAYMENT.replace("122.44", "+1").encode(),
    documents.PAYMENT.replace("122.44", "01").encode(),
    documents.PAYMENT.replace("122.44", "0x10").encode(),
    documents.PAYMENT.replace("122.44", "1_000").encode(),
    documents.PAYMENT.replace("122.44", ".5").encode(),
    documents.PAYMENT.replace("122.44", "5.").encode(),
    documents.PAYMENT.replace("122.44", "１２２").encode(),
    documents.PAYMENT.replace('"amount": 122.44', '"amount": 1, "amount": 122.44').encode(),
    documents.PAYMENT_WITHOUT_COMMA.replace('"amount": 122.44', '"amount": 1,"amount": 2').encode(),
    documents.PAYMENT.encode("utf-16"),
    documents.PAYMENT.encode("utf-16-le"),
    documents.PAYMENT.encode("utf-32"),
    b"\xef\xbb\xbf" + documents.PAYMENT.encode(),
    documents.PAYMENT.replace("reference", "\xff").encode("latin-1"),
    documents.PAYMENT.replace('"reference"', '"\\u0000"').encode(),
    documents.PAYMENT.replace('"reference"', '"\\ud800"').encode(),
    documents.PAYMENT.replace('"reference"', '"\x00"').encode(),
    b'{"payment":' * 20_000,
    b"[" * 200_000,
    documents.PAYMENT.encode()[:-1],
]


async def test_unreadable_bodies_are_like_empty_ones_and_nothing_is_stored(
    neopay: Client, owner: asyncpg.Connection[Any], application: TestApplication
) -> None:
    empty = await neopay.post("/api/payments", b"{}")
    answers = {body[:60]: await neopay.post("/api/payments", body) for body in UNREADABLE}
    assert {body: a for body, a in answers.items() if (a.status, a.body) != (422, empty.body)} == {}
    assert await rows_of(owner, application) == 0


async def test_empty_payment_names_every_field_in_the_documented_order(neopay: Client) -> None:
    answer = await neopay.post("/api/payments", b"{}")
    sentences = {
        "institutionId": "The institution id field is required when service id is api.",
        "payment": "The payment field is required.",
        "payment.amount": "The payment.amount field is required.",
        "payment.currency": "The payment.currency field is required.",
        "customer": "The customer field is required.",
        "customer.email": "The customer.email field is required when customer.id is not present.",
        "customer.country": "The customer.country field is required.",
    }
    body = answer.json()
    assert answer.status == 422
    assert list(body["errors"].items()) == [(path, [text]) for path, text in sentences.items()]
    first = sentences["institutionId"]
    assert body["message"] == f"{first} (and 6 more errors)"


@pytest.mark.parametrize(
    ("changes", "path", "sentence"),
    [
        ({"serviceId": "pix"}, "serviceId", "The selected service id is invalid."),
        ({"serviceId": "card"}, "serviceId", "The selected service id is invalid."),
        ({"serviceId": 7}, "serviceId", "The selected service id is invalid."),
        ({"serviceId": ["api"]}, "serviceId", "The selected service id is invalid."),
        ({"institutionId": 21}, "institutionId", "The selected institution id is invalid."),
        ({"institutionId": 20.5}, "institutionId", "The selected institution id is invalid."),
        ({"institutionId": -20}, "institutionId", "The selected institution id is invalid."),
        ({"institutionId": True}, "institutionId", "The selected institution id is invalid."),
        ({"institutionId": [20]}, "institutionId", "The selected institution id is invalid."),
        ({"institutionId": "no-bank"}, "institutionId", "The selected institution id is invalid."),
        ({"institutionId": 10**40}, "institutionId", "The selected institution id is invalid."),
        ({"reference": 7}, "reference", "The reference field must be a string."),
        ({"reference": "x" * 256}, "reference",
         "The reference field must not be greater than 255 characters."),
        ({"callback_url": "nonsense"}, "callback_url",
         "The callback url field must be a valid URL."),
        ({"callback_url": "javascript:alert(1)"}, "callback_url",
         "The callback url field must be a valid URL."),
        ({"callback_url": "https://a b/"}, "callback_url",
         "The callback url field must be a valid URL."),
        ({"callback_url": "//host/path"}, "callback_url",
         "The callback url field must be a valid URL."),
        ({"callback_url": "http://169.254.169.254/latest"}, "callback_url",
         "The callback url field must be a valid URL."),
        ({"callback_url": {"a": 1}}, "callback_url", "The callback url field must be a string."),
        ({"callback_url": "https://a.example/" + "x" * 2048}, "callback_url",
         "The callback url field must not be greater than 2048 characters."),
    ],
)  # fmt: skip
async def test_broken_field_is_told(
    neopay: Client, changes: dict[str, Any], path: str, sentence: str
) -> None:
    answer = await neopay.post("/api/payments", json.loads(documents.PAYMENT) | changes)
    assert (answer.status, answer.json()) == (
        422,
        {"message": sentence, "errors": {path: [sentence]}},
    )


@pytest.mark.parametrize(
    ("group", "changes", "path", "sentence"),
    [
        ("payment", {"currency": "XXX"}, "payment.currency",
         "The selected payment.currency is invalid."),
        ("payment", {"currency": "gbp"}, "payment.currency",
         "The selected payment.currency is invalid."),
        ("payment", {"currency": 826}, "payment.currency",
         "The payment.currency field must be a string."),
        ("payment", {"currency": ["GBP"]}, "payment.currency",
         "The payment.currency field must be a string."),
        ("customer", {"id": "7"}, "customer.id", "The customer.id field must be a valid UUID."),
        ("customer", {"id": 7}, "customer.id", "The customer.id field must be a valid UUID."),
        ("customer", {"id": "٩٩618204-6daf-4eca-8180-c21bb8d8ee24"}, "customer.id",
         "The customer.id field must be a valid UUID."),
        ("customer", {"email": "nonsense"}, "customer.email",
         "The customer.email field must be a valid email address."),
        ("customer", {"country": None}, "customer.country",
         "The customer.country field is required."),
        ("customer", {"tax_number": 6372771390}, "customer.tax_number",
         "The customer.tax number field must be a string."),
    ],
)  # fmt: skip
async def test_broken_inner_field_is_told(
    neopay: Client, group: str, changes: dict[str, Any], path: str, sentence: str
) -> None:
    body = json.loads(documents.PAYMENT)
    body[group] |= changes
    answer = await neopay.post("/api/payments", body)
    assert (answer.status, answer.json()) == (
        422,
        {"message": sentence, "errors": {path: [sentence]}},
    )


@pytest.mark.parametrize("value", ["text", 7, True, ["x"]])
async def test_group_that_is_no_object_is_told_with_its_fields(
    neopay: Client, value: object
) -> None:
    body = json.loads(documents.PAYMENT) | {"payment": value}
    answer = await neopay.post("/api/payments", body)
    assert answer.json() == {
        "message": "The payment field must be an array. (and 2 more errors)",
        "errors": {
            "payment": ["The payment field must be an array."],
            "payment.amount": ["The payment.amount field is required."],
            "payment.currency": ["The payment.currency field is required."],
        },
    }


async def test_two_errors_are_counted_in_the_singular(neopay: Client) -> None:
    body = json.loads(documents.PAYMENT) | {"reference": 7, "serviceId": "x"}
    answer = await neopay.post("/api/payments", body)
    assert answer.json()["message"] == "The selected service id is invalid. (and 1 more error)"


@pytest.mark.parametrize(
    "field",
    [
        "serviceId",
        "institutionId",
        "payment",
        "customer",
        "reference",
        "callback_url",
        "payment.amount",
        "payment.currency",
        *(f"customer.{name}" for name in ("id", *CUSTOMER_FIELDS)),
    ],
)
async def test_no_field_of_any_type_is_a_defect(neopay: Client, field: str) -> None:
    group, _, key = field.rpartition(".")
    values: list[Any] = [
        None,
        True,
        0,
        -1,
        1e300,
        10**400,
        "",
        " ",
        "x" * 300,
        [],
        [[]],
        {},
        {"a": 1},
    ]
    for value in values:
        body = json.loads(documents.PAYMENT)
        (body[group] if group else body)[key] = value
        assert (await neopay.post("/api/payments", body)).status in (200, 422)


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("https://shop.example/hook", 200),
        ("http://shop.example/hook", 422),
        ("https://localhost/hook", 422),
        ("https://127.0.0.1/hook", 422),
        ("https://10.0.0.8/hook", 422),
        ("https://[::1]/hook", 422),
        ("https://2130706433/hook", 422),
    ],
)
async def test_live_application_is_notified_over_https_on_public_hosts_only(
    app: Application,
    make_application: MakeApplication,
    owner: asyncpg.Connection[Any],
    gateway: Any,
    url: str,
    status: int,
) -> None:
    await owner.execute(
        "INSERT INTO institutions VALUES"
        " (1001, 'open_banking', 'bank', 'Bank', 'live', '{GB}', NULL, NULL, true, false)"
        " ON CONFLICT DO NOTHING"
    )
    await gateway.institutions.refresh()
    connect(gateway, Psp(card=pix_card(begins_at_creation=False)), "live", "open_banking")
    client = Client(app, (await make_application(environment="live")).headers)
    body = json.loads(documents.PAYMENT) | {"institutionId": 1001, "callback_url": url}
    assert (await client.post("/api/payments", body)).status == status


@pytest.mark.parametrize("url", ["http://localhost:9000/hook", "http://192.168.1.7/hook"])
async def test_sandbox_application_may_be_notified_at_home(neopay: Client, url: str) -> None:
    body = json.loads(documents.PAYMENT) | {"callback_url": url}
    assert (await neopay.post("/api/payments", body)).status == 200


@pytest.mark.parametrize("path", ["/api/payments", "/api/customers"])
async def test_body_of_300_kb_is_too_large(neopay: Client, path: str) -> None:
    answer = await neopay.post(path, b'{"a":"' + b"x" * 300_000 + b'"}')
    assert (answer.status, answer.json()) == (413, {"message": "The POST data is too large."})


async def test_compressed_body_is_not_supported(neopay: Client) -> None:
    answer = await neopay.post("/api/payments", b"\x1f\x8b", content_encoding="gzip")
    assert (answer.status, answer.json()) == (415, {"message": "Unsupported Media Type"})


@pytest.mark.parametrize("query", ["&".join(["a=1"] * 500), "page=" + "9" * 5000, "per_page=-1"])
async def test_strange_queries_are_no_defect(neopay: Client, query: str) -> None:
    assert (await neopay.get(f"/api/payments?{query}")).status in (200, 400)
