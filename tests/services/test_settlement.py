"""What a rail reports, in the books: completed, late, short, over, twice, taken back."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from conftest import DatabaseUrls
from gateways import APPLICATION_ID, OTHER_APPLICATION_ID, caller_of
from guichet.domain.errors import NotPayable
from guichet.domain.money import Money
from guichet.domain.outcomes import (
    Done,
    Finality,
    Outcome,
    Reason,
    Redirect,
    Refused,
    TakenBack,
    Unknown,
    Waiting,
)
from guichet.domain.payments import Payment
from guichet.gateway import Gateway
from guichet.services.checkout import reserve_attempt
from guichet.services.payments import create_payment, read_payment
from guichet.services.settlement import record_outcome
from orders import order


async def started(
    gateway: Gateway, minor: int = 12_244, application_id: UUID = APPLICATION_ID
) -> tuple[Payment, UUID]:
    """A payment with an attempt that waits for the payer at the bank."""
    caller = caller_of(gateway, application_id)
    new = order(minor=minor, notify_url="http://localhost/callback")
    payment = (await create_payment(gateway, caller, new)).payment
    return payment, await another_attempt(gateway, payment)


async def another_attempt(gateway: Gateway, payment: Payment) -> UUID:
    reserved = await reserve_attempt(gateway, payment.id)
    assert reserved is not None
    attempt = reserved[1]
    await record_outcome(gateway, attempt.id, Waiting(next_step=Redirect("http://bank")))
    return attempt.id


def done(minor: int = 12_244, currency: str = "GBP") -> Done:
    return Done(received=Money(minor, currency))


async def now_is(gateway: Gateway, payment: Payment) -> Payment:
    caller = caller_of(gateway, payment.application_id)
    return (await read_payment(gateway, caller, payment.id)).payment


async def balances(urls: DatabaseUrls) -> dict[str, int]:
    """Balance by account code; those at zero are left out."""
    rows = await query(
        urls, "SELECT code, sum(balance_minor)::bigint FROM ledger_accounts GROUP BY 1"
    )
    return {code: balance for code, balance in rows if balance}


async def query(urls: DatabaseUrls, sql: str) -> list[Any]:
    connection = await asyncpg.connect(urls.owner_url)
    try:
        return list(await connection.fetch(sql))
    finally:
        await connection.close()


async def test_money_completes_the_payment_and_is_available(
    gateway: Gateway, database_urls: DatabaseUrls
) -> None:
    payment, attempt = await started(gateway)
    await record_outcome(gateway, attempt, done())

    assert (await now_is(gateway, payment)).status == "completed"
    assert await balances(database_urls) == {"rail_float": 12_244, "merchant_available": 12_244}


async def test_fee_is_ours_and_the_rest_the_merchants(
    gateway: Gateway, database_urls: DatabaseUrls
) -> None:
    _, attempt = await started(gateway, 10_050, OTHER_APPLICATION_ID)
    await record_outcome(gateway, attempt, done(10_050))

    assert await balances(database_urls) == {
        "rail_float": 10_050,
        "fee_income": 211,
        "merchant_available": 9_839,
    }


async def test_waiting_makes_the_payment_processing(gateway: Gateway) -> None:
    payment, _ = await started(gateway)

    assert (await now_is(gateway, payment)).status == "processing"


async def test_refusal_by_the_payer_ends_the_payment(gateway: Gateway) -> None:
    payment, attempt = await started(gateway)
    await record_outcome(gateway, attempt, Refused(reason=Reason.DECLINED))

    after = await now_is(gateway, payment)
    assert (after.status, after.reason) == ("failed", "declined")


async def test_order_that_the_rail_never_took_may_be_tried_again(gateway: Gateway) -> None:
    payment, attempt = await started(gateway)
    await record_outcome(gateway, attempt, Refused(reason=Reason.NOT_STARTED))

    assert (await now_is(gateway, payment)).status == "pending"
    assert await another_attempt(gateway, payment) != attempt


async def test_unknown_outcome_leaves_the_payment_processing(gateway: Gateway) -> None:
    payment, attempt = await started(gateway)
    await record_outcome(gateway, attempt, Unknown(detail="timed out"))

    assert (await now_is(gateway, payment)).status == "processing"


async def test_payment_has_one_open_attempt(gateway: Gateway) -> None:
    payment, _ = await started(gateway)

    assert await reserve_attempt(gateway, payment.id) is None


async def test_thirty_starts_at_once_make_one_attempt(
    gateway: Gateway, database_urls: DatabaseUrls
) -> None:
    view = await create_payment(gateway, caller_of(gateway), order())
    await asyncio.gather(*(reserve_attempt(gateway, view.payment.id) for _ in range(30)))

    assert [tuple(r) for r in await query(database_urls, "SELECT count(*) FROM attempts")] == [(1,)]


async def test_late_money_completes_a_failed_payment(
    gateway: Gateway, database_urls: DatabaseUrls
) -> None:
    payment, attempt = await started(gateway)
    await record_outcome(gateway, attempt, Refused(reason=Reason.PROVIDER_ERROR))
    await record_outcome(gateway, attempt, done())

    assert (await now_is(gateway, payment)).status == "completed"
    late = await query(database_urls, "SELECT late FROM events WHERE type = 'payment.completed'")
    assert [row["late"] for row in late] == [True]


async def test_short_money_goes_to_suspense_and_waits_for_a_person(
    gateway: Gateway, database_urls: DatabaseUrls
) -> None:
    payment, attempt = await started(gateway)
    await record_outcome(gateway, attempt, done(12_000))

    after = await now_is(gateway, payment)
    assert (after.status, after.reason) == ("processing", "short")
    assert await balances(database_urls) == {"rail_float": 12_000, "suspense": 12_000}
    with pytest.raises(NotPayable):
        await reserve_attempt(gateway, payment.id)


async def test_money_of_another_currency_goes_to_suspense(
    gateway: Gateway, database_urls: DatabaseUrls
) -> None:
    payment, attempt = await started(gateway)
    await record_outcome(gateway, attempt, done(12_244, "EUR"))

    after = await now_is(gateway, payment)
    assert (after.status, after.reason) == ("processing", "currency")
    assert await balances(database_urls) == {"rail_float": 12_244, "suspense": 12_244}


async def test_excess_goes_to_suspense(gateway: Gateway, database_urls: DatabaseUrls) -> None:
    payment, attempt = await started(gateway)
    await record_outcome(gateway, attempt, done(12_300))

    assert (await now_is(gateway, payment)).status == "completed"
    assert await balances(database_urls) == {
        "rail_float": 12_300,
        "merchant_available": 12_244,
        "suspense": 56,
    }


async def test_second_sum_for_a_completed_payment_goes_to_suspense(
    gateway: Gateway, database_urls: DatabaseUrls
) -> None:
    payment, first = await started(gateway)
    await record_outcome(gateway, first, Refused(reason=Reason.NOT_STARTED))
    second = await another_attempt(gateway, payment)
    await record_outcome(gateway, second, done())
    await record_outcome(gateway, first, done())

    assert await balances(database_urls) == {
        "rail_float": 24_488,
        "merchant_available": 12_244,
        "suspense": 12_244,
    }


async def test_repeated_outcome_moves_nothing(
    gateway: Gateway, database_urls: DatabaseUrls
) -> None:
    _, attempt = await started(gateway)
    await asyncio.gather(*(record_outcome(gateway, attempt, done()) for _ in range(30)))

    assert await balances(database_urls) == {"rail_float": 12_244, "merchant_available": 12_244}


@pytest.mark.parametrize(
    "stale", [Refused(reason=Reason.DECLINED), Waiting(), Unknown(detail="late")]
)
async def test_stale_report_does_not_undo_money(gateway: Gateway, stale: Outcome) -> None:
    payment, attempt = await started(gateway)
    await record_outcome(gateway, attempt, done())
    await record_outcome(gateway, attempt, stale)

    assert (await now_is(gateway, payment)).status == "completed"


async def test_money_taken_back_reverses_the_payment(
    gateway: Gateway, database_urls: DatabaseUrls
) -> None:
    payment, attempt = await started(gateway, 10_050, OTHER_APPLICATION_ID)
    await record_outcome(
        gateway, attempt, Done(received=Money(10_050, "GBP"), finality=Finality.ACCEPTED)
    )
    await record_outcome(gateway, attempt, TakenBack(code="AC04"))

    assert (await now_is(gateway, payment)).status == "reversed"
    assert await balances(database_urls) == {}


async def test_excess_taken_back_leaves_suspense(
    gateway: Gateway, database_urls: DatabaseUrls
) -> None:
    _, attempt = await started(gateway)
    await record_outcome(gateway, attempt, done(12_300))
    await record_outcome(gateway, attempt, TakenBack())

    assert await balances(database_urls) == {}


async def test_each_status_is_announced_once(gateway: Gateway, database_urls: DatabaseUrls) -> None:
    _, attempt = await started(gateway)
    await record_outcome(gateway, attempt, done())
    await record_outcome(gateway, attempt, done())

    rows = await query(
        database_urls,
        "SELECT e.type, e.version FROM webhook_deliveries d JOIN events e ON e.id = d.event_id",
    )
    assert [tuple(row) for row in rows] == [("payment.completed", 3)]


async def test_outcomes_of_many_payments_at_once_are_all_booked(
    gateway: Gateway, database_urls: DatabaseUrls
) -> None:
    pairs = [await started(gateway, minor) for minor in range(1, 41)]
    await asyncio.gather(
        *(record_outcome(gateway, attempt, done(p.amount_minor)) for p, attempt in pairs)
    )

    assert await balances(database_urls) == {"rail_float": 820, "merchant_available": 820}
