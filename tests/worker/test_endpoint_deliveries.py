"""Events told to a merchant's endpoints: real receivers on sockets, foreign verifiers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from conftest import DatabaseUrls
from guichet.dialects.notchpay.ids import write_id
from guichet.domain import events
from guichet.domain.access import Application
from guichet.domain.clock import MovableClock
from guichet.domain.events import Event
from guichet.domain.ids import new_id
from guichet.domain.paging import Page
from guichet.gateway import Gateway
from guichet.services.endpoints import (
    change_endpoint,
    rotate_secret,
)
from guichet.services.payers import change_payer, list_payers, make_payer
from guichet.services.refunds import create_refund
from guichet.store import attempts, payers
from outbound.listeners import answer
from psp import Psp, connect
from services.bookkeeping import paid
from worker.conftest import NewApplication
from worker.endpoint_parts import PRIVATE_KEY, deliver_due, endpoint_at, told, told_names
from worker.parts import (
    SECRET,
    Received,
    Receiver,
    completed_payment,
    new_payment,
    receiving,
    rows,
)


def signed_with(key: bytes, body: bytes) -> str:
    return hmac.digest(key, body, hashlib.sha256).hex()


async def test_an_endpoint_is_told_in_the_documented_shape(
    gateway: Gateway, shop: Application, receiver: Receiver
) -> None:
    await endpoint_at(gateway, shop, receiver.url)
    payer = await make_payer(gateway, shop, {"email": "ada@example.cm", "name": "Ada"}, None)

    assert await deliver_due(gateway) == ["delivered"]

    (received,) = receiver.received
    (event,) = await rows(gateway, "SELECT * FROM events")
    body = json.loads(received.body)
    assert list(body) == ["id", "event", "type", "created_at", "data"]
    assert body["id"] == write_id("event", "sandbox", event["id"])
    assert body["event"] == body["type"] == "customer.created"
    assert body["data"]["id"] == write_id("customer", "sandbox", payer.id)
    assert body["data"]["email"] == "ada@example.cm"
    assert received.headers["content-type"] == "application/json"


async def test_every_signature_is_accepted_by_whoever_checks_it(
    gateway: Gateway, shop: Application, receiver: Receiver
) -> None:
    made = await endpoint_at(gateway, shop, receiver.url)
    await told(gateway, shop)

    await deliver_due(gateway)

    (received,) = receiver.received
    Webhook(made.secret).verify(received.body, received.headers)
    by_hash_key = signed_with(SECRET, received.body)
    assert received.headers["x-notch-signature"] == by_hash_key
    assert received.headers["x-notchpay-signature"] == by_hash_key
    by_private_key = signed_with(PRIVATE_KEY.encode(), received.body)
    assert received.headers["x-noth-signature"] == by_private_key


async def test_the_secret_of_another_endpoint_does_not_verify(
    gateway: Gateway, shop: Application, receiver: Receiver
) -> None:
    await endpoint_at(gateway, shop, receiver.url)
    other = await endpoint_at(gateway, shop, "http://127.0.0.1:9/", "refund.failed")
    await told(gateway, shop)

    await deliver_due(gateway)

    (received,) = receiver.received
    with pytest.raises(WebhookVerificationError):
        Webhook(other.secret).verify(received.body, received.headers)


@pytest.mark.parametrize(
    ("profile", "present", "absent"),
    [
        ("all", {"x-notch-signature", "x-noth-signature", "webhook-signature"}, set[str]()),
        ("notch", {"x-notch-signature", "x-notchpay-signature"}, {"webhook-signature"}),
        ("standard", {"webhook-id", "webhook-signature"}, {"x-notch-signature"}),
    ],
)
async def test_an_endpoint_gets_the_signatures_of_its_profile(
    gateway: Gateway,
    shop: Application,
    receiver: Receiver,
    profile: str,
    present: set[str],
    absent: set[str],
) -> None:
    await endpoint_at(gateway, shop, receiver.url, profile=profile)
    await told(gateway, shop)

    await deliver_due(gateway)

    names = receiver.received[0].headers.keys()
    assert present <= names
    assert not absent & names


@pytest.fixture
async def owner(database_urls: DatabaseUrls) -> AsyncIterator[asyncpg.Connection[Any]]:
    """The operator's connection."""
    connection = await asyncpg.connect(database_urls.owner_url)
    yield connection
    await connection.close()


