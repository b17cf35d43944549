"""Orange, and whoever has no operator's account, through the aggregator: Notch Pay itself."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg
import httpx2
import pytest

from guichet.gateway import Gateway
from guichet.server import notices
from guichet.services.attempts import refresh_attempt
from guichet.services.notices import notice_url
from guichet.services.refunds import read_refund, refresh_refund
from guichet.web.asgi import Asgi
from rails.notchpay.stage import CREDENTIALS
from wire.client import Answer, Client, encoded
from wire.notchpay.requests import made, processed, shown
from wire.notchpay.senders import balance, enrich, granting, sent
from wire.notchpay.shops import MakeShop, Shop, connected

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIVE = {"public_key": "pk.x", "private_key": "sk.x", "hash_key": "hsk.x"}


async def attempt_of(owner: asyncpg.Connection[Any], shop: Shop) -> Any:
    return await owner.fetchrow(
        "SELECT * FROM attempts WHERE application_id = $1 ORDER BY created_at DESC LIMIT 1", shop.id
    )


def at_the_aggregator(url: str, key: UUID) -> dict[str, Any]:
    """What the aggregator's own book says of our order."""
    state = httpx2.get(f"{url}/_control/state", trust_env=False).json()
    (found,) = (each for each in state["orders"] if each["merchant_reference"] == key.hex)
    order: dict[str, Any] = found
    return order


async def test_payment_by_orange_goes_through_the_aggregator(
    notch: Client, shop: Shop, owner: asyncpg.Connection[Any], aggregator_url: str
) -> None:
    payment = await made(notch)
    body = {"channel": "cm.orange", "data": {"phone": "+237690000000"}}

    await notch.call("PUT", f"/payments/{payment['reference']}", encoded(body))

    assert (await shown(notch, payment["reference"]))["status"] == "complete"
    attempt = await attempt_of(owner, shop)
    assert (attempt["rail"], attempt["channel"]) == ("notchpay", "cm.orange")
    theirs = at_the_aggregator(aggregator_url, attempt["id"])
    assert theirs["reference"] == attempt["provider_reference"]
    assert (theirs["channel"], theirs["moved"]) == ("cm.orange", "5000")


@pytest.mark.parametrize(
    ("channel", "phone"),
    [("ci.moov", "+2250100000000"), ("sn.free", "+221760000000"), ("bj.moov", "+2290195000000")],
)
async def test_payment_by_a_channel_that_nobody_has_an_account_for(
    notch: Client, channel: str, phone: str
) -> None:
    payment = await made(notch, currency="XOF")
    body = {"channel": channel, "data": {"phone": phone}}

    answer = await notch.call("PUT", f"/payments/{payment['reference']}", encoded(body))

    assert answer.status == 202, answer.body
    assert (await shown(notch, payment["reference"]))["status"] == "complete"


async def test_payment_whose_answer_was_lost_is_processing_until_it_is_known(
    notch: Client, shop: Shop, gateway: Gateway, owner: asyncpg.Connection[Any], aggregator_url: str
) -> None:
    payment = await made(notch)
    http = {"operation": "get_payment", "kind": "error", "times": 5}
    httpx2.post(f"{aggregator_url}/_control/faults", json=http, trust_env=False)

    await processed(notch, payment["reference"], "+237690000007")

    assert (await shown(notch, payment["reference"]))["status"] == "processing"
    attempt = await attempt_of(owner, shop)
    assert attempt["status"] == "unknown"
    httpx2.request("DELETE", f"{aggregator_url}/_control/faults", trust_env=False)
    await refresh_attempt(gateway, attempt["id"])
    assert (await shown(notch, payment["reference"]))["status"] == "complete"


async def test_transfer_to_orange_goes_through_the_aggregator(
    sending: Client, owner: asyncpg.Connection[Any], shop: Shop
) -> None:
    to = {"name": "Amina Kamga", "phone": "+237690000000"}

    transfer = await sent(sending, channel="cm.orange", beneficiary_data=to)

    assert transfer["status"] == "complete"
    rail = await owner.fetchval("SELECT rail FROM transfers WHERE application_id = $1", shop.id)
    assert rail == "notchpay"


async def test_refund_of_a_payment_by_orange_is_given_by_the_aggregator(
    app: Asgi, shop: Shop, gateway: Gateway
) -> None:
    client = granting(app, shop)
    payment = await made(client)
    await processed(client, payment["reference"], "+237690000000")

    refund = (await client.post("/refunds", {"payment": payment["reference"]})).json()["refund"]

    async with gateway.database.connection() as connection:
        found = await connection.fetchrow(
            "SELECT id FROM refunds WHERE application_id = $1", shop.id
        )
    assert found is not None
    await refresh_refund(gateway, await read_refund(gateway, shop.id, found["id"]))
    after = (await client.get(f"/refunds/{refund['id']}")).json()["refund"]
    assert (after["status"], after["amount"]) == ("complete", 5000)
    assert (await balance(client))["available"] == 0


