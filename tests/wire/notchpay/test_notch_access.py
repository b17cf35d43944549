"""Who may call what, by which header (contract 4), and who answers which path."""

from __future__ import annotations

import json
from typing import Any

import pytest

from guichet.gateway import Gateway
from guichet.server.site import Site
from guichet.web.asgi import Asgi
from wire.client import Client
from wire.notchpay.requests import PAYMENT, customer, made
from wire.notchpay.senders import granting
from wire.notchpay.shops import MakeShop, Shop

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNKNOWN_KEY = "pk_test.nobody"


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "{public}"},
        {"authorization": "Bearer {public}"},
        {"authorization": "bearer  {public}"},
        {"authorization": "{private}"},
        {"n-authorization": "{public}"},
        {"authorization": "{public}", "x-grant": "undefined"},
        {"authorization": "{public}", "grant-authorization": "sk_test.nobody"},
        {"authorization": "{public}", "x-auth": "", "x-sync": "acct_1"},
    ],
    ids=str,
)
async def test_account_is_known_by_its_key(app: Asgi, shop: Shop, headers: dict[str, str]) -> None:
    keys = {"public": shop.public_key, "private": shop.private_key}
    client = Client(app, {name: text.format(**keys) for name, text in headers.items()})

    assert (await client.get("/payments")).status == 200


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "API key is missing"),
        ({"authorization": ""}, "API key is missing"),
        ({"authorization": "Bearer "}, "API key is missing"),
        ({"x-grant": "{private}"}, "API key is missing"),
        ({"authorization": UNKNOWN_KEY}, "Invalid API key"),
        ({"authorization": "np_test.x"}, "Invalid API key"),
        ({"authorization": "é"}, "Invalid API key"),
    ],
    ids=str,
)
async def test_missing_or_unknown_key_is_401(
    app: Asgi, shop: Shop, headers: dict[str, str], message: str
) -> None:
    client = Client(
        app, {name: text.format(private=shop.private_key) for name, text in headers.items()}
    )

    for method, target in (("GET", "/payments"), ("POST", "/payments"), ("GET", "/")):
        answer = await client.call(method, target)
        assert answer.status == 401
        assert answer.json() == {"code": 401, "status": "Unauthorized", "message": message}


async def test_revoked_key_is_401(notch: Client, shop: Shop, gateway: Gateway, owner: Any) -> None:
    await owner.execute("UPDATE api_keys SET revoked_at = now() WHERE application_id = $1", shop.id)
    await gateway.access.refresh()

    assert (await notch.get("/payments")).status == 401


async def test_key_of_the_other_api_is_401(app: Asgi, make_application: Any) -> None:
    application = await make_application()

    assert (await Client(app, application.headers).get("/payments")).status == 401


READS = [
    "/payments",
    "/payments/search?query=x",
    "/customers",
    "/customers/{customer}",
    "/customers/{customer}/payments",
    "/customers/{customer}/payment_methods",
]


@pytest.mark.parametrize("target", READS)
async def test_live_lists_and_customers_ask_for_the_private_key(
    app: Asgi, make_shop: MakeShop, target: str
) -> None:
    shop = await make_shop(environment="live")
    client = Client(app, {"authorization": shop.public_key})
    target = target.format(customer=(await customer(granting(app, shop)))["id"])

    answer = await client.get(target)
    assert answer.status == 403
    assert answer.json() == {
        "code": 403,
        "status": "Forbidden",
        "message": "This endpoint requires additional authentication",
    }
    wrong = await client.get(target, x_grant="sk.nobody")
    assert (wrong.status, wrong.json()["message"]) == (403, "Invalid grant key")
    for header in ("x-grant", "grant-authorization", "x-auth", "authorization"):
        assert (await client.get(target, **{header: shop.private_key})).status == 200


async def test_live_lists_are_open_where_the_application_says_so(
    app: Asgi, make_shop: MakeShop
) -> None:
    shop = await make_shop(environment="live", public_key_reads=True)

    client = Client(app, {"authorization": shop.public_key})
    assert (await client.get("/payments")).status == 200


async def test_grant_of_another_account_is_wrong(app: Asgi, make_shop: MakeShop) -> None:
    shop, other = await make_shop(environment="live"), await make_shop(environment="live")
    client = Client(app, {"authorization": shop.public_key})

    assert (await client.get("/payments", x_grant=other.private_key)).status == 403


async def test_live_ids_say_so(app: Asgi, make_shop: MakeShop) -> None:
    shop = await make_shop(environment="live")
    client = Client(app, {"authorization": shop.private_key})

    payment = await made(client)

    assert payment["reference"].startswith("trx.")
    assert not payment["reference"].startswith("trx.test")
    assert payment["sandbox"] == 0


@pytest.mark.parametrize(
    ("method", "rest"), [("GET", ""), ("PUT", ""), ("POST", ""), ("DELETE", "")]
)
@pytest.mark.parametrize("name", ["reference", "id", "merchant_reference"])
async def test_payment_of_another_merchant_is_not_found(
    notch: Client, make_shop: MakeShop, method: str, rest: str, name: str
) -> None:
    payment = await made(notch, reference=f"mine {method} {name}")
    other = notch.with_headers(authorization=(await make_shop()).private_key)

    target = f"/payments/{payment[name]}{rest}".replace(" ", "%20")
    body = b'{"channel":"cm.mtn","data":{"phone":"670000000"}}'
    answer = await other.call(method, target, body)

    assert answer.status == 404
    assert answer.json() == {"code": 404, "status": "Not Found", "message": "Payment not found"}
    assert (await notch.get(f"/payments/{payment['reference']}")).json()["payment"] == payment
    assert (await other.get("/payments")).json()["totals"] == 0