async def test_a_revoked_private_key_does_not_sign(
    gateway: Gateway, shop: Application, receiver: Receiver, owner: asyncpg.Connection[Any]
) -> None:
    await endpoint_at(gateway, shop, receiver.url)
    await owner.execute("UPDATE api_keys SET revoked_at = created_at WHERE prefix = 'sk_test'")
    await told(gateway, shop)

    await deliver_due(gateway)

    assert "x-noth-signature" not in receiver.received[0].headers


async def test_both_secrets_sign_while_a_rotation_overlaps_and_one_afterwards(
    gateway: Gateway,
    shop: Application,
    receiver: Receiver,
    clock: MovableClock,
    owner: asyncpg.Connection[Any],
) -> None:
    made = await endpoint_at(gateway, shop, receiver.url)
    secret = await rotate_secret(
        owner, gateway.vault, made.endpoint.id, gateway.clock.now(), timedelta(hours=1)
    )
    assert secret != made.secret
    await told(gateway, shop)
    await deliver_due(gateway)
    (during,) = receiver.received
    for each in (made.secret, secret):
        Webhook(each).verify(during.body, during.headers)

    clock.move(timedelta(hours=1))
    await told(gateway, shop)
    await deliver_due(gateway)

    after = receiver.received[1]
    assert len(after.headers["webhook-signature"].split()) == 1
    # The reference implementation refuses what is an hour ahead of its own clock.
    signed = f"{after.headers['webhook-id']}.{after.headers['webhook-timestamp']}.".encode()
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = hmac.digest(key, signed + after.body, hashlib.sha256)
    assert after.headers["webhook-signature"] == f"v1,{base64.b64encode(expected).decode()}"


async def test_a_retry_has_the_same_id_and_bytes(
    gateway: Gateway, shop: Application, clock: MovableClock
) -> None:
    async with receiving(answer("500 Oops")) as receiver:
        made = await endpoint_at(gateway, shop, receiver.url)
        await told(gateway, shop)
        assert await deliver_due(gateway) == ["pending"]
        (payer,) = (await list_payers(gateway, shop, None, Page(1, 2))).items
        changed = payer._replace(name="changed")
        async with gateway.database.transaction() as tx:  # untold
            await payers.update(tx, changed, (None, None), None, clock.now())
        clock.move(timedelta(seconds=6))
        receiver.handler = answer()
        assert await deliver_due(gateway) == ["delivered"]
        first, second = receiver.received
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["x-notch-signature"] == second.headers["x-notch-signature"]
    Webhook(made.secret).verify(second.body, second.headers)


async def test_what_is_on_its_way_follows_a_new_address(
    gateway: Gateway, shop: Application, receiver: Receiver, clock: MovableClock
) -> None:
    made = await endpoint_at(gateway, shop, "http://127.0.0.1:9/mistyped")
    await told(gateway, shop)
    assert await deliver_due(gateway) == ["pending"]

    await change_endpoint(gateway, shop, made.endpoint.id, url=receiver.url)
    clock.move(timedelta(seconds=6))

    assert await deliver_due(gateway) == ["delivered"]
    assert len(receiver.received) == 1


