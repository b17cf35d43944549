"""What can become of a payment, seen by its payer in a browser, by the shop and in the books."""

from __future__ import annotations

import json

import pytest

from journeys.conftest import NewPayer
from journeys.house import House, Shop, until
from journeys.payer import Payer

PAID = {"rail_float": 35041, "merchant_available": 35041}


async def test_accepted_at_the_bank(house: House, shop: Shop, payer: Payer) -> None:
    payment = await house.create(shop)
    await payer.open(payment)
    await payer.sees("Pay John Doe")
    await payer.go_to_bank()
    await payer.accept()
    await payer.sees("Payment completed")

    assert await house.status(payment) == "completed"
    await shop.has_heard("completed")
    assert await house.books() == PAID


async def test_refused_at_the_bank(house: House, shop: Shop, payer: Payer) -> None:
    payment = await house.create(shop)
    await payer.open(payment)
    await payer.go_to_bank()
    await payer.review()
    await payer.press("Refuse")
    await payer.sees("Payment not made")
    await payer.is_told("refused at your bank")

    assert await house.status(payment) == "declined"
    await shop.has_heard("declined")
    assert await house.books() == {}
    await payer.page.get_by_role("link", name="Return to Tests").click()
    await payer.sees("Thanks")
    assert shop.visits == [f"payment_id={payment['id']}&status=declined&reference=JHONDOE-42"]


@pytest.mark.parametrize(
    ("user", "words"),
    [("AM04", "does not hold enough money"), ("AC04", "Your bank can tell you why")],
)
async def test_rejected_by_the_bank(house: House, payer: Payer, user: str, words: str) -> None:
    payment = await house.create()
    await payer.open(payment)
    await payer.go_to_bank()
    await payer.accept(user)
    await payer.sees("Payment not made")
    await payer.is_told(words)

    assert await house.books() == {}


async def test_abandoned_at_the_bank(
    house: House, shop: Shop, payer: Payer, new_payer: NewPayer
) -> None:
    payment = await house.create(shop)
    async with new_payer() as first:
        await first.open(payment)
        await first.go_to_bank()
        await first.log_in()
    assert await house.status(payment) == "pending"

    house.pass_time(days=1)
    await house.becomes(payment, "expired", minutes=1)
    await shop.has_heard("expired")
    await payer.open(payment)
    await payer.sees("Payment expired")
    assert [consent["status"] for consent in await house.bank_consents()] == ["REVOKED"]
    assert await house.books() == {}


async def test_never_begun(house: House, shop: Shop, payer: Payer) -> None:
    payment = await house.create(shop)
    house.pass_time(days=2)
    await payer.open(payment)
    await payer.sees("Payment expired")
    await shop.has_heard("expired")

    assert await house.bank_consents() == []


async def test_expired_while_its_page_stood_open(house: House, payer: Payer) -> None:
    payment = await house.create()
    await payer.open(payment)
    house.pass_time(days=2)
    await house.becomes(payment, "expired")
    await payer.press("Continue to Modelo Sandbox")
    await payer.sees("Payment expired")

    assert await house.bank_consents() == []


@pytest.mark.parametrize("user", ["timeout", "garbled", "error502-moved"])
async def test_the_answer_is_lost_after_the_money_moved(
    house: House, shop: Shop, payer: Payer, user: str
) -> None:
    payment = await house.create(shop)
    await payer.open(payment)
    await payer.go_to_bank()
    await payer.accept(user)
    await payer.sees("Checking with your bank")
    assert await house.status(payment) == "pending"

    house.pass_time(seconds=60)
    await payer.sees("Payment completed")
    await shop.has_heard("completed")
    assert [len(paid["movements"]) for paid in await house.bank_payments()] == [1]
    assert await house.books() == PAID
    house.pass_time(hours=2)
    done = await house.query("SELECT count(*) AS n FROM events WHERE type = 'payment.completed'")
    assert done[0]["n"] == 1


