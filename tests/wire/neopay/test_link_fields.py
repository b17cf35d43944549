"""The fields of payment links: what is read, what stands when nothing is sent, what is changed."""

from __future__ import annotations

import base64
import json
from decimal import Decimal
from typing import Any

import pytest

from guichet.web.asgi import Application
from wire.applications import MakeApplication
from wire.client import Client
from wire.neopay import documents

pytestmark = pytest.mark.asyncio(loop_scope="module")

LATER = "2100-01-31T18:00:00.000000Z"
PNG = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"x" * 100).decode()


async def made(neopay: Client, **fields: Any) -> dict[str, Any]:
    """The link that a product, an amount and ``fields`` make."""
    body = {"product": "Tea", "amount": 10, **fields}
    answer = await neopay.post("/api/links", body)
    assert answer.status == 200, answer.body
    link: dict[str, Any] = answer.json()["data"]
    return link


async def changed(
    neopay: Client, link: dict[str, Any], method: str = "PATCH", **fields: Any
) -> dict[str, Any]:
    """The link as it is answered after a change."""
    answer = await neopay.call(method, f"/api/links/{link['id']}", json.dumps(fields).encode())
    assert answer.status == 200, answer.body
    after: dict[str, Any] = answer.json()["data"]
    return after


async def test_least_request_makes_a_link_with_the_usual_values(neopay: Client) -> None:
    link = await made(neopay)
    assert {
        "product": "Tea",
        "amount": Decimal("10.00"),
        "amount_type": "fixed",
        "currency": "GBP",
        "description": None,
        "reference": None,
        "communication": None,
        "expired_at": None,
        "request_customer_data": False,
        "show_payee_data": False,
        "enabled": True,
        "settings": {
            "expirationDate": False,
            "showPayeeData": False,
            "requestCustomerData": False,
            "theme": {"selected": "blue"},
        },
        "services": ["api"],
        "payments_limit": None,
        "redirection_type": "default",
        "success_url": None,
        "error_url": None,
        "callback_url": None,
    }.items() <= link.items()


# --- texts, amounts, currencies ------------------------------------------------------------------


async def test_limits_count_characters_and_not_bytes(neopay: Client) -> None:
    link = await made(neopay, product="é" * 50, description="é" * 150, reference="é" * 18)
    assert (link["product"], link["description"]) == ("é" * 50, "é" * 150)
    assert link["reference"] == "é" * 18


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"reference": "A", "communication": "B"}, "A"),
        ({"reference": None, "communication": "B"}, "B"),
        ({"communication": "B"}, "B"),
        ({"reference": ""}, None),
    ],
)
async def test_reference_has_two_names(
    neopay: Client, sent: dict[str, Any], kept: str | None
) -> None:
    link = await made(neopay, **sent)
    assert (link["reference"], link["communication"]) == (kept, kept)


@pytest.mark.parametrize(
    ("currency", "amount", "emitted"),
    [
        ("JPY", "5000", "5000"),
        ("KWD", "1.234", "1.234"),
        ("EUR", '"0.01"', "0.01"),
        ("GBP", "99999999.99", "99999999.99"),
    ],
)
async def test_amount_follows_its_currency(
    neopay: Client, currency: str, amount: str, emitted: str
) -> None:
    text = f'{{"product": "Tea", "amount": {amount}, "currency": "{currency}"}}'
    answer = await neopay.post("/api/links", text)
    assert f'"amount":{emitted},'.encode() in answer.body
    assert answer.json()["data"]["currency"] == currency


async def test_currency_is_the_applications_unless_it_is_sent(
    app: Application, make_application: MakeApplication
) -> None:
    japanese = Client(app, (await make_application(currency="JPY")).headers)
    assert (await made(japanese))["currency"] == "JPY"


async def test_payer_chooses_the_amount_of_a_flexible_link(neopay: Client) -> None:
    link = await made(neopay, amount_type="flexible", amount=None)
    assert (link["amount_type"], link["amount"]) == ("flexible", None)


async def test_link_is_bound_to_the_callers_application(neopay: Client) -> None:
    link = await made(neopay, application_id=neopay.headers["x-app-key"].upper())
    assert link["application_id"] == neopay.headers["x-app-key"]


