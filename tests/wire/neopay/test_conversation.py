"""What holds for every call: credentials, limits, errors, methods, tenancy."""

from __future__ import annotations

import json

import pytest

from guichet.gateway import Gateway
from guichet.store.database import Database
from guichet.web.asgi import Application
from wire.applications import MakeApplication, TestApplication
from wire.client import Client
from wire.neopay import documents

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNAUTHENTICATED = {"message": "Unauthenticated."}
NO_ID = "99618204-6daf-4eca-8180-c21bb8d8ee24"


@pytest.mark.parametrize("scheme", ["{}", "Bearer {}", "bearer {}", "BEARER   {} ", " {} "])
async def test_token_is_accepted_bare_and_as_bearer(
    neopay: Client, application: TestApplication, scheme: str
) -> None:
    answer = await neopay.get("/api/payments", authorization=scheme.format(application.token))
    assert answer.status == 200


async def test_application_key_may_have_blanks_and_capitals(
    neopay: Client, application: TestApplication
) -> None:
    answer = await neopay.get("/api/payments", x_app_key=f"{str(application.id).upper()} ")
    assert answer.status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": None},
        {"x_app_key": None},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "np_test.wrong"},
        {"authorization": "caf\xe9"},
        {"x_app_key": NO_ID},
        {"x_app_key": "nonsense"},
    ],
)
async def test_bad_credentials_are_refused(neopay: Client, headers: dict[str, str | None]) -> None:
    answer = await neopay.get("/api/payments", **headers)
    assert (answer.status, answer.json()) == (401, UNAUTHENTICATED)


async def test_token_of_one_application_does_not_open_another(
    app: Application, application: TestApplication, make_application: MakeApplication
) -> None:
    other = await make_application()
    client = Client(app, {"authorization": application.token, "x-app-key": str(other.id)})
    answer = await client.get("/api/payments")
    assert (answer.status, answer.json()) == (401, UNAUTHENTICATED)


async def test_application_of_the_other_dialect_is_unknown_here(
    app: Application, make_application: MakeApplication
) -> None:
    other = await make_application(dialect="notchpay")
    answer = await Client(app, other.headers).get("/api/institutions")
    assert (answer.status, answer.json()) == (401, UNAUTHENTICATED)


@pytest.mark.parametrize(("peer", "status"), [("192.0.2.9", 200), ("203.0.113.7", 403)])
async def test_addresses_can_be_restricted(
    app: Application, make_application: MakeApplication, peer: str, status: int
) -> None:
    guarded = await make_application(allowed_addresses=["192.0.2.0/24"])
    answer = await Client(app, guarded.headers).call("GET", "/api/payments", peer=peer)
    assert answer.status == status


async def test_forwarded_address_is_not_believed_from_just_anybody(
    app: Application, make_application: MakeApplication
) -> None:
    guarded = await make_application(allowed_addresses=["192.0.2.0/24"])
    client = Client(app, guarded.headers)
    answer = await client.get("/api/payments", x_forwarded_for="192.0.2.9")
    assert (answer.status, answer.json()) == (403, {"message": "This action is unauthorized."})


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "https://shop.example"}, 200),
        ({"origin": "https://www.shop.example:8443"}, 200),
        ({"referer": "https://shop.example/basket?x=1"}, 200),
        ({"origin": "https://evil.example", "referer": "https://shop.example/"}, 403),
        ({"origin": "https://notshop.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "https://[broken"}, 403),
        ({}, 403),
    ],
)
async def test_domains_can_be_restricted(
    app: Application, make_application: MakeApplication, headers: dict[str, str], status: int
) -> None:
    guarded = await make_application(allowed_domains=["shop.example"])
    assert (await Client(app, guarded.headers).get("/api/payments", **headers)).status == status


async def test_requests_are_limited_with_laravels_headers(
    app: Application, make_application: MakeApplication
) -> None:
    limited = await make_application(requests_per_minute=2)
    client = Client(app, limited.headers)
    answers = [await client.get(f"/api/payments/{NO_ID}") for _ in range(3)]
    assert [answer.status for answer in answers] == [404, 404, 429]
    assert [answer.headers["x-ratelimit-limit"] for answer in answers] == ["2", "2", "2"]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
    assert answers[2].json() == {"message": "Too Many Attempts."}
    assert 1 <= int(answers[2].headers["retry-after"]) <= 60


async def test_unlimited_application_sees_no_limit_headers(neopay: Client) -> None:
    assert "x-ratelimit-limit" not in (await neopay.get("/api/payments")).headers


