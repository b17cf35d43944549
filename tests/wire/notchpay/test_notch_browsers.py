"""What browsers are told (contract 3): preflights, and which pages may read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guichet.dialects.notchpay.app import build_app
from guichet.gateway import Gateway
from guichet.web.asgi import Asgi
from wire.client import Client
from wire.notchpay.shops import Shop

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNKNOWN_KEY = "pk_test.nobody"


@pytest.mark.parametrize("target", ["/payments", "/payments/x", "/nowhere", "/", "/refunds"])
async def test_preflight_needs_no_key(app: Asgi, target: str) -> None:
    answer = await Client(app).call(
        "OPTIONS",
        target,
        headers={
            "origin": "https://shop.example",
            "access-control-request-method": "PUT",
            "access-control-request-headers": "authorization,content-type",
        },
    )

    assert answer.status == 204
    allowed = answer.headers["access-control-allow-headers"].lower().split(", ")
    assert {
        "authorization", "content-type", "accept", "x-grant", "grant-authorization", "x-sync",
        "x-auth", "n-authorization",
    } == set(allowed)  # fmt: skip
    methods = answer.headers["access-control-allow-methods"].split(", ")
    assert methods == ["GET", "POST", "PUT", "PATCH", "DELETE"]
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    ("method", "target"), [("GET", "/payments"), ("GET", "/nowhere"), ("POST", "/payments")]
)
@pytest.mark.parametrize("key", [None, UNKNOWN_KEY, "own"])
async def test_every_answer_may_be_read_by_a_page(
    app: Asgi, shop: Shop, method: str, target: str, key: str | None
) -> None:
    client = Client(
        app, {} if key is None else {"authorization": key.replace("own", shop.public_key)}
    )

    plain = await client.call(method, target)
    asked = await client.call(method, target, headers={"origin": "https://shop.example"})

    for answer in (plain, asked):
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers
    assert "Retry-After" in asked.headers["access-control-expose-headers"]


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", {"cookie": "a=b"}),
        ("GET", {"n-authorization": UNKNOWN_KEY}),
        ("OPTIONS", {"access-control-request-headers": "content-type,N-Authorization"}),
    ],
    ids=str,
)
async def test_page_that_asks_with_credentials_is_answered_by_its_name(
    app: Asgi, method: str, headers: dict[str, str | None]
) -> None:
    origin = {"origin": "https://shop.example"}
    answer = await Client(app).call(method, "/payments", headers={**headers, **origin})

    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
async def test_only_pages_of_the_origins_that_are_set_may_read(
    gateway: Gateway, method: str
) -> None:
    settings = replace(
        gateway.settings, browser_origins="https://shop.example, https://other.example/"
    )
    client = Client(build_app(replace(gateway, settings=settings)))

    for origin in ("https://shop.example", "https://OTHER.example"):
        answer = await client.call(method, "/channels", headers={"origin": origin})
        assert answer.headers["access-control-allow-origin"] == origin
    for stranger in ({"origin": "https://evil.example"}, {"origin": "null"}, {}):
        answer = await client.call(method, "/channels", headers=stranger)
        assert "access-control-allow-origin" not in answer.headers
