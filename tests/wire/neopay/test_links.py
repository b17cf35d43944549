"""Payment links: the documented calls, and the way of a link."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from guichet.dialects.neopay.app import build_app
from guichet.domain.ids import created_at
from guichet.gateway import Gateway
from guichet.settings import LinksIndexShape
from guichet.web.asgi import Application
from wire.applications import BASE_URL, MakeApplication, TestApplication
from wire.client import Answer, Client
from wire.neopay import documents

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCUMENTED = [documents.LINK, documents.LINK_WITH_COMMUNICATION]


async def made(neopay: Client, **changes: Any) -> dict[str, Any]:
    """A link by the documented request with changes."""
    answer = await neopay.post("/api/links", json.loads(documents.LINK) | changes)
    assert answer.status == 200, answer.body
    link: dict[str, Any] = answer.json()["data"]
    return link


def shape(value: Any) -> Any:
    """The keys in their order and the kinds of values; null may stand for anything."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    return type(value)


# --- as documented -------------------------------------------------------------------------------


@pytest.mark.parametrize("body", DOCUMENTED)
async def test_documented_request_makes_the_link_it_describes(neopay: Client, body: str) -> None:
    answer = await neopay.post("/api/links", body)
    link = answer.json()["data"]
    assert answer.status == 200
    assert {
        "status": "draft",
        "product": "Iphone 14 Pro",
        "amount": Decimal("350.41"),
        "description": "Iphone 14 Pro reconditionné",
        "communication": "NEOPAY-IPHONE",
        "reference": "NEOPAY-IPHONE",
        "expired_at": None,
        "request_customer_data": "full_customer",
        "show_payee_data": False,
        "enabled": True,
        "settings": json.loads(body)["settings"],
        "deleted_at": None,
    }.items() <= link.items()


async def test_answer_has_the_documented_keys_in_their_order_and_then_ours(neopay: Client) -> None:
    printed = json.loads(documents.LINK_ANSWER, parse_float=Decimal)["data"]
    body = json.loads(documents.LINK)
    body["settings"]["requestCustomerData"] = False
    del body["reference"]
    link = (await neopay.post("/api/links", body)).json()["data"]
    assert list(link)[: len(printed)] == list(printed)
    assert shape({key: link[key] for key in printed}) == shape(printed)


async def test_link_has_a_slug_an_address_and_an_id_of_its_time(
    neopay: Client, application: TestApplication
) -> None:
    link = await made(neopay)
    assert re.fullmatch(r"[A-Za-z0-9]{10}", link["slug"])
    assert link["url"] == f"{BASE_URL}/links/{link['slug']}"
    assert link["application_id"] == str(application.id)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000000Z", link["created_at"])
    moment = datetime.fromisoformat(link["created_at"])
    assert abs((created_at(UUID(link["id"])) - moment).total_seconds()) < 1.1


@pytest.mark.parametrize("key", ["id", "slug"])
async def test_link_is_shown_by_id_and_by_slug(neopay: Client, key: str) -> None:
    link = await made(neopay)
    answer = await neopay.get(f"/api/links/{link[key]}")
    assert (answer.status, answer.json()) == (200, {"data": link})


async def test_id_in_capitals_is_the_same_id(neopay: Client) -> None:
    link = await made(neopay)
    assert (await neopay.get(f"/api/links/{link['id'].upper()}")).json() == {"data": link}


async def change(
    neopay: Client, link: dict[str, Any], action: str, method: str = "PATCH"
) -> Answer:
    """An action as documented: no body, a Content-Type all the same."""
    return await neopay.call(method, f"/api/links/{link['id']}/{action}")


async def test_link_goes_the_documented_way(neopay: Client) -> None:
    link = await made(neopay)
    states = []
    for action in ("publish", "unpublish", "publish", "close"):
        answer = await change(neopay, link, action)
        assert answer.status == 200
        states.append(answer.json()["data"]["status"])
    assert states == ["published", "draft", "published", "closed"]
    assert (await neopay.get(f"/api/links/{link['id']}")).json()["data"]["status"] == "closed"


@pytest.mark.parametrize("method", ["PATCH", "POST", "PUT"])
async def test_actions_are_taken_by_three_methods(neopay: Client, method: str) -> None:
    link = await made(neopay)
    for action, status in (("publish", "published"), ("unpublish", "draft"), ("close", "closed")):
        answer = await change(neopay, link, action, method)
        assert (answer.status, answer.json()["data"]["status"]) == (200, status)


@pytest.mark.parametrize(
    ("before", "action"),
    [
        ([], "unpublish"),
        (["publish"], "publish"),
        (["close"], "close"),
        (["publish", "close"], "close"),
    ],
)
async def test_action_that_changes_nothing_is_answered_with_the_link_unchanged(
    neopay: Client, before: list[str], action: str
) -> None:
    link = await made(neopay)
    for step in before:
        await change(neopay, link, step)
    unchanged = (await neopay.get(f"/api/links/{link['id']}")).json()
    answer = await change(neopay, link, action)
    assert (answer.status, answer.json()) == (200, unchanged)


@pytest.mark.parametrize("action", ["publish", "unpublish"])
async def test_closed_link_stays_closed(neopay: Client, action: str) -> None:
    link = await made(neopay)
    await change(neopay, link, "close")
    sentence = "The payment link is closed and cannot be changed."
    answer = await change(neopay, link, action)
    assert (answer.status, answer.json()) == (
        422,
        {"message": sentence, "errors": {"status": [sentence]}},
    )