# --- paths and methods ---------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/api/foo", "/api", "/api/link", "/api/payments/1/2"])
async def test_unknown_path_is_named(neopay: Client, path: str) -> None:
    answer = await neopay.get(path)
    message = f"The route {path[1:]} could not be found."
    assert (answer.status, answer.json()) == (404, {"message": message})


async def test_wrong_method_names_the_right_ones(neopay: Client) -> None:
    answer = await neopay.call("PUT", "/api/payments", b"{}")
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD, POST"
    assert answer.json() == {
        "message": "The PUT method is not supported for route api/payments. "
        "Supported methods: GET, HEAD, POST."
    }


@pytest.mark.parametrize("name", ["x-http-method-override", "x-method-override"])
async def test_method_cannot_be_overridden(neopay: Client, name: str) -> None:
    created = await neopay.get("/api/payments", **{name: "POST"})
    assert "data" in created.json()


async def test_head_is_get_without_a_body(neopay: Client) -> None:
    get, head = await neopay.get("/api/payments"), await neopay.call("HEAD", "/api/payments")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(get.body))


async def test_options_names_the_methods(neopay: Client) -> None:
    answer = await neopay.call("OPTIONS", "/api/customers")
    assert (answer.status, answer.headers["allow"]) == (200, "GET, HEAD, POST, PUT, PATCH")


async def test_answers_are_not_cached(neopay: Client) -> None:
    assert (await neopay.get("/api/payments")).headers["cache-control"] == "no-store, private"


# --- tenancy -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "model"),
    [
        ("GET", "/api/payments/{payment}", "Payment"),
        ("GET", "/api/customers/{customer}", "Customer"),
        ("PATCH", "/api/customers/{customer}", "Customer"),
        ("PUT", "/api/customers/{customer}", "Customer"),
    ],
)
async def test_anothers_object_does_not_exist_for_me(
    app: Application, neopay: Client, make_application: MakeApplication,
    method: str, path: str, model: str,
) -> None:  # fmt: skip
    payment = (await neopay.post("/api/payments", documents.PAYMENT)).json()["payment"]
    target = path.format(payment=payment["id"], customer=payment["customer"]["id"])
    stranger = Client(app, (await make_application()).headers)
    body = None if method == "GET" else b'{"name":"Mallory"}'
    answer = await stranger.call(method, target, body)
    key = target.rpartition("/")[2]
    message = f"No query results for model [App\\Models\\{model}] {key}"
    assert (answer.status, answer.json()) == (404, {"message": message})


async def test_anothers_customer_cannot_be_named_or_changed(
    app: Application, neopay: Client, make_application: MakeApplication
) -> None:
    mine = (await neopay.post("/api/customers", documents.CUSTOMER)).json()["customer"]
    stranger = Client(app, (await make_application()).headers)
    body = {"id": mine["id"], "name": "Mallory", "email": "mallory@example.com", "country": "GB"}
    payment = json.loads(documents.PAYMENT) | {"customer": body}
    made = (await stranger.post("/api/payments", payment)).json()["payment"]
    saved = (await stranger.post("/api/customers", body)).json()["customer"]
    assert mine["id"] not in (made["customer"]["id"], saved["id"])
    assert (await neopay.get(f"/api/customers/{mine['id']}")).json()["customer"] == mine
    assert (await neopay.get("/api/customers?name=Mallory")).json()["customers"]["data"] == []
    mallories = (await stranger.get("/api/customers?name=Mallory")).json()["customers"]["data"]
    assert [each["id"] for each in mallories] == [saved["id"]]


async def test_lists_hold_only_what_is_mine(
    app: Application, neopay: Client, make_application: MakeApplication
) -> None:
    await neopay.post("/api/payments", documents.PAYMENT)
    stranger = Client(app, (await make_application()).headers)
    assert (await stranger.get("/api/payments")).json()["data"] == []
    assert (await stranger.get("/api/customers")).json() == {"customers": {"data": []}}


@pytest.mark.parametrize("key", ["1", "nonsense", "%00", "%2e%2e", "{" + NO_ID + "}", "é", "%FF"])
@pytest.mark.parametrize("kind", ["payments", "customers", "institutions"])
async def test_id_that_is_no_uuid_is_not_found(neopay: Client, kind: str, key: str) -> None:
    assert (await neopay.get(f"/api/{kind}/{key}")).status == 404


# --- out of order --------------------------------------------------------------------------------


async def test_database_away_is_503_with_advice(neopay: Client, gateway: Gateway) -> None:
    database = gateway.database
    gateway.database = Database("postgresql://nobody@localhost:1/none", 1)
    answer = await neopay.post("/api/payments", documents.PAYMENT)
    gateway.database = database
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) >= 1