async def test_customer_of_another_merchant_pays_nothing(
    notch: Client, make_shop: MakeShop
) -> None:
    known = await customer(notch)
    other = notch.with_headers(authorization=(await make_shop()).public_key)

    body = {"amount": 5, "currency": "XAF", "customer": known["id"]}
    answer = await other.post("/payments", body)

    assert answer.status == 422
    assert answer.json()["errors"] == {"customer": ["The selected customer is invalid."]}


async def test_address_that_the_application_does_not_allow_is_403(
    app: Asgi, make_shop: MakeShop
) -> None:
    shop = await make_shop(allowed_addresses=["198.51.100.0/24"])
    client = Client(app, {"authorization": shop.public_key})

    assert (await client.get("/payments")).status == 403
    assert (await client.call("GET", "/payments", peer="198.51.100.7")).status == 200


async def test_limit_is_told_and_kept(app: Asgi, make_shop: MakeShop) -> None:
    shop = await make_shop(requests_per_minute=2)
    client = Client(app, {"authorization": shop.public_key})

    left = [(await client.get("/channels")).headers["x-ratelimit-remaining"] for _ in range(2)]
    refused = await client.get("/channels")

    assert left == ["1", "0"]
    assert refused.status == 429
    assert refused.json() == {
        "code": 429,
        "status": "Too Many Requests",
        "message": "Too many requests",
    }
    assert {"retry-after", "x-ratelimit-limit", "x-ratelimit-reset"} <= refused.headers.keys()


async def test_answers_stay_in_no_cache(notch: Client) -> None:
    answer = await notch.get("/payments")

    assert answer.headers["cache-control"] == "no-store, private"


# --- the site ------------------------------------------------------------------------------------


@pytest.fixture
def site(gateway: Gateway) -> Client:
    made = Site()
    made.open(gateway)
    return Client(made)


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "{}"},
        {"n-authorization": "{}", "accept": "text/html"},
        {"authorization": "{}", "accept": "application/json, text/plain, */*"},
    ],
    ids=str,
)
async def test_greeting_has_five_keys(site: Client, shop: Shop, headers: dict[str, str]) -> None:
    answer = await site.call(
        "GET", "/", headers={name: text.format(shop.public_key) for name, text in headers.items()}
    )

    assert answer.status == 200
    assert answer.json() == {
        "env": "sandbox",
        "code": 200,
        "message": "Welcome to this gateway",
        "merchant": "Boutique",
        "greeting": "Hello from Notch Pay",
    }


async def test_client_without_a_key_gets_json_at_the_root(site: Client) -> None:
    answer = await site.get("/", accept="application/json")

    assert (answer.status, answer.json()["message"]) == (401, "API key is missing")


@pytest.mark.parametrize("headers", [{}, {"accept": "text/html,*/*"}, {"accept": "*/*"}], ids=str)
async def test_browser_gets_the_home_page(site: Client, headers: dict[str, str]) -> None:
    answer = await site.get("/", **headers)

    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    "target", ["/identity", "/payment-methods", "/payments/x/y", "/paymentsx", "/a/b/c", "/%00"]
)
async def test_unknown_path_is_json_for_a_client_with_a_key(
    site: Client, shop: Shop, target: str
) -> None:
    answer = await site.get(target, authorization=shop.public_key)

    assert answer.status == 404
    assert answer.json() == {"code": 404, "status": "Not Found", "message": "Not Found"}


async def test_unknown_path_is_a_page_for_a_browser(site: Client) -> None:
    answer = await site.get("/identity")

    assert answer.status == 404
    assert answer.headers["content-type"].startswith("text/html")


async def test_page_stays_a_page_behind_a_proxy_that_sends_credentials(site: Client) -> None:
    answer = await site.get("/pay/00/x", authorization="Basic eA==")

    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("headers", [{}, {"authorization": "pk_test.x"}], ids=str)
async def test_documents_of_both_apis_need_no_key(site: Client, headers: dict[str, str]) -> None:
    for name in ("neopay", "notchpay"):
        answer = await site.get(f"/openapi/{name}.json", **headers)
        assert (answer.status, answer.json()["openapi"]) == (200, "3.1.1")


async def test_before_the_gateway_is_there_clients_get_json() -> None:
    answer = await Client(Site()).get("/payments")

    assert answer.status == 503
    assert json.loads(answer.body) == {
        "code": 503,
        "status": "Service Unavailable",
        "message": "Service Unavailable",
    }
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("method", "target", "allowed"),
    [
        ("PATCH", "/payments", "GET, HEAD, POST"),
        ("GET", "/payments/initialize", "POST"),
        ("PATCH", "/payments/x", "GET, HEAD, POST, PUT, DELETE"),
        ("DELETE", "/customers", "GET, HEAD, POST"),
        ("POST", "/channels", "GET, HEAD"),
    ],
)
async def test_wrong_method_is_405_and_names_the_right_ones(
    site: Client, shop: Shop, method: str, target: str, allowed: str
) -> None:
    answer = await site.call(method, target, headers={"authorization": shop.public_key})

    assert answer.status == 405
    assert answer.headers["allow"] == allowed
    assert answer.json()["code"] == 405


async def test_body_of_a_read_is_ignored(notch: Client) -> None:
    """The PHP client sends one with every call."""
    payment = await made(notch)

    for body in (b"[]", b"{}", b"{", b"\xff", b"x=1"):
        answer = await notch.call("GET", f"/payments/{payment['reference']}", body)
        assert answer.status == 200
    assert (await notch.call("GET", "/payments", b"[]")).status == 200


async def test_large_body_is_413(notch: Client) -> None:
    answer = await notch.post("/payments", {**PAYMENT, "metadata": {"x": "y" * 300_000}})

    assert answer.status == 413
    assert answer.json()["code"] == 413
