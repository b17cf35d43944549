"""Repeated requests for a charge: one charge a key, however often, at once or after a failure."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from guichet.domain.errors import RequestInProgress, RequestKeyReused, Unavailable
from guichet.domain.outcomes import Reason, Refused
from guichet.gateway import Gateway
from guichet.rails.port import RailUnavailable
from psp import Psp, code_of
from services.charging import SILENCE, asked, charge, check_due, create, move

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    "answers", [[RailUnavailable()], [SILENCE, Refused(reason=Reason.NOT_STARTED)]]
)
async def test_provider_that_took_nothing_is_told_and_the_same_key_goes_on(
    shop: Gateway, psp: Psp, key: str, answers: list[Any]
) -> None:
    psp.begins, psp.looks = answers[:1], answers[1:]
    with pytest.raises(Unavailable) as away:
        await create(shop, charge(key))
    made = (await create(shop, charge(key))).payment

    assert away.value.retry_after_seconds > 0
    first, second = psp.orders
    assert first.key != second.key
    assert made.payer_code == code_of(second.key)
    async with shop.database.connection() as connection:
        count = await connection.fetchval(
            "SELECT count(*) FROM payments WHERE request_key = $1", key
        )
    assert count == 1


async def test_payment_of_a_provider_that_was_away_waits(shop: Gateway, psp: Psp, key: str) -> None:
    psp.begins = [RailUnavailable()]
    with pytest.raises(Unavailable):
        await create(shop, charge(key))

    async with shop.database.connection() as connection:
        status = await connection.fetchval(
            "SELECT status FROM payments WHERE request_key = $1", key
        )
    assert status == "pending"


async def test_repeated_request_asks_nobody_again(shop: Gateway, psp: Psp, key: str) -> None:
    first = await create(shop, charge(key))
    again = await create(shop, charge(key))

    assert (again, len(psp.orders)) == (first, 1)


async def test_repeated_request_of_a_closed_payment_begins_nothing(
    shop: Gateway, psp: Psp, key: str
) -> None:
    psp.begins = [Refused(reason=Reason.REJECTED)]
    first = await create(shop, charge(key))

    assert await create(shop, charge(key)) == first
    assert len(psp.orders) == 1


async def test_repeated_request_after_the_payments_time_begins_nothing(
    shop: Gateway, psp: Psp, key: str
) -> None:
    psp.begins = [RailUnavailable()]
    with pytest.raises(Unavailable):
        await create(shop, charge(key))
    move(shop, timedelta(days=2))
    again = (await create(shop, charge(key))).payment

    assert (again.status, again.payer_code, len(psp.orders)) == ("pending", None, 1)


async def test_key_of_another_request_is_refused_and_begins_nothing(
    shop: Gateway, psp: Psp, key: str
) -> None:
    await create(shop, charge(key))
    with pytest.raises(RequestKeyReused):
        await create(shop, charge(key, b"other"))

    assert len(psp.orders) == 1


async def test_request_under_a_key_that_is_still_running_is_told_so(
    shop: Gateway, psp: Psp, key: str
) -> None:
    psp.gate.clear()
    first = asyncio.create_task(create(shop, charge(key)))
    await asked(psp)
    with pytest.raises(RequestInProgress):
        await create(shop, charge(key))
    psp.gate.set()

    assert (await first).payment.payer_code == code_of(psp.orders[0].key)
    assert len(psp.orders) == 1


async def test_thirty_requests_with_one_key_at_once_make_one_charge(
    shop: Gateway, psp: Psp, key: str
) -> None:
    answers = await asyncio.gather(
        *(create(shop, charge(key)) for _ in range(30)), return_exceptions=True
    )

    assert len(psp.orders) == 1
    made = [answer for answer in answers if not isinstance(answer, BaseException)]
    told = Counter(type(answer) for answer in answers if isinstance(answer, BaseException))
    assert {view.payment.payer_code for view in made} == {code_of(psp.orders[0].key)}
    assert set(told) <= {RequestInProgress}
    assert len(made) + told[RequestInProgress] == 30


async def test_code_of_a_process_that_died_while_it_asked_is_found_once_its_lease_is_over(
    shop: Gateway, psp: Psp, key: str
) -> None:
    psp.gate.clear()
    dying = asyncio.create_task(create(shop, charge(key)))
    await asked(psp)
    dying.cancel()
    with suppress(asyncio.CancelledError):
        await dying
    psp.gate.set()
    with pytest.raises(RequestInProgress):
        await create(shop, charge(key))

    async with shop.database.connection() as connection:
        await connection.execute(
            "UPDATE attempts SET claimed_until = now() WHERE id = $1", UUID(psp.orders[0].key)
        )
    await check_due(shop, psp)
    again = (await create(shop, charge(key))).payment
    assert (again.payer_code, len(psp.orders)) == (code_of(psp.orders[0].key), 1)
