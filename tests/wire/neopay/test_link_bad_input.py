"""Bad input of payment links: told in the right words, all of it at once, stored nowhere."""

from __future__ import annotations

import base64
import json
from typing import Any

import asyncpg
import pytest

from guichet.web.asgi import Application
from wire.applications import MakeApplication, TestApplication
from wire.client import Client
from wire.neopay import documents

pytestmark = pytest.mark.asyncio(loop_scope="module")

ON = {"expirationDate": True, "requestCustomerData": True}
EXPIRY_NEEDED = "The expired at field is required when settings.expiration date is true."
PRODUCT = "The product field must not be greater than 50 characters."
DESCRIPTION = "The description field must not be greater than 150 characters."
REFERENCE = "The reference field must not be greater than 18 characters."
AMOUNT = "The amount field must not be greater than 99999999.99."


def theme(**values: Any) -> dict[str, Any]:
    return {"settings": {"theme": values}}


def picture(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


#: Changes of the documented request, the field that is wrong, and what is said about it.
BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"product": None}, "product", "The product field is required."),
    ({"product": "  "}, "product", "The product field is required."),
    ({"product": 7}, "product", "The product field must be a string."),
    ({"product": "é" * 51}, "product", PRODUCT),
    ({"amount": None}, "amount", "The amount field is required."),
    ({"amount": ""}, "amount", "The amount field is required."),
    ({"amount": "ten"}, "amount", "The amount field must be a number."),
    ({"amount": [1]}, "amount", "The amount field must be a number."),
    ({"amount": True}, "amount", "The amount field must be a number."),
    ({"amount": 0.001}, "amount", "The amount field must have 0-2 decimal places."),
    ({"amount": 0}, "amount", "The amount field must be at least 0.01."),
    ({"amount": -5}, "amount", "The amount field must be at least 0.01."),
    ({"amount": 100_000_000}, "amount", AMOUNT),
    ({"amount": 1.5, "currency": "JPY"}, "amount", "The amount field must have 0 decimal places."),
    ({"amount_type": "free"}, "amount_type", "The selected amount type is invalid."),
    ({"amount_type": "flexible"}, "amount",
     "The amount field is prohibited when amount type is flexible."),
    ({"currency": "XXX"}, "currency", "The selected currency is invalid."),
    ({"currency": 826}, "currency", "The currency field must be a string."),
    ({"currency": ["GBP"]}, "currency", "The currency field must be a string."),
    ({"description": "x" * 151}, "description", DESCRIPTION),
    ({"description": {}}, "description", "The description field must be a string."),
    ({"reference": "x" * 19}, "reference", REFERENCE),
    ({"reference": 7}, "reference", "The reference field must be a string."),
    ({"communication": "x" * 19}, "communication",
     "The communication field must not be greater than 18 characters."),
    ({"settings": ON, "expired_at": None}, "expired_at", EXPIRY_NEEDED),
    ({"settings": ON, "expired_at": "2023-10-31 18:00:00"}, "expired_at",
     "The expired at field must be a date after now."),
    ({"settings": ON, "expired_at": "2100-13-01"}, "expired_at",
     "The expired at field must be a valid date."),
    ({"settings": ON, "expired_at": "tomorrow"}, "expired_at",
     "The expired at field must be a valid date."),
    ({"settings": ON, "expired_at": 4_102_444_800}, "expired_at",
     "The expired at field must be a valid date."),
    ({"settings": ON, "expired_at": "0001-01-01T00:00:00+14:00"}, "expired_at",
     "The expired at field must be a valid date."),
    ({"settings": ON, "expired_at": "2100-01-01", "request_customer_data": "everything"},
     "request_customer_data", "The selected request customer data is invalid."),
    ({"settings": ON, "expired_at": "2100-01-01", "request_customer_data": ["name"]},
     "request_customer_data", "The selected request customer data is invalid."),
    ({"settings": "blue"}, "settings", "The settings field must be an array."),
    ({"settings": {"expirationDate": "yes"}}, "settings.expirationDate",
     "The settings.expiration date field must be true or false."),
    ({"settings": {"showPayeeData": 2}}, "settings.showPayeeData",
     "The settings.show payee data field must be true or false."),
    ({"settings": {"requestCustomerData": []}}, "settings.requestCustomerData",
     "The settings.request customer data field must be true or false."),
    ({"settings": {"theme": "blue"}}, "settings.theme",
     "The settings.theme field must be an array."),
    (theme(selected=["blue"]), "settings.theme.selected",
     "The settings.theme.selected field must be a string."),
    (theme(selected="x" * 256), "settings.theme.selected",
     "The settings.theme.selected field must not be greater than 255 characters."),
    (theme(logoType={}), "settings.theme.logoType",
     "The settings.theme.logo type field must be a string."),
    (theme(logo=7), "settings.theme.logo", "The settings.theme.logo field must be a string."),
    (theme(logo="logo.png"), "settings.theme.logo",
     "The settings.theme.logo field must be a valid URL."),
    (theme(logo="http://shop.example/logo.png"), "settings.theme.logo",
     "The settings.theme.logo field must be a valid URL."),
    (theme(logo="javascript:alert(1)"), "settings.theme.logo",
     "The settings.theme.logo field must be a valid URL."),
    (theme(logo=picture("svg+xml", b"<svg/>")), "settings.theme.logo",
     "The settings.theme.logo field must be an image."),
    (theme(logo=picture("png", b"<svg/>")), "settings.theme.logo",
     "The settings.theme.logo field must be an image."),
    (theme(logo="data:image/png;base64,%%%"), "settings.theme.logo",
     "The settings.theme.logo field must be an image."),
    (theme(logo="data:image/png;base64,iVBORw0KGgo"), "settings.theme.logo",
     "The settings.theme.logo field must be an image."),
    (theme(logo="data:text/html,<script>"), "settings.theme.logo",
     "The settings.theme.logo field must be an image."),
    (theme(logo=picture("jpeg", b"\xff\xd8\xff" + b"x" * 65_536)), "settings.theme.logo",
     "The settings.theme.logo field must not be greater than 64 kilobytes."),
    ({"services": "api"}, "services", "The services field must be an array."),
    ({"services": []}, "services", "The services field must have at least 1 items."),
    ({"services": ["card"]}, "services", "The selected services is invalid."),
    ({"services": [["api"]]}, "services", "The selected services is invalid."),
    ({"redirection_type": "else"}, "redirection_type", "The selected redirection type is invalid."),
    ({"success_url": "https://a.example/"}, "error_url",
     "The error url field is required when redirection type is custom."),
    ({"success_url": "javascript:alert(1)", "error_url": "https://a.example/"}, "success_url",
     "The success url field must be a valid URL."),
    ({"callback_url": "http://169.254.169.254/"}, "callback_url",
     "The callback url field must be a valid URL."),
    ({"payments_limit": 0}, "payments_limit", "The payments limit field must be at least 1."),
    ({"payments_limit": -1}, "payments_limit", "The payments limit field must be at least 1."),
    ({"payments_limit": 1.5}, "payments_limit", "The payments limit field must be an integer."),
    ({"payments_limit": "many"}, "payments_limit", "The payments limit field must be an integer."),
    ({"payments_limit": True}, "payments_limit", "The payments limit field must be an integer."),
    ({"payments_limit": 10**12}, "payments_limit",
     "The payments limit field must not be greater than 999999999."),
    ({"enabled": "no"}, "enabled", "The enabled field must be true or false."),
    ({"subscription": True}, "subscription", "The selected subscription is invalid."),
    ({"application_id": "98e2fe88-3a95-4c7c-a98f-dfa5192b85f6"}, "application_id",
     "The selected application id is invalid."),
    ({"application_id": 7}, "application_id", "The selected application id is invalid."),
]  # fmt: skip


