"""The same thing asked for many times at once: one answer, and the others know why not."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import asyncpg
import pytest

from wire.client import Client
from wire.notchpay.requests import PAYMENT, made, processed, shown
from wire.notchpay.senders import OPENING, TRANSFER, balance
from wire.notchpay.shops import Shop

pytestmark = pytest.mark.asyncio(loop_scope="module")

TIMES = 12


async def test_one_of_many_payments_with_the_same_reference_is_made(
    notch: Client, shop: Shop, owner: asyncpg.Connection[Any]
) -> None:
    body = {**PAYMENT, "reference": "twelve at once"}

    answers = await asyncio.gather(*(notch.post("/payments", body) for _ in range(TIMES)))

    assert Counter(answer.status for answer in answers) == {201: 1, 409: TIMES - 1}
    count = await owner.fetchval("SELECT count(*) FROM payments WHERE application_id = $1", shop.id)
    assert count == 1


async def test_many_payments_of_a_new_payer_make_one_customer(notch: Client) -> None:
    bodies = [{**PAYMENT, "email": "together@example.cm"} for _ in range(TIMES)]

    answers = await asyncio.gather(*(notch.post("/payments", body) for body in bodies))

    assert {answer.status for answer in answers} == {201}
    assert len({answer.json()["transaction"]["customer"] for answer in answers}) == 1


async def test_many_customers_of_one_address_are_made_and_one_is_found_by_it(
    notch: Client,
) -> None:
    new = {"email": "many@example.cm", "name": "Ada"}

    answers = await asyncio.gather(*(notch.post("/customers", new) for _ in range(TIMES)))

    assert Counter(answer.status for answer in answers) == {201: TIMES}
    paid = await made(notch, email="many@example.cm")
    assert paid["customer"] in {answer.json()["customer"]["id"] for answer in answers}


async def test_payment_is_processed_once(
    notch: Client, shop: Shop, owner: asyncpg.Connection[Any]
) -> None:
    payment = await made(notch)
    phones = ["+237670000000", "+237690000000"] * (TIMES // 2)

    answers = await asyncio.gather(
        *(processed(notch, payment["reference"], phone) for phone in phones)
    )

    assert Counter(answer.status for answer in answers) == {202: 1, 422: TIMES - 1}
    attempts = await owner.fetch("SELECT channel FROM attempts WHERE application_id = $1", shop.id)
    after = await shown(notch, payment["reference"])
    assert [row["channel"] for row in attempts] == [after["channel"]]
    assert after["status"] == "complete"


async def test_payment_is_processed_or_canceled_and_never_both(notch: Client) -> None:
    payments = [await made(notch) for _ in range(TIMES)]

    async def both(reference: str) -> tuple[int, int]:
        paying, canceling = await asyncio.gather(
            processed(notch, reference), notch.call("DELETE", f"/payments/{reference}")
        )
        return paying.status, canceling.status

    results = [await both(payment["reference"]) for payment in payments]

    for payment, result in zip(payments, results, strict=True):
        assert sorted(result) == [202, 422]
        after = (await shown(notch, payment["reference"]))["status"]
        assert after == ("complete" if result[0] == 202 else "canceled")


async def test_balance_for_one_transfer_is_sent_once(sending: Client) -> None:
    body = {**TRANSFER, "amount": OPENING}

    answers = await asyncio.gather(*(sending.post("/transfers", body) for _ in range(30)))

    assert Counter(answer.status for answer in answers) == {201: 1, 422: 29}
    assert {answer.json()["message"] for answer in answers} == {
        "Transfer initialized",
        "Insufficient funds",
    }
    assert (await balance(sending))["available"] == 0


async def test_refund_against_transfer_of_the_same_money_has_one_winner(sending: Client) -> None:
    payment = await made(sending)
    assert (await processed(sending, payment["reference"])).status == 202
    everything = {**TRANSFER, "amount": OPENING + payment["amount"]}
    refund = {"payment": payment["reference"]}

    answers = await asyncio.gather(
        *(
            call
            for _ in range(15)
            for call in (sending.post("/transfers", everything), sending.post("/refunds", refund))
        )
    )

    assert Counter(answer.status for answer in answers) == {201: 1, 422: 29}
    (winner,) = (answer.json() for answer in answers if answer.status == 201)
    left = 0 if "transfer" in winner else OPENING
    assert (await balance(sending))["available"] == left