async def test_an_endpoint_is_told_what_it_subscribes_to_and_no_more(
    gateway: Gateway, shop: Application, receiver: Receiver, other_receiver: Receiver
) -> None:
    await endpoint_at(gateway, shop, receiver.url, "customer.blocked", "payment.complete")
    await endpoint_at(gateway, shop, other_receiver.url, "*")
    payer = await make_payer(gateway, shop, {"email": "a@b.cm"}, None)
    await change_payer(gateway, shop, payer.id, events.CUSTOMER_BLOCKED, blocked=True)

    assert await told_names(gateway, receiver) == ["customer.blocked"]
    assert sorted(await told_names(gateway, other_receiver)) == [
        "customer.blocked",
        "customer.created",
    ]


async def test_another_applications_endpoint_hears_nothing(
    gateway: Gateway, shop: Application, receiver: Receiver, new_application: NewApplication
) -> None:
    await endpoint_at(gateway, shop, receiver.url)
    other = gateway.access.application(await new_application())
    assert other is not None
    await told(gateway, other)

    assert await deliver_due(gateway) == []


@pytest.mark.parametrize(
    ("wanted", "reason", "name"),
    [
        ("payment.canceled", "declined", "payment.canceled"),
        ("payment.expired", "timed_out", "payment.expired"),
        ("payment.failed", "insufficient_funds", "payment.failed"),
        ("*", "declined", "payment.canceled"),
        ("payment.failed", "declined", None),
        ("payment.canceled", "insufficient_funds", None),
    ],
)
async def test_a_failed_payment_is_named_by_its_reason(
    gateway: Gateway,
    shop: Application,
    receiver: Receiver,
    wanted: str,
    reason: str,
    name: str | None,
) -> None:
    payment = await new_payment(gateway, shop.id)
    await endpoint_at(gateway, shop, receiver.url, wanted)
    now = gateway.clock.now()
    event = Event(
        id=new_id(now),
        application_id=shop.id,
        type=events.PAYMENT_FAILED,
        subject_type="payment",
        subject_id=payment.id,
        version=2,
        status="failed",
        previous_status="processing",
        reason=reason,
        late=False,
        occurred_at=now,
    )
    async with gateway.database.transaction() as tx:
        await attempts.tell(tx, [event], [])

    assert await deliver_due(gateway) == ["delivered" if name else "discarded"]

    assert await told_names(gateway, receiver) == ([name] if name else [])
    if name:
        data = json.loads(receiver.received[0].body)["data"]
        assert data["status"] == name.partition(".")[2]


async def test_the_resource_is_shown_in_the_state_that_the_event_tells_of(
    gateway: Gateway, shop: Application, receiver: Receiver
) -> None:
    await endpoint_at(gateway, shop, receiver.url, "payment.processing", "payment.complete")
    await completed_payment(gateway, shop.id, "http://127.0.0.1:9/")

    await told_names(gateway, receiver)

    told_of = {
        body["event"]: (body["data"]["status"], body["data"]["completed_at"] is not None)
        for body in (json.loads(received.body) for received in receiver.received)
    }
    assert told_of == {
        "payment.processing": ("processing", False),
        "payment.complete": ("complete", True),
    }


async def test_of_a_refund_the_refund_is_shown(
    gateway: Gateway, shop: Application, receiver: Receiver
) -> None:
    psp = Psp()
    connect(gateway, psp)
    payment = await paid(gateway, psp, shop.id)
    await endpoint_at(gateway, shop, receiver.url, "refund.created", "refund.complete")
    refund = await create_refund(gateway, shop.id, payment.id, 25)

    assert sorted(await told_names(gateway, receiver)) == ["refund.complete", "refund.created"]
    bodies = {body["event"]: body["data"] for body in map(read, receiver.received)}
    assert {name: data["status"] for name, data in bodies.items()} == {
        "refund.created": "pending",
        "refund.complete": "complete",
    }
    named = write_id("refund", "sandbox", refund.id)
    assert {(data["id"], data["payment"]) for data in bodies.values()} == {
        (named, write_id("payment", "sandbox", payment.id))
    }


def read(received: Received) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(received.body)
    return body
