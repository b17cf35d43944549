"""Payments, end to end over a real database."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from guichet.domain.ids import created_at, new_id
from wire.applications import BASE_URL, TestApplication
from wire.client import Client
from wire.neopay import documents

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEYS = [
    "id",
    "application_id",
    "amount",
    "status",
    "currency",
    "country",
    "service",
    "environment",
    "institution",
    "customer",
    "payee",
    "fee",
    "percentual_fee",
    "total_fee",
    "created_at",
    "updated_at",
    "authorisationUrl",
    "reference",
    "callback_url",
]


@pytest.mark.parametrize(
    "text",
    [
        documents.PAYMENT,
        documents.PAYMENT_WITHOUT_COMMA,
        documents.PAYMENT_WITHOUT_SERVICE,
    ],
    ids=["shown body", "curl without its comma", "older call without serviceId"],
)
async def test_documented_request_is_answered_as_documented(
    neopay: Client, application: TestApplication, text: str
) -> None:
    answer = await neopay.post("/api/payments", text)
    assert answer.status == 200
    body = answer.json()
    assert list(body) == ["message", "payment"]
    assert body["message"] == "Payment saved successfully!"
    assert body["payment"]["application_id"] == str(application.id)
    assert body["payment"]["authorisationUrl"].startswith(f"{BASE_URL}/pay/")


async def test_created_payment_is_the_whole_resource_in_the_documented_order(
    neopay: Client,
) -> None:
    payment = (await neopay.post("/api/payments", documents.PAYMENT)).json()["payment"]
    assert list(payment) == KEYS
    assert payment["amount"] == Decimal("122.44")
    assert (payment["status"], payment["service"], payment["environment"]) == (
        "pending",
        "api",
        "sandbox",
    )
    assert payment["country"] == "GB"
    assert payment["institution"] == {"id": 20, "name": "Modelo Sandbox"}
    assert list(payment["customer"].items())[1:] == [
        ("name", "Jhon Doe"),
        ("email", "jhondoe@email.com"),
        ("currency", "GBP"),
        ("phone", None),
        ("country", "GB"),
        ("state", None),
    ]
    assert payment["payee"] == {
        "name": "John Doe",
        "country_code": "GB",
        "bank_name": "MODELO",
        "accountable": "DE89370400440532013000",
        "swift_bic": "AACSDE33",
    }
    assert (payment["fee"], payment["percentual_fee"], payment["total_fee"]) == (None, None, None)


async def test_ids_carry_their_time_and_timestamps_have_six_zeros(neopay: Client) -> None:
    payment = (await neopay.post("/api/payments", documents.PAYMENT)).json()["payment"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000000Z", payment["created_at"])
    moment = datetime.fromisoformat(payment["created_at"])
    assert abs(created_at(UUID(payment["id"])) - moment) <= timedelta(seconds=1)


async def test_amount_is_written_with_two_decimals(neopay: Client) -> None:
    answer = await neopay.post("/api/payments", documents.PAYMENT.replace("122.44", "90.50"))
    assert b'"amount":90.50,' in answer.body


@pytest.mark.parametrize(
    ("currency", "sent", "written"),
    [
        ("GBP", "5", b"5.00"),
        ("GBP", '"122.44"', b"122.44"),
        ("GBP", "99999999.99", b"99999999.99"),
        ("GBP", "0.01", b"0.01"),
        ("JPY", "5000", b"5000"),
        ("KWD", "1.25", b"1.250"),
    ],
)
async def test_amount_comes_back_exactly(
    neopay: Client, currency: str, sent: str, written: bytes
) -> None:
    text = documents.PAYMENT.replace("122.44", sent).replace("GBP", currency)
    answer = await neopay.post("/api/payments", text)
    assert b'"amount":' + written + b"," in answer.body


async def test_payment_is_read_back_as_it_was_created(neopay: Client) -> None:
    created = (await neopay.post("/api/payments", documents.PAYMENT)).json()["payment"]
    answer = await neopay.get(f"/api/payments/{created['id'].upper()}")
    assert (answer.status, answer.json()) == (200, {"payment": created})


async def test_customer_in_a_payment_is_the_customer_as_it_is_now(neopay: Client) -> None:
    created = (await neopay.post("/api/payments", documents.PAYMENT)).json()["payment"]
    await neopay.patch(f"/api/customers/{created['customer']['id']}", {"name": "New Name"})
    shown = (await neopay.get(f"/api/payments/{created['id']}")).json()["payment"]
    assert shown["customer"]["name"] == "New Name"


async def test_status_change_is_seen_at_once(
    neopay: Client, owner: asyncpg.Connection[Any]
) -> None:
    created = (await neopay.post("/api/payments", documents.PAYMENT)).json()["payment"]
    await owner.execute("UPDATE payments SET status = 'failed', reason = 'declined', version = 2")
    shown = (await neopay.get(f"/api/payments/{created['id']}")).json()["payment"]
    assert shown["status"] == "declined"


async def test_tariff_appears_as_three_numbers(
    app: Any, make_application: Any, owner: asyncpg.Connection[Any]
) -> None:
    rule_id = new_id(datetime.now(UTC))
    await owner.execute(
        "INSERT INTO fee_rules (id, percent_bps, fixed_minor, created_at)"
        " VALUES ($1, 150, 20, now())",
        rule_id,
    )
    application = await make_application(fee_rule_id=rule_id)
    answer = await Client(app, application.headers).post("/api/payments", documents.PAYMENT)
    assert b'"fee":0.20,"percentual_fee":1.50,"total_fee":2.04,' in answer.body


@pytest.mark.parametrize("institution", [20, "20", "modelo-sandbox"])
async def test_institution_is_named_by_number_text_or_code(
    neopay: Client, institution: object
) -> None:
    answer = await neopay.post("/api/payments", payment_with(institutionId=institution))
    assert answer.json()["payment"]["institution"]["id"] == 20


async def test_unknown_fields_are_ignored_and_set_nothing(neopay: Client) -> None:
    columns = (
        "status",
        "fee_minor",
        "application_id",
        "environment",
        "created_at",
        "id",
        "version",
    )
    body = payment_with(**dict.fromkeys(columns, "1"))
    payment = (await neopay.post("/api/payments", body)).json()["payment"]
    assert (payment["status"], payment["environment"]) == ("pending", "sandbox")
    assert payment["id"] != "1"


async def test_form_with_brackets_is_understood(neopay: Client) -> None:
    form = (
        "institutionId=20&payment[amount]=122.44&payment%5Bcurrency%5D=GBP"
        "&customer[email]=jhon%40example.com&customer[country]=GB"
    )
    answer = await neopay.post(
        "/api/payments", form, content_type="application/x-www-form-urlencoded"
    )
    assert answer.json()["payment"]["amount"] == Decimal("122.44")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json/",
        "application/json; charset=utf-8",
        "application/vnd.api+json",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        None,
    ],
)
async def test_json_is_read_whatever_it_is_called(neopay: Client, content_type: str | None) -> None:
    answer = await neopay.post("/api/payments", documents.PAYMENT, content_type=content_type)
    assert answer.status == 200


async def test_trailing_slash_is_served_not_redirected(neopay: Client) -> None:
    assert (await neopay.post("/api/payments/", documents.PAYMENT)).status == 200


async def test_missing_comma_is_not_mended_for_an_application_that_is_strict(
    app: Any, make_application: Any
) -> None:
    strict = await make_application(lenient_json=False)
    client = Client(app, strict.headers)
    answer = await client.post("/api/payments", documents.PAYMENT_WITHOUT_COMMA)
    assert answer.status == 422


async def test_mending_a_comma_is_logged(neopay: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "guichet.dialects.neopay.bodies"):
        await neopay.post("/api/payments", documents.PAYMENT_WITHOUT_COMMA)
        await neopay.post("/api/payments", documents.PAYMENT)
    assert [record.message for record in caplog.records] == ["repaired commas in a body"]


# --- the payer -----------------------------------------------------------------------------------


async def test_unusable_customer_id_beside_an_email_makes_a_customer(neopay: Client) -> None:
    payment = (await neopay.post("/api/payments", documents.PAYMENT)).json()["payment"]
    assert payment["customer"]["id"] != "99618204-6daf-4eca-8180-c21bb8d8ee24"


async def test_unusable_customer_id_alone_is_refused(neopay: Client) -> None:
    customer = {"id": "99618204-6daf-4eca-8180-c21bb8d8ee24", "country": "GB"}
    answer = await neopay.post("/api/payments", payment_with(customer=customer))
    assert answer.status == 422
    assert answer.json() == {
        "message": "The selected customer.id is invalid.",
        "errors": {"customer.id": ["The selected customer.id is invalid."]},
    }


async def test_known_customer_id_is_used_and_updated(neopay: Client) -> None:
    saved = (await neopay.post("/api/customers", documents.CUSTOMER)).json()["customer"]
    customer = {"id": saved["id"], "country": "UK", "state": "  Brighton"}
    answer = await neopay.post("/api/payments", payment_with(customer=customer))
    shown = answer.json()["payment"]["customer"]
    assert (shown["id"], shown["country"], shown["state"]) == (saved["id"], "UK", "  Brighton")
    assert (shown["name"], shown["currency"]) == ("Jhon Doe", "EUR")


async def test_same_email_in_any_case_is_the_same_customer(neopay: Client) -> None:
    first = (await neopay.post("/api/payments", documents.PAYMENT)).json()["payment"]
    shouted = documents.PAYMENT.replace("jhondoe@", "JhonDoe@")
    second = (await neopay.post("/api/payments", shouted)).json()["payment"]
    assert second["customer"]["id"] == first["customer"]["id"]
    assert second["customer"]["email"] == "JhonDoe@email.com"


# --- repeating a request -------------------------------------------------------------------------


async def test_same_key_and_request_answers_the_same_bytes_once_made(
    neopay: Client, owner: asyncpg.Connection[Any], application: TestApplication
) -> None:
    first = await neopay.post("/api/payments", documents.PAYMENT, idempotency_key="order 1")
    await owner.execute("UPDATE payments SET status = 'processing', version = 2")
    blanks_apart = documents.PAYMENT.replace("\n", " ")
    again = await neopay.post("/api/payments", blanks_apart, idempotency_key="order 1")
    assert (again.status, again.body) == (200, first.body)
    assert await payments_of(owner, application) == 1


async def test_same_key_with_another_request_is_refused(
    neopay: Client, owner: asyncpg.Connection[Any], application: TestApplication
) -> None:
    await neopay.post("/api/payments", documents.PAYMENT, idempotency_key="order 1")
    other = documents.PAYMENT.replace("122.44", "122.45")
    answer = await neopay.post("/api/payments", other, idempotency_key="order 1")
    assert (answer.status, list(answer.json()["errors"])) == (422, ["Idempotency-Key"])
    assert await payments_of(owner, application) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\xe9", "a\tb"])
async def test_unusable_key_is_refused(neopay: Client, key: str) -> None:
    answer = await neopay.post("/api/payments", documents.PAYMENT, idempotency_key=key)
    assert (answer.status, list(answer.json()["errors"])) == (422, ["Idempotency-Key"])


async def test_two_applications_may_use_the_same_key(app: Any, make_application: Any) -> None:
    for application in (await make_application(), await make_application()):
        client = Client(app, application.headers)
        answer = await client.post("/api/payments", documents.PAYMENT, idempotency_key="order 1")
        assert answer.json()["payment"]["application_id"] == str(application.id)


def payment_with(**changes: Any) -> dict[str, Any]:
    return {
        "institutionId": 20,
        "payment": {"amount": 122.44, "currency": "GBP"},
        "customer": {"email": "jhondoe@email.com", "country": "GB"},
        **changes,
    }


async def payments_of(owner: asyncpg.Connection[Any], application: TestApplication) -> int:
    count: int = await owner.fetchval(
        "SELECT count(*) FROM payments WHERE application_id = $1", application.id
    )
    return count
