"""Customers, end to end over a real database."""

from __future__ import annotations

from typing import Any

import pytest

from wire.applications import BASE_URL
from wire.client import Client
from wire.neopay import documents

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEYS = [
    "id",
    "name",
    "email",
    "phone",
    "city",
    "state",
    "country",
    "zip_code",
    "street",
    "house_number",
    "currency",
    "tax_number",
    "company_number",
]


async def save(neopay: Client, **fields: Any) -> Any:
    answer = await neopay.post("/api/customers", {"email": "a@example.com", **fields})
    assert answer.status == 200
    return answer.json()["customer"]


async def test_documented_customer_is_saved_with_every_key(neopay: Client) -> None:
    answer = await neopay.post("/api/customers", documents.CUSTOMER)
    body = answer.json()
    assert (answer.status, body["message"]) == (200, "Customer saved successfully!")
    assert list(body["customer"]) == KEYS
    assert body["customer"]["state"] == "Île de France"
    assert body["customer"]["country"] is None


async def test_saving_again_is_the_same_customer(neopay: Client) -> None:
    first = (await neopay.post("/api/customers", documents.CUSTOMER)).json()["customer"]
    again = (await neopay.post("/api/customers", documents.CUSTOMER)).json()["customer"]
    assert again == first


async def test_documented_update_changes_name_and_email(neopay: Client) -> None:
    saved = (await neopay.post("/api/customers", documents.CUSTOMER)).json()["customer"]
    answer = await neopay.patch(f"/api/customers/{saved['id']}", documents.CUSTOMER_UPDATE)
    body = answer.json()
    assert (answer.status, body["message"]) == (200, "Customer updated successfully!")
    changes = {"name": "Jhon Doe Updated", "email": "jhondoeupdate@email.com"}
    assert body["customer"] == saved | changes


async def test_update_as_the_printed_curl_sends_it_is_a_post(neopay: Client) -> None:
    answer = await neopay.post("/api/customers", documents.CUSTOMER_UPDATE)
    assert (answer.status, answer.json()["message"]) == (200, "Customer saved successfully!")


async def test_post_with_a_known_id_updates_that_customer(neopay: Client) -> None:
    saved = await save(neopay)
    changed = await save(neopay, id=saved["id"], email="new@example.com")
    assert changed == saved | {"email": "new@example.com"}


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/customers/{id}", '{"city":"Lyon"}'),
        ("/api/customers/a%40example.com", '{"city":"Lyon"}'),
        ("/api/customers/A@Example.com", '{"city":"Lyon"}'),
        ("/api/customers", '{"id":"ID","city":"Lyon"}'),
        ("/api/customers", '{"email":"A@example.com","city":"Lyon"}'),
    ],
    ids=["id in path", "e-mail in path", "other case", "id in body", "e-mail in body"],
)
async def test_customer_is_updated_however_it_is_named(
    neopay: Client, method: str, path: str, body: str
) -> None:
    saved = await save(neopay, name="Ann")
    target, text = path.format(id=saved["id"]), body.replace("ID", saved["id"])
    answer = await neopay.call(method, target, text.encode())
    assert (answer.status, answer.json()["customer"]) == (200, saved | {"city": "Lyon"})


async def test_update_that_names_nobody_says_what_it_needs(neopay: Client) -> None:
    answer = await neopay.patch("/api/customers", {"city": "Lyon"})
    assert answer.status == 422
    assert answer.json()["errors"] == {
        "id": ["The id field is required when email is not present."],
        "email": ["The email field is required when id is not present."],
    }


async def test_email_of_another_customer_is_taken(neopay: Client) -> None:
    await save(neopay)
    other = await save(neopay, email="b@example.com")
    answer = await neopay.patch(f"/api/customers/{other['id']}", {"email": "A@example.com"})
    assert answer.status == 422
    assert answer.json() == {
        "message": "The email has already been taken.",
        "errors": {"email": ["The email has already been taken."]},
    }


async def test_own_email_may_change_its_case(neopay: Client) -> None:
    saved = await save(neopay)
    answer = await neopay.patch(f"/api/customers/{saved['id']}", {"email": "A@Example.com"})
    assert answer.json()["customer"]["email"] == "A@Example.com"