def told(path: str, sentence: str) -> dict[str, Any]:
    return {"message": sentence, "errors": {path: [sentence]}}


async def links_of(owner: asyncpg.Connection[Any], application: TestApplication) -> int:
    count: int = await owner.fetchval(
        "SELECT count(*) FROM links WHERE application_id = $1", application.id
    )
    return count


async def test_broken_fields_of_a_new_link_are_told_and_nothing_is_stored(
    neopay: Client, owner: asyncpg.Connection[Any], application: TestApplication
) -> None:
    wrong = []
    for changes, path, sentence in BAD:
        answer = await neopay.post("/api/links", json.loads(documents.LINK) | changes)
        if (answer.status, answer.json()) != (422, told(path, sentence)):
            wrong.append((changes, answer.body[:300]))
    assert wrong == []
    assert await links_of(owner, application) == 0


async def test_broken_fields_of_a_change_are_told_and_nothing_is_changed(neopay: Client) -> None:
    link = (await neopay.post("/api/links", documents.LINK)).json()["data"]
    wrong = []
    for changes, path, sentence in BAD:
        body = {"amount": 1} | changes  # an amount may not go without
        answer = await neopay.patch(f"/api/links/{link['id']}", body)
        if (answer.status, answer.json()) != (422, told(path, sentence)):
            wrong.append((changes, answer.body[:300]))
    assert wrong == []
    assert (await neopay.get(f"/api/links/{link['id']}")).json()["data"] == link