# --- what flags switch on ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [
        "2100-01-31 18:00:00",
        "2100-01-31T18:00:00",
        "2100-01-31T18:00:00Z",
        "2100-01-31T20:00:00+02:00",
        "2100-01-31 13:00:00-0500",
        "2100-01-31T18:00",
        "2100-01-31T18:00:00.999999Z",
    ],
)
@pytest.mark.parametrize("name", ["expired_at", "expires_at"])
async def test_expiry_is_read_when_it_is_switched_on(neopay: Client, name: str, sent: str) -> None:
    link = await made(neopay, settings={"expirationDate": True}, **{name: sent})
    assert link["expired_at"] == LATER


async def test_day_alone_means_its_first_moment(neopay: Client) -> None:
    link = await made(neopay, settings={"expirationDate": True}, expired_at="2100-02-01")
    assert link["expired_at"] == "2100-02-01T00:00:00.000000Z"


@pytest.mark.parametrize("flag", [False, None, 0, "0"])
@pytest.mark.parametrize("sent", ["2023-10-31 18:00:00", "nonsense", 7, [], None])
async def test_expiry_is_not_read_while_it_is_switched_off(
    neopay: Client, flag: object, sent: object
) -> None:
    link = await made(neopay, settings={"expirationDate": flag}, expired_at=sent)
    assert (link["expired_at"], link["settings"]["expirationDate"]) == (None, False)


@pytest.mark.parametrize(
    ("flag", "sent", "kept"),
    [
        (True, "name", "name"),
        (True, "name_phone", "name_phone"),
        (True, "full_customer", "full_customer"),
        (True, True, "full_customer"),
        (True, False, False),
        (True, None, False),
        (False, "full_customer", False),
        (False, "nonsense", False),
        (False, ["nonsense"], False),
    ],
)
async def test_customer_data_are_asked_for_as_the_flag_and_the_word_say(
    neopay: Client, flag: bool, sent: object, kept: object
) -> None:
    link = await made(neopay, settings={"requestCustomerData": flag}, request_customer_data=sent)
    assert (link["request_customer_data"], link["settings"]["requestCustomerData"]) == (kept, flag)


@pytest.mark.parametrize(("sent", "kept"), [(True, True), ("1", True), (1, True), (0, False)])
async def test_payee_is_shown_if_the_flag_says_so(neopay: Client, sent: object, kept: bool) -> None:
    link = await made(neopay, settings={"showPayeeData": sent})
    assert (link["show_payee_data"], link["settings"]["showPayeeData"]) == (kept, kept)


@pytest.mark.parametrize(
    "theme",
    [
        {"selected": "blue"},
        {"selected": True},
        {"selected": 7},
        {"selected": "green", "logo": PNG, "logoType": "png"},
        {"selected": "#1b4fd8", "logo": "https://shop.example/logo.png", "logoType": True},
        {"selected": False, "logo": False},
    ],
)
async def test_theme_is_kept_as_it_was_sent(neopay: Client, theme: dict[str, Any]) -> None:
    assert (await made(neopay, settings={"theme": theme}))["settings"]["theme"] == theme


async def test_logo_is_emitted_only_when_it_is_set(neopay: Client) -> None:
    theme = {"selected": None, "logo": None, "logoType": ""}
    link = await made(neopay, settings={"theme": theme, "unknown": 1})
    assert link["settings"]["theme"] == {"selected": "blue"}
    assert "unknown" not in link["settings"]


# --- ours ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"services": ["api"]},
        {"payments_limit": 1},
        {"enabled": False},
        {"callback_url": "https://shop.example/hook"},
        {"redirection_type": "custom", "success_url": "https://shop.example/thanks?a=1",
         "error_url": "https://shop.example/sorry"},
    ],
)  # fmt: skip
async def test_our_own_fields_are_kept(neopay: Client, fields: dict[str, Any]) -> None:
    assert fields.items() <= (await made(neopay, subscription=False, **fields)).items()


async def test_addresses_make_a_redirection_custom(neopay: Client) -> None:
    link = await made(neopay, success_url="https://a.example/", error_url="https://b.example/")
    assert link["redirection_type"] == "custom"


async def test_addresses_are_not_kept_by_a_default_redirection(neopay: Client) -> None:
    link = await made(
        neopay, redirection_type="default", success_url="https://a.example/", error_url=None
    )
    assert (link["redirection_type"], link["success_url"]) == ("default", None)


async def test_form_may_make_a_link(neopay: Client) -> None:
    body = b"product=Tea&amount=10.50&settings[showPayeeData]=1&settings[theme][selected]=red"
    answer = await neopay.post("/api/links", body, content_type="application/x-www-form-urlencoded")
    link = answer.json()["data"]
    assert (link["amount"], link["show_payee_data"]) == (Decimal("10.50"), True)
    assert link["settings"]["theme"] == {"selected": "red"}