async def test_live_application_with_an_account_there_collects_and_sends_by_every_channel(
    app: Asgi, make_shop: MakeShop, gateway: Gateway, owner: asyncpg.Connection[Any]
) -> None:
    live = await make_shop(environment="live")
    await connected(gateway, owner, live, "notchpay", LIVE)

    found = (await granting(app, live).get("/channels?country=CM")).json()["items"]

    assert [each["id"] for each in found] == ["cm.mtn", "cm.orange", "cm.mobile"]


async def test_live_account_without_a_private_key_sends_nothing(
    app: Asgi, make_shop: MakeShop, gateway: Gateway, owner: asyncpg.Connection[Any]
) -> None:
    live = await make_shop(environment="live")
    await enrich(owner, live)
    await connected(gateway, owner, live, "notchpay", {"public_key": "pk.x"})
    body = {"amount": 100, "currency": "XAF", "channel": "cm.orange", "recipient": "+237690000000"}

    answer = await granting(app, live).post("/transfers", body)

    assert (answer.status, list(answer.json()["errors"])) == (422, ["channel"])


# Notices ------------------------------------------------------------------------------------------


class Knocking:
    """Somebody who posts webhooks to the address of the default account, or of another."""

    def __init__(self, gateway: Gateway) -> None:
        self._client = Client(notices.build_app(gateway))
        self._gateway = gateway

    async def knock(
        self, body: bytes, signature: str | None, account: UUID | None = None
    ) -> Answer:
        vault = self._gateway.vault
        path = urlsplit(notice_url("http://x", vault, "notchpay", "sandbox", account)).path
        headers = {"content-type": "application/json", "x-notch-signature": signature}
        return await self._client.call("POST", path, body, headers=headers)


def signed(body: bytes, key: str = CREDENTIALS.hash_key) -> str:
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


def webhook(key: str, event: str = "payment.complete") -> bytes:
    data = {"reference": "trx.test_x", "merchant_reference": key, "status": "complete"}
    return json.dumps({"id": f"evt_test.{uuid4().hex}", "event": event, "data": data}).encode()


async def hints(owner: asyncpg.Connection[Any]) -> int:
    count: int = await owner.fetchval("SELECT count(*) FROM rail_notices")
    return count


async def test_signed_webhook_is_a_hint_however_often_it_comes(
    notch: Client, shop: Shop, gateway: Gateway, owner: asyncpg.Connection[Any]
) -> None:
    payment = await made(notch)
    await processed(notch, payment["reference"], "+237690000005")
    body = webhook((await attempt_of(owner, shop))["id"].hex)
    before = await hints(owner)

    statuses = [(await Knocking(gateway).knock(body, signed(body))).status for _ in range(2)]

    assert (statuses, await hints(owner)) == ([200, 200], before + 1)
    assert (await shown(notch, payment["reference"]))["status"] == "processing"


@pytest.mark.parametrize(
    "forge",
    [
        lambda body: (body, None),
        lambda body: (body, ""),
        lambda body: (body, signed(body)[:-1]),
        lambda body: (body, signed(body).upper()),
        lambda body: (body, signed(body, CREDENTIALS.private_key)),
        lambda body: (body, hmac.new(b"", body, hashlib.sha256).hexdigest()),
        lambda body: (body + b" ", signed(body)),
        lambda body: (body.replace(b"complete", b"failed"), signed(body)),
        lambda body: (body, "é"),
        lambda _: (b"[]", signed(b"[]")),
        lambda _: (b"{", signed(b"{")),
    ],
    ids=range(11),
)
async def test_forged_webhook_changes_nothing(
    gateway: Gateway, owner: asyncpg.Connection[Any], forge: Any
) -> None:
    before = await hints(owner)

    answer = await Knocking(gateway).knock(*forge(webhook(uuid4().hex)))

    assert (answer.status, await hints(owner)) == (401, before)


async def test_webhook_signed_by_another_merchants_account_is_refused(
    make_shop: MakeShop, gateway: Gateway, owner: asyncpg.Connection[Any]
) -> None:
    keys = {"public_key": "pk_test.a", "hash_key": "hsk_test.another"}
    account = await connected(gateway, owner, await make_shop(), "notchpay", keys)
    body = webhook(uuid4().hex)

    assert (await Knocking(gateway).knock(body, signed(body), account)).status == 401
    own = signed(body, "hsk_test.another")
    assert (await Knocking(gateway).knock(body, own, account)).status == 200
    assert (await Knocking(gateway).knock(body, own)).status == 401
