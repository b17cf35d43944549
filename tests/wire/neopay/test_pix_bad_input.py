"""What is wrong with a request for Pix: told all at once, in the documented order; nothing kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from guichet.domain.customers import CUSTOMER_FIELDS
from guichet.domain.ids import new_id
from guichet.gateway import Gateway
from guichet.rails.port import RailUnavailable
from guichet.web.asgi import Application
from psp import Psp, code_of, connect, pix_card
from wire.applications import MakeApplication, TestApplication
from wire.client import Answer, Client
from wire.neopay import documents

pytestmark = pytest.mark.asyncio(loop_scope="module")

SERVICE = "The selected service id is invalid."
CURRENCY = "The selected payment.currency is invalid."
TAX_NUMBER = "The selected customer.tax number is invalid."
NO_TAX_NUMBER = "The customer.tax number field is required when service id is pix."


def pix(customer: dict[str, Any] | None = None, **payment: Any) -> dict[str, Any]:
    """The documented body with changes to its parts; None takes a field away."""
    body: dict[str, Any] = json.loads(documents.PIX)
    body["payment"] |= payment
    for name, value in (customer or {}).items():
        if value is None:
            del body["customer"][name]
        else:
            body["customer"][name] = value
    return body


async def errors(neopay: Client, body: Any) -> dict[str, str]:
    """The only sentence about each field."""
    answer = await neopay.post("/api/payments", body)
    assert answer.status == 422, answer
    return {path: sentence for path, [sentence] in answer.json()["errors"].items()}


async def rows_of(owner: asyncpg.Connection[Any], application: TestApplication) -> int:
    count: int = await owner.fetchval(
        "SELECT (SELECT count(*) FROM payments WHERE application_id = $1)"
        " + (SELECT count(*) FROM customers WHERE application_id = $1)",
        application.id,
    )
    return count


async def test_empty_request_names_every_field_in_the_documented_order(
    neopay: Client, owner: asyncpg.Connection[Any], application: TestApplication, psp: Psp
) -> None:
    found = await errors(neopay, {"serviceId": "pix"})
    assert list(found.items()) == [
        ("payment", "The payment field is required."),
        ("payment.amount", "The payment.amount field is required."),
        ("payment.currency", "The payment.currency field is required."),
        ("customer", "The customer field is required."),
        ("customer.email", "The customer.email field is required when customer.id is not present."),
        ("customer.country", "The customer.country field is required."),
        ("customer.tax_number", NO_TAX_NUMBER),
    ]
    assert (psp.orders, await rows_of(owner, application)) == ([], 0)


async def test_everything_that_is_wrong_is_told_at_once(
    neopay: Client, owner: asyncpg.Connection[Any], application: TestApplication, psp: Psp
) -> None:
    customer = {"email": "nonsense", "country": None, "tax_number": "06372771391"}
    body = pix(customer, amount=0, currency="KWD") | {"reference": 7, "callback_url": "nonsense"}
    found = await errors(neopay, body)
    assert list(found.items()) == [
        ("payment.amount", "The payment.amount field must be at least 0.001."),
        ("payment.currency", CURRENCY),
        ("customer.email", "The customer.email field must be a valid email address."),
        ("customer.country", "The customer.country field is required."),
        ("customer.tax_number", TAX_NUMBER),
        ("reference", "The reference field must be a string."),
        ("callback_url", "The callback url field must be a valid URL."),
    ]
    assert (psp.orders, await rows_of(owner, application)) == ([], 0)


@pytest.mark.parametrize(
    "number",
    [
        "06372771391",
        "063.727.713-91",
        "00000000000",
        "11222333000182",
        "12ABC34501DE36",
        "99 99 999 999 999",
        "0637277139",
        "063727713900",
        "٠٦٣٧٢٧٧١٣٩٠",
        "abc",
        "-",
        "06372771390x",
        "1" * 255,
    ],
)
async def test_number_that_is_neither_cpf_nor_cnpj_is_told(
    neopay: Client, psp: Psp, number: str
) -> None:
    assert await errors(neopay, pix({"tax_number": number})) == {"customer.tax_number": TAX_NUMBER}
    assert psp.orders == []


@pytest.mark.parametrize(
    "number",
    ["063.727.713-90", "11222333000181", "11.222.333/0001-81", "12ABC34501DE35",
     "12.abc.345/01de-35", " 06372771390 "],
)  # fmt: skip
async def test_cpf_and_both_forms_of_cnpj_are_taken_with_punctuation_and_without(
    neopay: Client, psp: Psp, number: str
) -> None:
    answer = await neopay.post("/api/payments", pix({"tax_number": number}))
    assert answer.status == 200
    assert psp.orders[0].payer.tax_number == number


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (None, NO_TAX_NUMBER),
        ("", NO_TAX_NUMBER),
        (" ", NO_TAX_NUMBER),
        (6372771390, "The customer.tax number field must be a string."),
        ([], "The customer.tax number field must be a string."),
        ("1" * 256, "The customer.tax number field must not be greater than 255 characters."),
    ],
)
@pytest.mark.usefixtures("psp")
async def test_tax_number_is_a_text_that_is_there(
    neopay: Client, number: Any, sentence: str
) -> None:
    found = await errors(neopay, pix({"tax_number": number}))
    assert found == {"customer.tax_number": sentence}


@pytest.mark.parametrize("named_by", ["id", "email"])
async def test_number_on_file_need_not_be_sent(neopay: Client, psp: Psp, named_by: str) -> None:
    fields = {"email": "jhondoe@email.com", "tax_number": "063.727.713-90"}
    saved = (await neopay.post("/api/customers", fields)).json()["customer"]
    other = "email" if named_by == "id" else "id"
    body = pix({named_by: saved[named_by], other: None, "tax_number": None})
    assert (await neopay.post("/api/payments", body)).status == 200
    assert psp.orders[0].payer.tax_number == "063.727.713-90"


@pytest.mark.usefixtures("psp")
async def test_number_on_file_that_is_none_is_told(neopay: Client) -> None:
    await neopay.post("/api/customers", documents.CUSTOMER)  # with the documents' own number
    found = await errors(neopay, pix({"tax_number": None}) | {"reference": 7})
    assert list(found.items()) == [
        ("customer.tax_number", TAX_NUMBER),
        ("reference", "The reference field must be a string."),
    ]


@pytest.mark.usefixtures("psp")
async def test_number_on_another_applications_file_is_not_known(
    neopay: Client, app: Application, make_application: MakeApplication
) -> None:
    other = Client(app, (await make_application()).headers)
    fields = {"email": "jhondoe@email.com", "tax_number": "06372771390"}
    theirs = (await other.post("/api/customers", fields)).json()["customer"]
    found = await errors(neopay, pix({"id": theirs["id"], "tax_number": None}))
    assert found == {"customer.tax_number": NO_TAX_NUMBER}


async def test_check_digits_can_be_left_unchecked(
    neopay: Client, gateway: Gateway, psp: Psp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "settings", replace(gateway.settings, check_tax_numbers=False))
    for number in ("06372771391", "11222333000182", "12ABC34501DE36"):
        assert (await neopay.post("/api/payments", pix({"tax_number": number}))).status == 200
    assert await errors(neopay, pix({"tax_number": "1"})) == {"customer.tax_number": TAX_NUMBER}
    assert len(psp.orders) == 3


async def test_other_services_take_any_tax_number(neopay: Client) -> None:
    body = json.loads(documents.PAYMENT)
    body["customer"]["tax_number"] = "99 99 999 999 999"
    assert (await neopay.post("/api/payments", body)).status == 200


# --- whether the application can collect so ------------------------------------------------------


@pytest.mark.parametrize("currency", ["KWD", "USD"])
async def test_currency_that_the_rail_cannot_print_is_told(
    neopay: Client, psp: Psp, currency: str
) -> None:
    assert await errors(neopay, pix(currency=currency)) == {"payment.currency": CURRENCY}
    assert psp.orders == []


@pytest.fixture
def live_psp(gateway: Gateway) -> Iterator[Psp]:
    made = Psp(card=pix_card(currencies=frozenset({"BRL"}), needs_account=True))
    before = gateway.rails
    connect(gateway, made, "live")
    yield made
    gateway.rails = before


async def live_client(
    app: Application,
    make_application: MakeApplication,
    gateway: Gateway,
    owner: asyncpg.Connection[Any],
    *,
    with_account: bool,
) -> Client:
    application = await make_application(environment="live")
    if with_account:
        now = datetime.now(UTC)
        await owner.execute(
            "INSERT INTO provider_accounts (id, application_id, rail, settings, created_at)"
            " VALUES ($1, $2, 'pix', $3, $4)",
            new_id(now),
            application.id,
            gateway.vault.seal(b'{"pix_key":"shop@example.com"}'),
            now,
        )
        await gateway.access.refresh()
    return Client(app, application.headers)


async def test_live_pix_collects_reais_for_the_applications_own_account(
    app: Application,
    make_application: MakeApplication,
    gateway: Gateway,
    owner: asyncpg.Connection[Any],
    live_psp: Psp,
) -> None:
    client = await live_client(app, make_application, gateway, owner, with_account=True)
    assert await errors(client, documents.PIX) == {"payment.currency": CURRENCY}
    answer = await client.post("/api/payments", pix(currency="BRL"))
    assert answer.json()["payment"]["environment"] == "live"
    (order,) = live_psp.orders
    assert order.account is not None
    assert order.account.settings == {"pix_key": "shop@example.com"}


@pytest.mark.parametrize("currency", ["BRL", "GBP"])
async def test_live_application_without_an_account_has_no_pix(
    app: Application,
    make_application: MakeApplication,
    gateway: Gateway,
    owner: asyncpg.Connection[Any],
    live_psp: Psp,
    currency: str,
) -> None:
    client = await live_client(app, make_application, gateway, owner, with_account=False)
    assert await errors(client, pix(currency=currency)) == {"serviceId": SERVICE}
    assert live_psp.orders == []


@pytest.mark.usefixtures("psp")
async def test_service_that_is_not_set_up_is_told_once(
    app: Application, make_application: MakeApplication
) -> None:
    client = Client(app, (await make_application(environment="live")).headers)
    assert await errors(client, pix({"tax_number": None})) == {"serviceId": SERVICE}


# --- nothing is a defect -------------------------------------------------------------------------


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
@pytest.mark.usefixtures("psp")
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
        for tax_number in ("06372771390", None):
            body = pix({"tax_number": tax_number})
            (body.get(group) if group else body)[key] = value  # type: ignore[index]
            assert (await neopay.post("/api/payments", body)).status in (200, 422)


# --- the provider that is away -------------------------------------------------------------------


async def test_provider_that_is_away_is_told_and_the_same_key_goes_on(
    neopay: Client, owner: asyncpg.Connection[Any], application: TestApplication, psp: Psp
) -> None:
    psp.begins = [RailUnavailable()]
    first = await _post(neopay, "order 1")
    assert (first.status, first.json()) == (503, {"message": "Service Unavailable"})
    assert int(first.headers["retry-after"]) > 0
    second = await _post(neopay, "order 1")
    assert (second.status, second.json()["payment"]["qr_code"]) == (
        200,
        code_of(psp.orders[1].key),
    )
    count = "SELECT count(*) FROM payments WHERE application_id = $1"
    assert await owner.fetchval(count, application.id) == 1


async def test_request_under_a_key_that_is_still_running_is_told_so(
    neopay: Client, psp: Psp
) -> None:
    psp.gate.clear()
    first = asyncio.create_task(_post(neopay, "order 1"))
    while not psp.orders:
        await asyncio.sleep(0.01)
    second = await _post(neopay, "order 1")
    psp.gate.set()
    assert (second.status, second.json()) == (
        409,
        {"message": "A request with this Idempotency-Key is still running."},
    )
    answer = await first
    assert (answer.status, len(psp.orders)) == (200, 1)
    assert (await _post(neopay, "order 1")).body == answer.body


async def _post(neopay: Client, key: str) -> Answer:
    return await neopay.post("/api/payments", documents.PIX, idempotency_key=key)