@pytest.mark.parametrize("nothing", [None, ""])
async def test_null_clears_a_field_and_absence_keeps_it(
    neopay: Client, nothing: str | None
) -> None:
    saved = await save(neopay, name="Ann", city="Lyon")
    answer = await neopay.patch(f"/api/customers/{saved['id']}", {"city": nothing})
    assert answer.json()["customer"] == saved | {"city": None}


@pytest.mark.parametrize("email", [None, "", "  "])
async def test_email_cannot_be_cleared(neopay: Client, email: str | None) -> None:
    saved = await save(neopay)
    answer = await neopay.patch(f"/api/customers/{saved['id']}", {"email": email})
    assert answer.json()["errors"] == {"email": ["The email field is required."]}


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("email", None, "The email field is required."),
        ("email", "nonsense", "The email field must be a valid email address."),
        ("email", "a@b@c", "The email field must be a valid email address."),
        ("email", "a b@example.com", "The email field must be a valid email address."),
        ("email", "a@example..com", "The email field must be a valid email address."),
        ("email", "a@example.com\n", "The email field must be a valid email address."),
        ("email", 7, "The email field must be a string."),
        ("name", 7, "The name field must be a string."),
        ("name", ["x"], "The name field must be a string."),
        ("zip_code", 70123, "The zip code field must be a string."),
        ("tax_number", True, "The tax number field must be a string."),
        ("city", "x" * 256, "The city field must not be greater than 255 characters."),
        ("city", "é" * 256, "The city field must not be greater than 255 characters."),
    ],
)
async def test_broken_field_is_told(
    neopay: Client, field: str, value: object, sentence: str
) -> None:
    answer = await neopay.post("/api/customers", {"email": "a@example.com", field: value})
    assert (answer.status, answer.json()) == (
        422,
        {"message": sentence, "errors": {field: [sentence]}},
    )


@pytest.mark.parametrize(
    "text",
    ["  Brighton", "x" * 255, "<script>", "'; DROP TABLE customers; --", "日本語 🙂", "a\r\nb"],
)
async def test_texts_come_back_as_they_were_given(neopay: Client, text: str) -> None:
    assert (await save(neopay, state=text))["state"] == text


async def test_list_is_nested_and_newest_first(neopay: Client) -> None:
    old = await save(neopay)
    new = await save(neopay, email="b@example.com")
    assert (await neopay.get("/api/customers")).json() == {"customers": {"data": [new, old]}}


async def test_list_is_paged_only_when_asked(neopay: Client) -> None:
    for number in range(11):
        await save(neopay, email=f"{number}@example.com")
    whole = (await neopay.get("/api/customers")).json()["customers"]
    paged = (await neopay.get("/api/customers?page=2")).json()["customers"]
    assert (len(whole["data"]), len(paged["data"])) == (11, 1)
    assert paged["links"]["prev"] == f"{BASE_URL}/api/customers?page=1"
    assert paged["meta"]["total"] == 11


@pytest.mark.parametrize(
    ("query", "found"),
    [("email=A@EXAMPLE.com", 1), ("email=b@example.com", 0), ("name=Ann", 1), ("name=Bob", 0)],
)
async def test_list_is_filtered(neopay: Client, query: str, found: int) -> None:
    await save(neopay, name="Ann")
    listed = (await neopay.get(f"/api/customers?{query}")).json()["customers"]["data"]
    assert len(listed) == found


@pytest.mark.parametrize("key", ["{id}", "a@example.com", "A%40EXAMPLE.com"])
async def test_customer_is_read_by_id_or_email(neopay: Client, key: str) -> None:
    saved = await save(neopay)
    answer = await neopay.get(f"/api/customers/{key.format(id=saved['id'])}")
    assert (answer.status, answer.json()) == (200, {"customer": saved})


@pytest.mark.parametrize("key", ["b@example.com", "b@%00", "%00@"])
async def test_unknown_email_is_not_found(neopay: Client, key: str) -> None:
    assert (await neopay.get(f"/api/customers/{key}")).status == 404