# --- lists ---------------------------------------------------------------------------------------


async def test_list_has_pages_newest_first(neopay: Client) -> None:
    links = [await made(neopay, product=f"Product {n}") for n in range(12)]
    body = (await neopay.get("/api/links?page=1")).json()
    assert [link["id"] for link in body["data"]] == [link["id"] for link in links[:1:-1]]
    assert body["data"][0] == links[-1]
    assert body["links"] == {
        "first": f"{BASE_URL}/api/links?page=1",
        "last": f"{BASE_URL}/api/links?page=2",
        "prev": None,
        "next": f"{BASE_URL}/api/links?page=2",
    }
    meta = [body["meta"][name] for name in ("current_page", "from", "to", "last_page", "total")]
    assert meta == [1, 1, 10, 2, 12]
    second = (await neopay.get("/api/links?page=2")).json()["data"]
    assert [link["id"] for link in second] == [links[1]["id"], links[0]["id"]]


async def test_empty_list_is_a_page_too(neopay: Client) -> None:
    body = (await neopay.get("/api/links")).json()
    assert (body["data"], body["meta"]["total"], body["meta"]["last_page"]) == ([], 0, 1)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=draft", 1),
        ("status=PUBLISHED", 1),
        ("status=closed", 0),
        ("status=nonsense", 0),
        ("status=", 2),
        ("reference=NEOPAY-IPHONE", 1),
        ("reference=other", 0),
        ("status=draft&reference=NEOPAY-IPHONE", 1),
    ],
)
async def test_list_is_filtered(neopay: Client, query: str, found: int) -> None:
    await made(neopay)
    await change(neopay, await made(neopay, reference=None), "publish")
    body = (await neopay.get(f"/api/links?{query}")).json()
    assert (len(body["data"]), body["meta"]["total"]) == (found, found)


async def test_list_answers_the_newest_link_alone_where_that_is_set(
    gateway: Gateway, neopay: Client
) -> None:
    settings = gateway.settings
    gateway.settings = replace(settings, links_index_shape=LinksIndexShape.DOCUMENTED)
    try:
        documented = Client(build_app(gateway), neopay.headers)
        nothing = (await documented.get("/api/links")).json()
        await made(neopay)
        newest = await made(neopay)
        assert (nothing, (await documented.get("/api/links")).json()) == (
            {"data": None},
            {"data": newest},
        )
    finally:
        gateway.settings = settings


# --- tenancy -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("PATCH", ""),
        ("PUT", ""),
        ("DELETE", ""),
        ("PATCH", "/publish"),
        ("PATCH", "/unpublish"),
        ("PATCH", "/close"),
    ],
)
@pytest.mark.parametrize("key", ["id", "slug"])
async def test_other_applications_link_is_not_found(
    app: Application,
    neopay: Client,
    make_application: MakeApplication,
    method: str,
    path: str,
    key: str,
) -> None:
    link = await made(neopay)
    stranger = Client(app, (await make_application()).headers)
    answer = await stranger.call(method, f"/api/links/{link[key]}{path}", b'{"product":"Mine"}')
    message = f"No query results for model [App\\Models\\PaymentLink] {link[key]}"
    assert (answer.status, answer.json()) == (404, {"message": message})
    assert (await neopay.get(f"/api/links/{link['id']}")).json() == {"data": link}


async def test_other_applications_links_are_not_listed(
    app: Application, neopay: Client, make_application: MakeApplication
) -> None:
    await made(neopay)
    stranger = Client(app, (await make_application()).headers)
    assert (await stranger.get("/api/links")).json()["data"] == []


@pytest.mark.parametrize(
    "key",
    [
        "98e878e8-2486-458a-b1f4-878d37398b52",
        "5EczjXZRsZ",
        "1",
        "5EczjXZRsZ1",
        "5EczjXZRs\x00",
        "é" * 10,
    ],
)
async def test_unknown_link_is_not_found(neopay: Client, key: str) -> None:
    answer = await neopay.get(f"/api/links/{key}")
    message = f"No query results for model [App\\Models\\PaymentLink] {key}"
    assert (answer.status, answer.json()) == (404, {"message": message})


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_links_need_both_credentials(neopay: Client, method: str) -> None:
    for missing in ("authorization", "x_app_key"):
        stranger = neopay.with_headers(**{missing: None})
        answer = await stranger.call(method, "/api/links", documents.LINK.encode())
        assert (answer.status, answer.json()) == (401, {"message": "Unauthenticated."})


# --- deleted -------------------------------------------------------------------------------------


async def test_deleted_link_is_out_of_sight_and_keeps_its_row(
    neopay: Client, owner: asyncpg.Connection[Any]
) -> None:
    link = await made(neopay)
    answer = await neopay.call("DELETE", f"/api/links/{link['id']}")
    deleted_at = answer.json()["data"]["deleted_at"]
    assert answer.status == 200
    assert abs((datetime.now(UTC) - datetime.fromisoformat(deleted_at)).total_seconds()) < 60
    for method, path in (("GET", ""), ("DELETE", ""), ("PATCH", ""), ("PATCH", "/publish")):
        again = await neopay.call(method, f"/api/links/{link['id']}{path}")
        assert again.status == 404
    assert (await neopay.get("/api/links")).json()["data"] == []
    assert await owner.fetchval("SELECT count(*) FROM links WHERE slug = $1", link["slug"]) == 1