async def test_all_broken_fields_are_told_at_once(neopay: Client) -> None:
    body = {
        "product": "x" * 51,
        "description": "x" * 151,
        "reference": "x" * 19,
        "amount": 100000000,
    }
    answer = await neopay.post("/api/links", body)
    assert (answer.status, answer.json()) == (
        422,
        {
            "message": f"{PRODUCT} (and 3 more errors)",
            "errors": {
                "product": [PRODUCT],
                "amount": [AMOUNT],
                "description": [DESCRIPTION],
                "reference": [REFERENCE],
            },
        },
    )


@pytest.mark.parametrize("body", [b"", b"{}", b"nonsense", b"[]", b"\xff", b'{"product":'])
async def test_body_that_says_nothing_lacks_what_is_needed(neopay: Client, body: bytes) -> None:
    answer = await neopay.post("/api/links", body)
    assert answer.json()["errors"] == {
        "product": ["The product field is required."],
        "amount": ["The amount field is required."],
    }


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"currency": "JPY"}, {"amount": ["The amount field is required when currency changes."]}),
        ({"product": ""}, {"product": ["The product field is required."]}),
        ({"amount": None}, {"amount": ["The amount field is required."]}),
        ({"settings": {"expirationDate": True}}, {"expired_at": [EXPIRY_NEEDED]}),
        ({"redirection_type": "custom"}, {
            "success_url": ["The success url field is required when redirection type is custom."],
            "error_url": ["The error url field is required when redirection type is custom."],
        }),
    ],
)  # fmt: skip
async def test_change_may_not_leave_a_gap(
    neopay: Client, changes: dict[str, Any], errors: dict[str, Any]
) -> None:
    link = (await neopay.post("/api/links", documents.LINK)).json()["data"]
    answer = await neopay.patch(f"/api/links/{link['id']}", changes)
    assert (answer.status, answer.json()["errors"]) == (422, errors)
    assert (await neopay.get(f"/api/links/{link['id']}")).json()["data"] == link


async def test_closed_link_cannot_be_changed(neopay: Client) -> None:
    link = (await neopay.post("/api/links", documents.LINK)).json()["data"]
    closed = (await neopay.call("PATCH", f"/api/links/{link['id']}/close")).json()
    sentence = "The payment link is closed and cannot be changed."
    answer = await neopay.patch(f"/api/links/{link['id']}", {"product": "Tea"})
    assert (answer.status, answer.json()["errors"]) == (422, {"status": [sentence]})
    assert (await neopay.get(f"/api/links/{link['id']}")).json() == closed


@pytest.mark.parametrize("name", ["success_url", "error_url", "callback_url"])
async def test_live_link_leads_to_public_https_addresses_only(
    app: Application, make_application: MakeApplication, name: str
) -> None:
    live = Client(app, (await make_application(environment="live")).headers)
    urls = {"success_url": "https://a.example/", "error_url": "https://a.example/"}
    body = json.loads(documents.LINK) | urls
    assert (await live.post("/api/links", body)).status == 200
    for url in ("http://shop.example/", "https://127.0.0.1/", "https://localhost/"):
        answer = await live.post("/api/links", body | {name: url})
        assert list(answer.json()["errors"]) == [name]


FIELDS = [
    "application_id", "product", "amount", "amount_type", "currency", "description", "reference",
    "communication", "expired_at", "expires_at", "request_customer_data", "settings", "services",
    "redirection_type", "success_url", "error_url", "callback_url", "payments_limit", "enabled",
    "subscription", "settings.expirationDate", "settings.showPayeeData",
    "settings.requestCustomerData", "settings.theme", "settings.theme.selected",
    "settings.theme.logo", "settings.theme.logoType",
]  # fmt: skip
ANYTHING: list[Any] = [
    None, True, 0, -1, 1e300, 1e-300, 10**400, "", " ", "x" * 300, "name", [], [[]], {}, {"a": 1},
]  # fmt: skip


@pytest.mark.parametrize("path", FIELDS)
async def test_no_field_of_any_type_is_a_defect(neopay: Client, path: str) -> None:
    link = (await neopay.post("/api/links", documents.LINK)).json()["data"]
    for value in ANYTHING:
        body: dict[str, Any] = {"settings": {**ON, "theme": {}}}
        holder = body
        *parents, key = path.split(".")
        for parent in parents:
            holder = holder[parent]
        holder[key] = value
        new = {"product": "Tea", "amount": 10, "expired_at": "2100-01-01", **body}
        assert (await neopay.post("/api/links", new)).status in (200, 422)
        assert (await neopay.patch(f"/api/links/{link['id']}", body)).status in (200, 422)
    assert (await neopay.get("/api/links")).status == 200


async def test_nul_in_a_filter_is_refused(neopay: Client) -> None:
    for name in ("status", "reference"):
        assert (await neopay.get(f"/api/links?{name}=%00")).status == 422
