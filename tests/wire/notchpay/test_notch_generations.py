"""What the first generations of clients expect (contract 1, row 10, and 14.5)."""

from __future__ import annotations

import pytest

from wire.client import Client
from wire.notchpay.requests import (
    made,
    processed,
    shown,
)
from wire.notchpay.shops import Shop

pytestmark = pytest.mark.asyncio(loop_scope="module")


# --- the first generation ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phone", "dialled"), [("+237691622731", "#150*50#"), ("+237670000000", "*126#")]
)
async def test_first_generation_is_told_what_to_dial(
    notch: Client, shop: Shop, phone: str, dialled: str
) -> None:
    v1 = notch.with_headers(grant_authorization=shop.private_key)
    payment = await made(v1)

    said = (await processed(v1, payment["reference"], phone)).json()

    assert said["message"] == f"Confirm your transaction by dialing {dialled}"
    assert (said["action"], said["code"]) == ("confirm", 202)


async def test_first_generation_cancels_a_transaction(notch: Client) -> None:
    v1 = notch.with_headers(grant_authorization="undefined")
    payment = await made(v1)

    answer = await v1.call("DELETE", f"/payments/{payment['reference']}")

    assert answer.json()["message"] == "Your transaction has been canceled"


# --- the paths of 2021 ---------------------------------------------------------------------------


async def test_checkout_of_2021_goes_its_whole_way(notch: Client, shop: Shop) -> None:
    v0 = notch.with_headers(authorization=None, n_authorization=shop.public_key)
    answer = await v0.post(
        "/checkout/initialize", {"email": "a@b.cm", "amount": 500, "currency": "XAF"}
    )
    body = answer.json()
    assert answer.status == 201
    assert body["redirect_url"] == body["authorization_url"]
    reference = body["transaction"]["reference"]
    assert (await v0.get(f"/verify/{reference}")).json()["status"] == "pending"

    paid = await v0.post(
        f"/checkout/{reference}", {"gateway": "mtn", "data": {"phone": "670000000"}}
    )
    assert paid.status == 202

    verified = (await v0.get(f"/verify/{reference}")).json()
    assert (verified["status"], verified["amount"]) == ("complete", 500)
    assert (await v0.get(f"/checkout/{reference}")).json()["transaction"] == verified


async def test_checkout_of_2021_is_canceled_by_put(notch: Client) -> None:
    payment = await made(notch)

    answer = await notch.call("PUT", f"/checkout/{payment['reference']}")

    assert answer.status == 202
    assert (await shown(notch, payment["reference"]))["status"] == "canceled"
