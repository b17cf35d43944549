"""Payments by Pix: the documented requests, what comes back, and where."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from guichet.dialects.neopay.webhooks import render_event
from guichet.domain.events import REFUND_COMPLETED, Event
from guichet.domain.money import Money
from guichet.domain.outcomes import Done, Reason, Refused, TakenBack, Unknown
from guichet.gateway import Gateway
from guichet.services.access import identify
from guichet.services.payments import read_payment
from guichet.services.refunds import create_refund
from guichet.services.settlement import record_outcome
from guichet.web.qr_codes import qr_svg_data_uri
from psp import Psp, code_of
from wire.applications import TestApplication
from wire.client import Client
from wire.neopay import documents
from wire.neopay.test_payments import KEYS

pytestmark = pytest.mark.asyncio(loop_scope="module")

_AT = KEYS.index("authorisationUrl")
CREATED_KEYS = [*KEYS[:_AT], "qr_code", "qr_code_image", *KEYS[_AT + 1 :]]
SHOWN_KEYS = [*KEYS[: _AT + 1], "qr_code", "qr_code_image", *KEYS[_AT + 1 :]]
LISTED_KEYS = [*KEYS[: _AT + 1], "qr_code", *KEYS[_AT + 1 :]]


async def create(neopay: Client, **headers: str) -> Any:
    answer = await neopay.post("/api/payments", documents.PIX, **headers)
    assert answer.status == 200, answer
    return answer.json()["payment"]


async def shown(neopay: Client, payment: Any) -> Any:
    return (await neopay.get(f"/api/payments/{payment['id']}")).json()["payment"]


async def listed(neopay: Client, query: str = "") -> Any:
    return (await neopay.get(f"/api/payments?{query}")).json()["data"]


async def pay(gateway: Gateway, psp: Psp, minor: int = 12_244) -> None:
    """The payer pays by the code that was made last."""
    await record_outcome(gateway, UUID(psp.orders[-1].key), Done(received=Money(minor, "GBP")))


# --- what is answered ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [documents.PIX, documents.PIX_WITHOUT_COMMA],
    ids=["shown body", "curl without its comma"],
)
async def test_documented_request_is_answered_with_a_code(
    neopay: Client, application: TestApplication, psp: Psp, text: str
) -> None:
    answer = await neopay.post("/api/payments", text)
    assert answer.status == 200
    body = answer.json()
    assert list(body) == ["message", "payment"]
    assert body["message"] == "Payment saved successfully!"
    assert body["payment"]["application_id"] == str(application.id)
    assert body["payment"]["qr_code"] == code_of(psp.orders[0].key)


async def test_created_payment_is_the_whole_resource_without_an_address(
    neopay: Client, psp: Psp
) -> None:
    payment = await create(neopay)
    assert list(payment) == CREATED_KEYS
    assert (payment["amount"], payment["status"], payment["service"]) == (
        Decimal("122.44"),
        "pending",
        "pix",
    )
    assert (payment["currency"], payment["country"], payment["institution"]) == ("GBP", "GB", None)
    assert payment["reference"] == "reference"
    assert psp.orders[0].money == Money(12_244, "GBP")


async def test_picture_shows_the_code(neopay: Client, psp: Psp) -> None:
    payment = await create(neopay)
    assert payment["qr_code_image"] == qr_svg_data_uri(code_of(psp.orders[0].key))


async def test_payment_is_shown_with_its_code_and_no_address(neopay: Client, psp: Psp) -> None:
    created = await create(neopay)
    payment = await shown(neopay, created)
    assert list(payment) == SHOWN_KEYS
    assert payment["authorisationUrl"] is None
    moved = {"authorisationUrl", "updated_at"}
    assert {k: v for k, v in payment.items() if k not in moved} == {
        k: v for k, v in created.items() if k not in moved
    }
    assert len(psp.orders) == 1


@pytest.mark.usefixtures("psp")
async def test_payment_is_listed_with_its_code_and_without_the_picture(neopay: Client) -> None:
    created = await create(neopay)
    (payment,) = await listed(neopay)
    assert list(payment) == LISTED_KEYS
    assert (payment["authorisationUrl"], payment["qr_code"]) == (None, created["qr_code"])


@pytest.mark.usefixtures("psp")
async def test_list_is_filtered_by_service(neopay: Client) -> None:
    by_pix = await create(neopay)
    by_api = (await neopay.post("/api/payments", documents.PAYMENT)).json()["payment"]
    assert [each["id"] for each in await listed(neopay, "service=PIX")] == [by_pix["id"]]
    assert [each["id"] for each in await listed(neopay, "service=api")] == [by_api["id"]]


@pytest.mark.usefixtures("psp")
async def test_payment_by_another_service_has_no_code(neopay: Client) -> None:
    payment = (await neopay.post("/api/payments", documents.PAYMENT)).json()["payment"]
    assert list(payment) == KEYS


@pytest.mark.parametrize("institution", [20, 21, "no-bank", [], {"id": 20}, 10**40, True, None])
async def test_institution_is_ignored(neopay: Client, psp: Psp, institution: object) -> None:
    body = json.loads(documents.PIX) | {"institutionId": institution}
    answer = await neopay.post("/api/payments", body)
    assert (answer.status, answer.json()["payment"]["institution"]) == (200, None)
    assert psp.orders[0].institution_code == ""


@pytest.mark.usefixtures("psp")
async def test_form_with_brackets_is_understood(neopay: Client) -> None:
    form = (
        "serviceId=pix&payment[amount]=122.44&payment[currency]=BRL"
        "&customer[email]=jhon%40example.com&customer[country]=BR&customer[tax_number]=06372771390"
    )
    answer = await neopay.post(
        "/api/payments", form, content_type="application/x-www-form-urlencoded"
    )
    assert answer.json()["payment"]["qr_code"]


# --- what becomes of it --------------------------------------------------------------------------


async def test_paid_payment_is_completed_and_its_picture_is_gone(
    neopay: Client, gateway: Gateway, psp: Psp
) -> None:
    created = await create(neopay)
    await pay(gateway, psp)
    payment = await shown(neopay, created)
    assert (payment["status"], payment["qr_code"], payment["qr_code_image"]) == (
        "completed",
        created["qr_code"],
        None,
    )


async def test_payment_of_which_too_little_came_is_pending(
    neopay: Client, gateway: Gateway, psp: Psp
) -> None:
    created = await create(neopay)
    await pay(gateway, psp, 12_243)
    assert (await shown(neopay, created))["status"] == "pending"


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        (Reason.WITHDRAWN, "failed"),
        (Reason.TIMED_OUT, "expired"),
        (Reason.REJECTED, "declined"),
        (Reason.PROVIDER_ERROR, "failed"),
    ],
)
async def test_payment_without_money_ends_in_a_documented_word(
    neopay: Client, gateway: Gateway, psp: Psp, reason: Reason, word: str
) -> None:
    created = await create(neopay)
    await record_outcome(gateway, UUID(psp.orders[-1].key), Refused(reason=reason))
    payment = await shown(neopay, created)
    assert (payment["status"], payment["qr_code_image"]) == (word, None)


async def test_amounts_that_went_back_are_told_only_where_there_are_any(
    neopay: Client, gateway: Gateway, application: TestApplication, psp: Psp
) -> None:
    payment = await create(neopay)
    payment_id, attempt_id = UUID(payment["id"]), UUID(psp.orders[-1].key)
    await pay(gateway, psp)
    psp.refunds = [Done(received=Money(2_000, "GBP")), Unknown(detail="no answer")]
    for minor in (2_000, 1_050):
        await create_refund(gateway, application.id, payment_id, minor)
    await record_outcome(gateway, attempt_id, TakenBack(returned=Money(400, "GBP")))
    answer = await neopay.get(f"/api/payments/{payment_id}")

    told = b'"refunding_amount":10.50,"refunded_amount":20.00,"returned_amount":4.00}'
    assert answer.body.endswith(told + b"}")
    assert answer.json()["payment"]["status"] == "completed"
    (in_list,) = await listed(neopay)
    assert (in_list["refunded_amount"], in_list["returned_amount"]) == (Decimal(20), Decimal(4))


async def test_payment_that_was_taken_back_whole_has_failed(
    neopay: Client, gateway: Gateway, psp: Psp
) -> None:
    created = await create(neopay)
    await pay(gateway, psp)
    await record_outcome(gateway, UUID(psp.orders[-1].key), TakenBack())
    payment = await shown(neopay, created)
    assert (payment["status"], payment["returned_amount"]) == ("failed", Decimal("122.44"))


async def test_notification_is_the_payment_with_its_amounts_and_without_the_picture(
    neopay: Client, gateway: Gateway, application: TestApplication, psp: Psp
) -> None:
    created = await create(neopay)
    await pay(gateway, psp)
    await create_refund(gateway, application.id, UUID(created["id"]), 2_000)
    caller = identify(gateway, str(application.id), application.token)
    view = await read_payment(gateway, caller, UUID(created["id"]))
    event = Event(
        id=UUID(int=1),
        application_id=application.id,
        type=REFUND_COMPLETED,
        subject_type="payment",
        subject_id=view.payment.id,
        version=view.payment.version,
        status="completed",
        previous_status="completed",
        reason=None,
        late=False,
        occurred_at=datetime.now(UTC),
    )
    told = json.loads(render_event(gateway, event, view) or b"")["payment"]

    assert list(told) == [*LISTED_KEYS, "refunded_amount"]
    assert (told["status"], told["qr_code"], told["refunded_amount"]) == (
        "completed",
        created["qr_code"],
        20.0,
    )


# --- the provider --------------------------------------------------------------------------------


async def test_code_that_is_not_known_yet_is_null_until_it_is(
    neopay: Client, gateway: Gateway, psp: Psp
) -> None:
    psp.begins = [Unknown(detail="no answer")]
    psp.looks = [Unknown(detail="no answer")]
    created = await create(neopay, idempotency_key="order 1")
    assert list(created) == CREATED_KEYS
    assert (created["status"], created["qr_code"], created["qr_code_image"]) == (
        "pending",
        None,
        None,
    )
    await record_outcome(gateway, UUID(psp.orders[0].key), await psp.advance(psp.orders[0]))

    code = code_of(psp.orders[0].key)
    assert (await shown(neopay, created))["qr_code"] == code
    again = await create(neopay, idempotency_key="order 1")
    assert again == created | {"qr_code": code, "qr_code_image": qr_svg_data_uri(code)}


async def test_charge_that_the_provider_refuses_is_answered_as_declined(
    neopay: Client, psp: Psp
) -> None:
    psp.begins = [Refused(reason=Reason.REJECTED, code="400")]
    payment = await create(neopay)
    assert (payment["status"], payment["qr_code"], payment["qr_code_image"]) == (
        "declined",
        None,
        None,
    )


# --- repeating a request -------------------------------------------------------------------------


async def test_same_key_and_request_answers_the_same_bytes_whatever_happened_since(
    neopay: Client,
    gateway: Gateway,
    application: TestApplication,
    owner: asyncpg.Connection[Any],
    psp: Psp,
) -> None:
    async def ask() -> bytes:
        answer = await neopay.post("/api/payments", documents.PIX, idempotency_key="order 1")
        assert answer.status == 200
        return answer.body

    first = await ask()
    payment_id, attempt_id = UUID(json.loads(first)["payment"]["id"]), UUID(psp.orders[0].key)
    assert await ask() == first
    await pay(gateway, psp)
    assert await ask() == first
    await create_refund(gateway, application.id, payment_id, 2_000)
    assert await ask() == first
    await record_outcome(gateway, attempt_id, TakenBack())
    assert await ask() == first
    assert len(psp.orders) == 1
    count = "SELECT count(*) FROM payments WHERE application_id = $1"
    assert await owner.fetchval(count, application.id) == 1


async def test_same_key_answers_the_same_refusal(neopay: Client, psp: Psp) -> None:
    psp.begins = [Refused(reason=Reason.REJECTED, code="400")]
    headers = {"idempotency_key": "order 1"}
    first = await neopay.post("/api/payments", documents.PIX, **headers)
    assert (await neopay.post("/api/payments", documents.PIX, **headers)).body == first.body
    assert len(psp.orders) == 1


async def test_same_key_with_another_service_is_refused(neopay: Client, psp: Psp) -> None:
    await create(neopay, idempotency_key="order 1")
    answer = await neopay.post("/api/payments", documents.PAYMENT, idempotency_key="order 1")
    assert (answer.status, list(answer.json()["errors"])) == (422, ["Idempotency-Key"])
    assert len(psp.orders) == 1
