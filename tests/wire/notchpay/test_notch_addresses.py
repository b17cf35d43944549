"""Addresses that a merchant registers: where we call, and where a payer's browser is sent."""

from __future__ import annotations

from typing import Any

import pytest

from guichet.web.asgi import Asgi
from wire.client import Client
from wire.notchpay.shops import MakeShop

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Refused whoever asks: script, other schemes, and what browsers and parsers read differently.
NEVER = [
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "data:text/html,x",
    "vbscript:x", "file:///etc/passwd", "ftp://shop.example/", "//shop.example/", "/back",
    "shop.example", "https:shop.example", "https:///shop.example", "https://shop.example\\@b.example/",
    "https://user@shop.example/", "https://user:word@shop.example/", "https://a.example/\r\nA: b",
    "https://shop.example/\x7f", "https://sh op.example/", "https://shop\u3002example/",
    "http://169.254.169.254/latest/", "https://shop.example:0/",
]  # fmt: skip
#: Refused in live: they lead inside, or are read on the way.
NEVER_LIVE = [
    "http://shop.example/", "https://127.0.0.1/", "https://2130706433/", "https://[::1]/",
    "https://[::ffff:10.0.0.1]/", "https://10.0.0.8/", "https://localhost/", "https://intranet/",
    "https://metadata.google.internal/", "https://shop.local/",
]  # fmt: skip

PAYMENT: dict[str, Any] = {"amount": 5000, "currency": "XAF", "email": "ada@example.com"}
CALLS: dict[str, tuple[str, dict[str, Any], str]] = {
    "callback": ("/payments", PAYMENT, "callback"),
    "endpoint": ("/webhooks", {"events": ["payment.complete"]}, "url"),
}


@pytest.mark.parametrize(("path", "body", "field"), CALLS.values(), ids=CALLS)
async def test_live_addresses_are_public_and_encrypted(
    app: Asgi, make_shop: MakeShop, path: str, body: dict[str, Any], field: str
) -> None:
    shop = await make_shop(environment="live")
    headers = {"authorization": shop.public_key, "x-grant": shop.private_key}
    client = Client(app, headers | {"content-type": "application/json"})
    for url in NEVER + NEVER_LIVE:
        answer = await client.post(path, body | {field: url})
        assert (answer.status, list(answer.json().get("errors", {}))) == (422, [field]), url
    accepted = await client.post(path, body | {field: "https://shop.example/back?a=b#c"})
    assert accepted.status == 201


@pytest.mark.parametrize(("path", "body", "field"), CALLS.values(), ids=CALLS)
async def test_sandbox_addresses_may_be_at_home_and_are_addresses(
    notch: Client, path: str, body: dict[str, Any], field: str
) -> None:
    for url in NEVER:
        answer = await notch.post(path, body | {field: url})
        assert (answer.status, list(answer.json().get("errors", {}))) == (422, [field]), url
    assert (await notch.post(path, body | {field: "http://localhost:9000/hook"})).status == 201
