"""Each state of a payment as its payer sees it, without JavaScript."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
import httpx2
import pytest

from conftest import DatabaseUrls
from guichet.domain.clock import MovableClock
from guichet.domain.money import Money
from guichet.domain.outcomes import Done, Reason, Redirect, Refused, TakenBack, Unknown, Waiting
from guichet.gateway import Gateway
from guichet.services.closing import expire_payment
from pages.conftest import NewCheckout
from pages.reading import heading
from pages.scripted import BANK_URL, ScriptedRail

FULL = Done(received=Money(35041, "GBP"))


async def test_the_page_shows_what_is_to_be_paid_and_one_button(
    client: httpx2.AsyncClient, new_checkout: NewCheckout
) -> None:
    checkout = await new_checkout()
    page = await client.get(checkout.path)

    assert page.status_code == 200
    assert heading(page) == "Pay John Doe"
    for words in ("£350.41", "GBP", "JHONDOE-42", "Modelo Sandbox", "sent to your bank", "Sandbox"):
        assert words in page.text
    assert page.text.count("<form") == page.text.count("<button") == 1
    assert f'action="{checkout.path}"' in page.text


async def test_starting_leads_to_the_bank(
    client: httpx2.AsyncClient, new_checkout: NewCheckout
) -> None:
    checkout = await new_checkout()
    started = await client.post(checkout.path)
    assert (started.status_code, started.headers["location"]) == (303, f"{checkout.path}/bank")

    handoff = await client.get(started.headers["location"])
    assert f'<meta http-equiv="refresh" content="0;url={BANK_URL}">' in handoff.text
    assert f'href="{BANK_URL}"' in handoff.text


async def test_a_bank_on_our_own_origin_is_reached_at_once(
    client: httpx2.AsyncClient, rail: ScriptedRail, new_checkout: NewCheckout
) -> None:
    url = f"{client.base_url}/simulators/bank"
    rail.answer = Waiting(next_step=Redirect(url))
    checkout = await new_checkout()
    started = await client.post(checkout.path)

    assert (started.status_code, started.headers["location"]) == (303, url)


async def test_however_often_it_is_started_there_is_one_order_and_one_address(
    client: httpx2.AsyncClient, rail: ScriptedRail, new_checkout: NewCheckout
) -> None:
    checkout = await new_checkout()
    answers = await asyncio.gather(*(client.post(checkout.path) for _ in range(10)))
    answers.append(await client.post(checkout.path))

    assert {answer.headers["location"] for answer in answers} == {f"{checkout.path}/bank"}
    assert len(rail.orders) == 1
    assert BANK_URL in (await client.get(f"{checkout.path}/bank")).text


async def test_the_started_payment_offers_the_bank_again(
    client: httpx2.AsyncClient, new_checkout: NewCheckout
) -> None:
    checkout = await new_checkout()
    await client.post(checkout.path)
    page = await client.get(checkout.path)

    assert heading(page) == "Approve the payment at Modelo Sandbox"
    assert "<button" in page.text
    assert '<noscript><meta http-equiv="refresh"' in page.text


async def test_while_the_banks_address_is_unknown_the_page_waits(
    client: httpx2.AsyncClient, rail: ScriptedRail, new_checkout: NewCheckout
) -> None:
    rail.answer = Unknown(detail="time-out")
    checkout = await new_checkout()
    started = await client.post(checkout.path)
    page = await client.get(started.headers["location"])
    assert heading(page) == "Connecting to Modelo Sandbox"
    assert '<noscript><meta http-equiv="refresh" content="2">' in page.text

    await checkout.report(Waiting(next_step=Redirect(BANK_URL)))
    assert BANK_URL in (await client.get(started.headers["location"])).text


async def test_a_bank_that_could_not_be_reached_may_be_tried_again(
    client: httpx2.AsyncClient, rail: ScriptedRail, new_checkout: NewCheckout
) -> None:
    rail.answer = None
    checkout = await new_checkout()
    started = await client.post(checkout.path)
    back = await client.get(started.headers["location"])
    assert (back.status_code, back.headers["location"]) == (303, checkout.path)
    page = await client.get(checkout.path)
    assert "Modelo Sandbox could not be reached" in page.text
    assert "Try again" in page.text

    rail.answer = Waiting(next_step=Redirect(BANK_URL))
    await client.post(checkout.path)
    assert heading(await client.get(checkout.path)).startswith("Approve")
    assert len({order.key for order in rail.orders}) == 2


async def test_back_from_the_bank_the_page_says_that_we_are_checking(
    client: httpx2.AsyncClient, new_checkout: NewCheckout
) -> None:
    checkout = await new_checkout()
    await client.post(checkout.path)
    page = await client.get(f"{checkout.path}/returned")

    assert heading(page) == "Checking with your bank"
    assert '<noscript><meta http-equiv="refresh" content="2">' in page.text


async def test_an_unknown_outcome_is_never_shown_as_a_failure(
    client: httpx2.AsyncClient, new_checkout: NewCheckout
) -> None:
    checkout = await new_checkout()
    await client.post(checkout.path)
    await checkout.report(Unknown(detail="cut"))
    page = await client.get(checkout.path)

    assert heading(page) == "Checking with your bank"
    assert "<form" not in page.text


async def test_a_completed_payment_shows_its_receipt(
    client: httpx2.AsyncClient, new_checkout: NewCheckout
) -> None:
    checkout = await new_checkout()
    await client.post(checkout.path)
    await checkout.report(FULL)
    page = await client.get(checkout.path)

    assert heading(page) == "Payment completed"
    for words in ("£350.41", "John Doe", "JHONDOE-42", str(checkout.payment.id), "UTC"):
        assert words in page.text
    assert "<form" not in page.text
    assert "http-equiv" not in page.text


async def test_the_way_back_adds_to_the_merchants_address(
    client: httpx2.AsyncClient, new_checkout: NewCheckout
) -> None:
    checkout = await new_checkout(notify_url="https://shop.example/done?order=7&status=x#thanks")
    await client.post(checkout.path)
    await checkout.report(FULL)
    page = await client.get(checkout.path)

    assert (
        f'href="https://shop.example/done?order=7&amp;payment_id={checkout.payment.id}'
        '&amp;status=completed&amp;reference=JHONDOE-42#thanks"'
    ) in page.text
    assert "Return to Tests" in page.text


async def test_only_straight_from_the_bank_the_way_back_opens_by_itself(
    client: httpx2.AsyncClient, new_checkout: NewCheckout
) -> None:
    checkout = await new_checkout()
    await client.post(checkout.path)
    await checkout.report(FULL)

    assert 'data-countdown="20"' in (await client.get(f"{checkout.path}/returned")).text
    assert "data-countdown" not in (await client.get(checkout.path)).text


@pytest.mark.parametrize("notify_url", [None, "javascript:alert(1)", "https://a@b.example/"])
async def test_there_is_no_way_back_without_a_proper_address(
    client: httpx2.AsyncClient, new_checkout: NewCheckout, notify_url: str | None
) -> None:
    checkout = await new_checkout(notify_url=notify_url)
    await client.post(checkout.path)
    await checkout.report(FULL)

    assert "Return to" not in (await client.get(checkout.path)).text


async def test_an_application_may_keep_its_payers_here(
    client: httpx2.AsyncClient,
    gateway: Gateway,
    database_urls: DatabaseUrls,
    new_checkout: NewCheckout,
) -> None:
    connection = await asyncpg.connect(database_urls.owner_url)
    await connection.execute("UPDATE applications SET returns_payer = false")
    await connection.close()
    await gateway.access.refresh()
    checkout = await new_checkout()
    await client.post(checkout.path)
    await checkout.report(FULL)

    assert "Return to" not in (await client.get(checkout.path)).text


@pytest.mark.parametrize(
    ("reason", "words", "neopay_word"),
    [
        (Reason.DECLINED, "refused at your bank", "declined"),
        (Reason.INSUFFICIENT_FUNDS, "does not hold enough money", "failed"),
        (Reason.REJECTED, "Your bank can tell you why", "declined"),
        (Reason.PROVIDER_ERROR, "technical problem", "failed"),
    ],
)
async def test_a_refusal_is_explained_kindly(
    client: httpx2.AsyncClient,
    new_checkout: NewCheckout,
    reason: Reason,
    words: str,
    neopay_word: str,
) -> None:
    checkout = await new_checkout()
    await client.post(checkout.path)
    await checkout.report(Refused(reason=reason, code="AC04"))
    page = await client.get(f"{checkout.path}/returned")

    assert heading(page) == "Payment not made"
    assert words in page.text
    assert f"&amp;status={neopay_word}&amp;" in page.text
    assert "Return to Tests" in page.text


async def test_a_closed_payment_cannot_be_started(
    client: httpx2.AsyncClient, rail: ScriptedRail, new_checkout: NewCheckout
) -> None:
    checkout = await new_checkout()
    await client.post(checkout.path)
    await checkout.report(Refused(reason=Reason.DECLINED))
    again = await client.post(checkout.path)

    assert (again.status_code, again.headers["location"]) == (303, checkout.path)
    assert len(rail.orders) == 1


async def test_the_way_to_the_bank_is_closed_with_the_payment(
    client: httpx2.AsyncClient, new_checkout: NewCheckout
) -> None:
    checkout = await new_checkout()
    await client.post(checkout.path)
    await checkout.report(FULL)
    back = await client.get(f"{checkout.path}/bank")

    assert (back.status_code, back.headers["location"]) == (303, checkout.path)


async def test_a_bank_that_ran_out_of_time_leaves_an_expired_payment(
    client: httpx2.AsyncClient, new_checkout: NewCheckout
) -> None:
    checkout = await new_checkout()
    await client.post(checkout.path)
    await checkout.report(Refused(reason=Reason.TIMED_OUT))
    page = await client.get(checkout.path)
    assert heading(page) == "Payment expired"
    assert "at the last moment" in page.text

    await checkout.report(FULL)
    assert heading(await client.get(checkout.path)) == "Payment completed"


async def test_a_payment_past_its_time_is_expired_before_the_worker_says_so(
    client: httpx2.AsyncClient, gateway: Gateway, rail: ScriptedRail, new_checkout: NewCheckout
) -> None:
    checkout = await new_checkout()
    clock = MovableClock()
    clock.move(timedelta(days=2))
    gateway.clock = clock
    assert heading(await client.get(checkout.path)) == "Payment expired"

    again = await client.post(checkout.path)
    assert again.headers["location"] == checkout.path
    assert rail.orders == []


async def test_too_little_money_is_said_to_need_a_person(
    client: httpx2.AsyncClient, new_checkout: NewCheckout
) -> None:
    checkout = await new_checkout()
    await client.post(checkout.path)
    await checkout.report(Done(received=Money(35040, "GBP")))
    page = await client.get(checkout.path)

    assert heading(page) == "The amount does not match"
    assert "<form" not in page.text


async def test_money_taken_back_is_said_so(
    client: httpx2.AsyncClient, new_checkout: NewCheckout
) -> None:
    checkout = await new_checkout()
    await client.post(checkout.path)
    await checkout.report(FULL)
    await checkout.report(TakenBack())

    assert heading(await client.get(checkout.path)) == "Payment taken back"


async def test_after_a_while_the_page_says_that_it_takes_long(
    client: httpx2.AsyncClient, gateway: Gateway, new_checkout: NewCheckout
) -> None:
    checkout = await new_checkout()
    await client.post(checkout.path)
    clock = MovableClock()
    clock.move(timedelta(minutes=2))
    gateway.clock = clock
    page = await client.get(f"{checkout.path}/returned")

    assert "takes longer than usual" in page.text
    assert "Back to Modelo Sandbox" in page.text


async def test_the_script_sees_each_change(
    client: httpx2.AsyncClient, new_checkout: NewCheckout
) -> None:
    checkout = await new_checkout()
    seen = []

    async def look() -> None:
        seen.append((await client.get(f"{checkout.path}/status")).json()["fingerprint"])

    await look()
    await client.post(checkout.path)
    await look()
    assert f'data-fingerprint="{seen[-1]}"' in (await client.get(checkout.path)).text
    await checkout.report(Unknown(detail="cut"))
    await look()
    await checkout.report(FULL)
    await look()

    assert len(set(seen)) == 4


async def test_the_script_sees_an_expiry_that_changes_no_attempt(
    client: httpx2.AsyncClient, gateway: Gateway, rail: ScriptedRail, new_checkout: NewCheckout
) -> None:
    rail.answer = None
    checkout = await new_checkout()
    await client.post(checkout.path)
    before = (await client.get(f"{checkout.path}/status")).json()
    clock = MovableClock()
    clock.move(timedelta(days=2))
    gateway.clock = clock
    await expire_payment(gateway, checkout.payment.id)

    assert (await client.get(f"{checkout.path}/status")).json() != before