async def test_the_answer_is_lost_before_the_money_moved(house: House, payer: Payer) -> None:
    payment = await house.create()
    await payer.open(payment)
    await payer.go_to_bank()
    await payer.accept("lost")
    await payer.sees("Checking with your bank")
    house.pass_time(seconds=60)
    await payer.sees("Payment completed")

    assert [len(paid["movements"]) for paid in await house.bank_payments()] == [1]
    assert await house.books() == PAID


async def test_late_money(house: House, shop: Shop, payer: Payer) -> None:
    await house.hear_the_bank()
    payment = await house.create(shop)
    await payer.open(payment)
    await payer.go_to_bank()
    await payer.accept("AC04")
    await payer.sees("Payment not made")
    await shop.has_heard("declined")

    (rejected,) = await house.bank_payments()
    await house.control("POST", "decide", decision="pay", payment=rejected["id"], amount="350.41")
    house.pass_time(minutes=1)
    await house.becomes(payment, "completed")
    await shop.has_heard("completed")
    await payer.page.reload()
    await payer.sees("Payment completed")
    late = await house.query("SELECT late FROM events WHERE type = 'payment.completed'")
    assert [row["late"] for row in late] == [True]
    assert await house.books() == PAID


async def test_the_bank_says_yes_twice(house: House, shop: Shop, payer: Payer) -> None:
    await house.hear_the_bank()
    payment = await house.create(shop)
    await payer.open(payment)
    await payer.go_to_bank()
    returns: list[str] = []
    payer.page.on(
        "request",
        lambda request: returns.append(request.url) if "/return/" in request.url else None,
    )
    await payer.accept("twice")
    await payer.sees("Payment completed")
    for _ in range(2):
        await payer.page.goto(returns[0])
        await payer.sees("Payment completed")

    async def notices() -> list[object]:
        return [sent["answer"] for sent in (await house.control("GET", "state"))["webhook"]["sent"]]

    answers = await until(notices, lambda sent: len(sent) >= 2)
    assert set(answers) == {204}
    house.pass_time(minutes=5)
    await shop.has_heard("completed")
    assert shop.statuses.count("completed") == 1
    assert [len(paid["movements"]) for paid in await house.bank_payments()] == [1]
    assert await house.books() == PAID


async def test_too_little_money(house: House, payer: Payer) -> None:
    payment = await house.create()
    await payer.open(payment)
    await payer.go_to_bank()
    await payer.accept("short")
    await payer.sees("The amount does not match")

    assert await house.status(payment) == "pending"
    books = await house.books()
    assert set(books) == {"rail_float", "suspense"}


async def test_money_taken_back(house: House, payer: Payer) -> None:
    payment = await house.create()
    await payer.open(payment)
    await payer.go_to_bank()
    await payer.accept("takenback")
    await payer.sees("Payment completed")
    for _ in range(3):
        house.pass_time(hours=30)
    await house.becomes(payment, "failed")
    await payer.page.reload()
    await payer.sees("Payment taken back")

    assert await house.books() == {}


async def test_a_lost_beginning_can_be_tried_again(house: House, payer: Payer) -> None:
    payment = await house.create()
    await house.control("POST", "faults", operation="create_authorisation", kind="drop")
    await payer.open(payment)
    await payer.press("Continue to Modelo Sandbox")
    await payer.sees("Connecting to Modelo Sandbox")
    house.pass_time(seconds=30)
    await payer.is_told("Modelo Sandbox could not be reached")
    await payer.go_to_bank("Try again")
    await payer.accept()
    await payer.sees("Payment completed")

    assert [consent["status"] for consent in await house.bank_consents()] == ["CONSUMED", "REVOKED"]
    assert await house.books() == PAID


async def test_each_event_is_told_once(house: House, shop: Shop, payer: Payer) -> None:
    payment = await house.create(shop)
    await payer.open(payment)
    await payer.go_to_bank()
    await payer.accept()
    await payer.sees("Payment completed")
    await shop.has_heard("completed")

    told = [headers["webhook-id"] for headers, _ in shop.notifications]
    assert len(told) == len(set(told))
    assert shop.statuses.count("completed") == 1
    bodies = [json.loads(body)["payment"] for _, body in shop.notifications]
    assert {body["id"] for body in bodies} == {payment["id"]}
