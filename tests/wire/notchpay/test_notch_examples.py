"""Every example of Notch Pay's document does what the document says."""

from __future__ import annotations

import uuid

import pytest

from guichet.dialects.notchpay.openapi import examples
from wire.client import Client
from wire.examples import Shown, call, shown
from wire.notchpay.requests import customer, made, processed
from wire.notchpay.senders import kept, sent

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: What only the next moment of something else makes possible; tests of their own do.
NOT_AT_ONCE = {"DELETE /transfers/{reference}"}


async def identifier(client: Client, one: Shown) -> str:
    """Something new for the operation to be about."""
    thing = one.route.partition(" ")[2].strip("/").partition("/")[0]
    if "/bulk/" in one.route:
        new = next(each for each in shown("notchpay") if each.route == "POST /transfers/bulk")
        return str((await call(client, new)).json()["bulk_transfer"]["id"])
    match thing:
        case "payments" | "checkout" | "verify":
            return str((await made(client))["reference"])
        case "customers":
            return str((await customer(client))["id"])
        case "beneficiaries":
            return str((await kept(client, name=uuid.uuid4().hex))["id"])
        case "transfers":
            return str((await sent(client))["reference"])
        case "webhooks":
            answer = await client.post("/webhooks", examples.NEW_ENDPOINT)
            return str(answer.json()["endpoint"]["id"])
        case "refunds":
            payment = await made(client)
            await processed(client, payment["reference"])
            answer = await client.post("/refunds", {"payment": payment["reference"]})
            return str(answer.json()["refund"]["id"])
    return ""


@pytest.mark.parametrize(
    "one",
    [one for one in shown("notchpay") if one.route not in NOT_AT_ONCE],
    ids=lambda one: one.label,
)
async def test_example_succeeds(sending: Client, one: Shown) -> None:
    name = await identifier(sending, one) if "{" in one.route else ""
    if one.route == "POST /refunds":
        payment = await made(sending)
        await processed(sending, payment["reference"])
        one = one._replace(body=one.body | {"payment": payment["reference"]})

    answer = await call(sending, one, id=name, reference=name)

    assert answer.status in one.successes, answer.body