# --- changes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_change_leaves_what_was_not_sent(neopay: Client, method: str) -> None:
    link = await made(neopay, **json.loads(documents.LINK) | {"payments_limit": 3})
    after = await changed(neopay, link, method, product="Coffee")
    assert after == link | {"product": "Coffee", "updated_at": after["updated_at"]}


async def test_whole_link_sent_back_changes_nothing(neopay: Client) -> None:
    settings = {"expirationDate": True, "requestCustomerData": True, "theme": {"logo": PNG}}
    urls = {"success_url": "https://a.example/", "error_url": "https://b.example/"}
    changes = {"expired_at": LATER, "settings": settings, **urls}
    link = await made(neopay, **json.loads(documents.LINK) | changes)
    sent = json.dumps(link, default=str).encode()
    answer = await neopay.call("PUT", f"/api/links/{link['id']}", sent)
    assert (answer.status, answer.json()["data"]) == (200, link)


@pytest.mark.parametrize("body", [b"", b"{}", b"nonsense"])
async def test_change_of_nothing_is_answered_with_the_link(neopay: Client, body: bytes) -> None:
    link = await made(neopay)
    answer = await neopay.call("PATCH", f"/api/links/{link['id']}", body)
    assert (answer.status, answer.json()) == (200, {"data": link})


@pytest.mark.parametrize(
    ("sent", "after"),
    [
        ({"amount": 12.5}, {"amount": Decimal("12.50")}),
        ({"amount": 5000, "currency": "JPY"}, {"amount": 5000, "currency": "JPY"}),
        ({"amount_type": "flexible"}, {"amount": None, "amount_type": "flexible"}),
        ({"reference": None}, {"reference": None, "communication": None}),
        ({"communication": "NEW"}, {"reference": "NEW"}),
        ({"description": ""}, {"description": None}),
        ({"settings": {"showPayeeData": True}}, {"show_payee_data": True}),
        ({"settings": {"requestCustomerData": False}}, {"request_customer_data": False}),
        ({"request_customer_data": "name"}, {"request_customer_data": "name"}),
        ({"request_customer_data": None}, {"request_customer_data": False}),
        ({"settings": {"expirationDate": False}}, {"expired_at": None}),
        ({"expired_at": "2101-01-01"}, {"expired_at": "2101-01-01T00:00:00.000000Z"}),
        ({"payments_limit": None}, {"payments_limit": None}),
        ({"enabled": False}, {"enabled": False}),
        ({"enabled": None}, {"enabled": True}),
        ({"redirection_type": "default"}, {"success_url": None, "error_url": None}),
        ({"success_url": "https://c.example/"},
         {"success_url": "https://c.example/", "error_url": "https://b.example/"}),
        ({"settings": {"theme": {"logo": None}}}, {}),
    ],
)  # fmt: skip
async def test_each_field_can_be_changed_alone(
    neopay: Client, sent: dict[str, Any], after: dict[str, Any]
) -> None:
    link = await made(
        neopay,
        reference="OLD",
        description="Old",
        expired_at=LATER,
        request_customer_data="full_customer",
        payments_limit=3,
        success_url="https://a.example/",
        error_url="https://b.example/",
        settings={"expirationDate": True, "requestCustomerData": True, "theme": {"logo": PNG}},
    )
    assert after.items() <= (await changed(neopay, link, **sent)).items()


async def test_settings_sent_leave_the_others(neopay: Client) -> None:
    settings = {"showPayeeData": True, "theme": {"selected": "red", "logo": PNG}}
    link = await made(neopay, settings=settings)
    after = await changed(neopay, link, settings={"theme": {"logo": None}})
    assert after["settings"] == link["settings"] | {"theme": {"selected": "red"}}


async def test_flexible_link_becomes_fixed_with_an_amount(neopay: Client) -> None:
    link = await made(neopay, amount_type="flexible", amount=None)
    after = await changed(neopay, link, amount_type="fixed", amount=5)
    assert (after["amount_type"], after["amount"]) == ("fixed", 5)


async def test_link_that_expired_can_be_prolonged_and_renamed(neopay: Client, owner: Any) -> None:
    link = await made(neopay, settings={"expirationDate": True}, expired_at=LATER)
    await owner.execute("UPDATE links SET expires_at = '2023-01-31 18:00:00+00'")
    renamed = await changed(neopay, link, product="Old tea")
    assert renamed["expired_at"] == "2023-01-31T18:00:00.000000Z"
    assert (await changed(neopay, link, expired_at=LATER))["expired_at"] == LATER
