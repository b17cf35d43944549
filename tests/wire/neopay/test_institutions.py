"""Institutions."""

from __future__ import annotations

import pytest

from guichet.web.asgi import Application
from wire.applications import MakeApplication
from wire.client import Client

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_list_needs_only_the_application_key(neopay: Client) -> None:
    answer = await neopay.get("/api/institutions", authorization=None)
    assert answer.status == 200
    assert {7, 20, 22} <= {institution["id"] for institution in answer.json()["data"]}


@pytest.mark.parametrize("key", [None, "", "nonsense", "99618204-6daf-4eca-8180-c21bb8d8ee24"])
async def test_unknown_application_sees_nothing(neopay: Client, key: str | None) -> None:
    assert (await neopay.get("/api/institutions", x_app_key=key)).status == 401


async def test_wrong_token_is_not_held_against_anybody(neopay: Client) -> None:
    assert (await neopay.get("/api/institutions", authorization="nonsense")).status == 200


async def test_institution_has_the_documented_keys(neopay: Client) -> None:
    data = (await neopay.get("/api/institutions")).json()["data"]
    found = next(institution for institution in data if institution["id"] == 7)
    assert list(found.items()) == [
        ("id", 7),
        ("code", "cic-sandbox"),
        ("name", "CIC Sandbox"),
        ("medias", {"logo": None, "icon": None}),
        ("environment", "SANDBOX"),
        ("available_countries", [{"displayName": "France", "countryCode2": "FR"}]),
        ("instant_payment_enabled", True),
        ("bulk_payment_enabled", False),
    ]


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("country=fr", ["cic-sandbox"]),
        ("search=MODELO", ["modelo-sandbox"]),
        ("country=XX", []),
    ],
)
async def test_list_is_filtered(neopay: Client, query: str, codes: list[str]) -> None:
    data = (await neopay.get(f"/api/institutions?{query}")).json()["data"]
    assert [institution["code"] for institution in data] == codes


@pytest.mark.parametrize("key", ["20", "modelo-sandbox"])
async def test_one_institution_is_read_by_number_or_code(neopay: Client, key: str) -> None:
    answer = await neopay.get(f"/api/institutions/{key}")
    assert answer.json()["data"]["name"] == "Modelo Sandbox"


async def test_live_application_sees_no_sandbox_banks(
    app: Application, make_application: MakeApplication
) -> None:
    live = await make_application(environment="live")
    client = Client(app, live.headers)
    assert (await client.get("/api/institutions")).json() == {"data": []}
    assert (await client.get("/api/institutions/20")).status == 404
