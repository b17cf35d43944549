"""What an application may choose where Notch Pay's sources disagree (contract 1 and 18)."""

from __future__ import annotations

import pytest

from guichet.dialects.notchpay.options import WireOption
from guichet.web.asgi import Asgi
from wire.client import Client, encoded
from wire.notchpay.senders import granting
from wire.notchpay.shops import MakeShop, Shop

pytestmark = pytest.mark.asyncio(loop_scope="module")

NEW = {"url": "https://shop.example/webhooks", "events": ["payment.complete"]}


async def chosen(make_shop: MakeShop, option: WireOption) -> Shop:
    return await make_shop(dialect_options=[option])


def public(app: Asgi, shop: Shop) -> Client:
    return Client(app, {"authorization": shop.public_key, "content-type": "application/json"})


async def test_missing_grant_can_be_406(app: Asgi, make_shop: MakeShop) -> None:
    client = public(app, await chosen(make_shop, WireOption.GRANT_406))
    answer = await client.get("/balance")

    assert (answer.status, answer.json()["code"], answer.json()["status"]) == (
        406,
        406,
        "Not Acceptable",
    )
    wrong = await client.get("/balance", x_grant="sk_test.nobody")
    assert wrong.status == 403


async def test_code_of_an_error_can_be_a_text(app: Asgi, make_shop: MakeShop) -> None:
    client = public(app, await chosen(make_shop, WireOption.TEXT_ERROR_CODES))

    missing = await client.get("/payments/nothing")
    assert (missing.status, missing.json()["code"]) == (404, "404")
    broken = (await client.post("/payments", {})).json()
    assert (broken["code"], set(broken["errors"])) == ("422", {"amount", "currency", "email"})
    assert (await client.get("/payments")).json()["code"] == 200


@pytest.mark.parametrize(("options", "code"), [([], 202), ([WireOption.WEBHOOKS_200], 200)])
async def test_changed_endpoint_can_be_200(
    app: Asgi, make_shop: MakeShop, options: list[str], code: int
) -> None:
    client = granting(app, await make_shop(dialect_options=options))
    made = (await client.post("/webhooks", NEW)).json()["endpoint"]
    path = f"/webhooks/{made['id']}"
    changed = await client.call("PUT", path, encoded({"active": False}))
    deleted = await client.call("DELETE", path)

    assert (changed.status, changed.json()["code"]) == (code, code)
    assert (deleted.status, deleted.json()["code"]) == (code, code)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/webhooks"),
        ("POST", "/webhooks"),
        ("GET", "/webhooks/any"),
        ("PUT", "/webhooks/any"),
        ("DELETE", "/webhooks/any"),
    ],
)
async def test_endpoints_can_ask_for_the_private_key(
    app: Asgi, make_shop: MakeShop, method: str, path: str
) -> None:
    shop = await chosen(make_shop, WireOption.WEBHOOKS_NEED_GRANT)

    assert (await public(app, shop).call(method, path)).status == 403
    assert (await granting(app, shop).call(method, path)).status in {200, 404, 422}


async def test_nothing_is_chosen_by_itself(notch: Client) -> None:
    assert (await notch.get("/balance")).status == 403
    assert (await notch.get("/payments/nothing")).json()["code"] == 404
    assert (await notch.get("/webhooks")).status == 200
