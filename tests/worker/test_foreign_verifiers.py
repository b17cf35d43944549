"""Every event of both APIs, told to real receivers, is accepted by verifiers that are not ours: the
reference implementation of Standard Webhooks, and Node's crypto over bodies that JavaScript has
parsed and written again.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from standardwebhooks.webhooks import Webhook

from conftest import fresh_database
from gateways import (
    APPLICATION_ID,
    OTHER_APPLICATION_ID,
    SECRET_KEY,
    WEBHOOK_SECRET,
    caller_of,
    running_gateway,
    seed,
)
from guichet.dialects.notchpay.event_names import NAMES, core_types
from guichet.domain import events
from guichet.domain.access import Application
from guichet.domain.channels import CHANNELS
from guichet.domain.events import Event
from guichet.domain.ids import new_id
from guichet.domain.orders import Destination
from guichet.embedded import Endpoints
from guichet.gateway import Gateway
from guichet.services.beneficiaries import NewBeneficiary, create_beneficiary
from guichet.services.payers import make_payer
from guichet.services.payments import create_payment
from guichet.services.refunds import create_refund
from guichet.services.transfers import create_transfer
from guichet.store import attempts
from guichet.store.attempts import NewDelivery
from guichet.vault import Vault
from orders import order
from psp import connect
from services.bookkeeping import paid
from services.sending import sending_psp, wanted
from worker.endpoint_parts import PRIVATE_KEY, deliver_due, endpoint_at
from worker.javascript import by_hash, by_neopay, by_standard, restringified
from worker.parts import Received, receiving, rows

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: What a program in JavaScript would write otherwise if we let it.
AWKWARD = {
    "a": "a name that is shorter than an index",
    "10": "indexes first",
    "9": {"1": 1, "0": 0, "-1": -1, "01": "no index"},
    "4294967296": "too large for an index",
    "text": 'Ünïcode — ‘quotes’ </script> \u2028 😀 \\ " \t \x1f \x7f',
    "whole": 5000,
    "large": 123_456_789_012_345,
    "part": 0.1,
    "nested": [{"b": None, "a": True}, [], {}],
}
LARGE_MINOR = 123_456_789_012_345
NAME = "Ñandú 😀 \u2028 O’Brien <&>"

#: The state in which each event leaves its subject, where the event's own word is not it.
_STATES = {
    events.PAYMENT_CREATED: "pending",
    events.PAYMENT_PARTIALLY_REVERSED: "completed",
    events.TRANSFER_CREATED: "initiated",
    events.REFUND_CREATED: "initiated",
}
#: Why a payment failed decides what that is called.
_REASONS = ("insufficient_funds", "declined", "timed_out")


def event(
    application: Application, type_: str, subject_id: UUID, gateway: Gateway, reason: str | None
) -> Event:
    """An event of the type, about the subject, as the core would write it."""
    noun, _, word = type_.partition(".")
    now = gateway.clock.now()
    return Event(
        id=new_id(now),
        application_id=application.id,
        type=type_,
        subject_type=noun,
        subject_id=subject_id,
        version=2,
        status=_STATES.get(type_, word),
        previous_status=None,
        reason=reason,
        late=False,
        occurred_at=now,
    )


async def subjects(gateway: Gateway, shop: Application) -> dict[str, UUID]:
    """One of each kind of thing that events are about, with awkward texts and numbers, by noun."""
    kept = json.dumps({"metadata": AWKWARD})
    psp = sending_psp()
    connect(gateway, psp)
    payment = await paid(gateway, psp, shop.id)
    await rows(
        gateway,
        "UPDATE payments SET details = $1::text::jsonb, amount_minor = $2, returned_minor = 1"
        " WHERE id = $3",
        *(kept, LARGE_MINOR, payment.id),
    )
    refund = await create_refund(gateway, shop.id, payment.id, 25)
    destination = Destination(NAME, "cm.mtn", "+237670000000", "CM")
    new = wanted(50, destination=destination, description=NAME, details=kept)
    transfer = await create_transfer(gateway, shop, new)
    customer = await make_payer(gateway, shop, {"email": "a@b.cm", "name": NAME}, kept)
    to = NewBeneficiary(NAME, CHANNELS["cm.mtn"], "+237670000000", description=NAME, details=kept)
    beneficiary = await create_beneficiary(gateway, shop, to)
    endpoint = await endpoint_at(gateway, shop, "http://127.0.0.1:9/", "refund.failed")
    return {
        "payment": payment.id,
        "refund": refund.id,
        "transfer": transfer.id,
        "customer": customer.id,
        "beneficiary": beneficiary.id,
        "endpoint": endpoint.endpoint.id,
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(cluster_endpoints: Endpoints) -> AsyncIterator[Gateway]:
    """Two applications: Neopay's, and one of Notch Pay's whose private key signs."""
    async with fresh_database(cluster_endpoints) as urls:
        await seed(urls.owner_url)
        owner = await asyncpg.connect(urls.owner_url)
        await owner.execute(
            "UPDATE applications SET dialect = 'notchpay' WHERE id = $1", OTHER_APPLICATION_ID
        )
        await owner.execute(
            "INSERT INTO api_keys (digest, application_id, role, prefix, sealed, created_at)"
            " VALUES (sha256($1), $2, 'secret', 'sk_test', $3, now())",
            PRIVATE_KEY.encode(),
            OTHER_APPLICATION_ID,
            Vault([SECRET_KEY]).seal(PRIVATE_KEY.encode()),
        )
        await owner.close()
        async with running_gateway(urls.serving_url) as running:
            yield running


class Told(NamedTuple):
    """What two endpoints got, and their secrets."""

    deliveries: Sequence[Received]
    secrets: Sequence[str]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def told(gateway: Gateway) -> AsyncIterator[Told]:
    """Every event told to an endpoint for everything, and to one that knows an older name."""
    shop = caller_of(gateway, OTHER_APPLICATION_ID).application
    about = await subjects(gateway, shop)
    async with receiving() as receiver, receiving() as other_receiver:
        everything = await endpoint_at(gateway, shop, receiver.url)
        older = await endpoint_at(gateway, shop, other_receiver.url, "transfer.sent")
        happened = [
            event(shop, type_, about[type_.partition(".")[0]], gateway, reason)
            for type_ in core_types("*")
            for reason in (_REASONS if type_ == events.PAYMENT_FAILED else (None,))
        ]
        async with gateway.database.transaction() as tx:
            await attempts.tell(tx, happened, [])
        while await deliver_due(gateway):
            pass
        secrets = [everything.secret] * len(receiver.received)
        secrets += [older.secret] * len(other_receiver.received)
        yield Told([*receiver.received, *other_receiver.received], secrets)


async def test_every_event_is_told_under_each_of_its_names(told: Told) -> None:
    names = {json.loads(received.body)["event"] for received in told.deliveries}

    assert names == NAMES - {"*", "payment.cancelled"}


async def test_standard_webhooks_accepts_every_delivery(told: Told) -> None:
    for received, secret in zip(told.deliveries, told.secrets, strict=True):
        Webhook(secret).verify(received.body, received.headers)


async def test_javascript_accepts_every_delivery_though_it_wrote_the_body_anew(told: Told) -> None:
    signed = [
        each
        for received, secret in zip(told.deliveries, told.secrets, strict=True)
        for each in (
            by_hash(received, "x-notch-signature", WEBHOOK_SECRET.decode()),
            by_hash(received, "x-notchpay-signature", WEBHOOK_SECRET.decode()),
            by_hash(received, "x-noth-signature", PRIVATE_KEY),
            by_standard(received, secret),
        )
    ]

    verdicts = restringified(signed)

    wrong = [each.body.decode() for each, verdict in zip(signed, verdicts, strict=True)
             if verdict != "valid"]  # fmt: skip
    assert wrong == []


async def test_the_javascript_check_has_teeth(told: Told) -> None:
    received = told.deliveries[0]
    spaced = Received(received.headers, received.body.replace(b":", b": ", 1))
    changed = Received(received.headers, received.body.replace(b'"data"', b'"date"', 1))

    signed = [by_hash(each, "x-noth-signature", PRIVATE_KEY) for each in (spaced, changed)]

    assert restringified(signed) == ["valid", "invalid"]


_PAYMENT_EVENTS = [value for name, value in vars(events).items() if name.startswith("PAYMENT_")]
#: In minor units of a currency with decimals: JavaScript writes 122.40 as 122.4, 100.00 as 100.
_AMOUNTS_MINOR = (12_244, 12_240, 10_000, 5, LARGE_MINOR)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def notifications(gateway: Gateway) -> AsyncIterator[Sequence[Received]]:
    """Every event of payments as Neopay's ``callback_url`` is told it, for several amounts."""
    caller = caller_of(gateway, APPLICATION_ID)
    happened = []
    for minor in _AMOUNTS_MINOR:
        payment = (await create_payment(gateway, caller, order())).payment
        await rows(
            gateway,
            "UPDATE payments SET amount_minor = $2::bigint, fee_minor = $2::bigint / 5,"
            " reference = $3 WHERE id = $1",
            *(payment.id, minor, NAME + '0.10 "7.0",1.50} \\'),
        )
        happened += [
            event(caller.application, each, payment.id, gateway, None) for each in _PAYMENT_EVENTS
        ]
    async with receiving() as receiver:
        deliveries = [
            NewDelivery(new_id(each.occurred_at), each.id, APPLICATION_ID, receiver.url,
                        each.occurred_at)
            for each in happened
        ]  # fmt: skip
        async with gateway.database.transaction() as tx:
            await attempts.tell(tx, happened, deliveries)
        while await deliver_due(gateway):
            pass
        yield receiver.received


async def test_every_event_of_every_payment_is_notified(notifications: Sequence[Received]) -> None:
    assert len(notifications) == len(_AMOUNTS_MINOR) * len(_PAYMENT_EVENTS)


async def test_standard_webhooks_accepts_every_notification(
    notifications: Sequence[Received],
) -> None:
    for received in notifications:
        received.verify(WEBHOOK_SECRET)


async def test_javascript_accepts_every_notification_though_it_wrote_the_body_anew(
    notifications: Sequence[Received],
) -> None:
    signed = [by_neopay(received, WEBHOOK_SECRET) for received in notifications]

    verdicts = restringified(signed)

    wrong = [each.body.decode() for each, verdict in zip(signed, verdicts, strict=True)
             if verdict != "valid"]  # fmt: skip
    assert wrong == []
