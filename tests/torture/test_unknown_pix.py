"""PIX with a PSP on a bad day: answers are lost, late or unreadable, and no notice ever comes.

The simulator's book is the truth about money. We must end with it, once, and never show a payment
as failed while the PSP holds its money. Time is moved, not waited for.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from conftest import DatabaseUrls
from gateways import APPLICATION_ID, caller_of, running_gateway
from guichet.domain.money import Money
from guichet.domain.payments import CustomerDetails, NewPayment
from guichet.gateway import Gateway
from guichet.services.charges import create_charge
from guichet.services.refunds import create_refund
from guichet.settings import Settings
from guichet.store.audit import findings
from guichet.store.backlogs import backlogs
from guichet.torture.providers import PixSimulator
from guichet.worker.loop import Worker

_STEP = timedelta(seconds=5)
#: For so long the PSP denies that it knows the charges, and cannot list what it received.
_ILL_FOR = timedelta(seconds=15)
#: After that nothing may need longer than this. In moved time, both.
_SETTLED_WITHIN = timedelta(seconds=90)
#: Some cases wait for it.
_TIMEOUT_SECONDS = 1.5
_CPF = "06372771390"


class Fault(NamedTuple):
    """What happens to one call: ``before`` the PSP carried it out, or ``after``."""

    kind: str
    when: str = "after"


class Case(NamedTuple):
    """``times`` payers: the call for their charge meets ``fault``, they pay by ``scenario``.

    ``status`` is the payment's in the end.
    """

    times: int
    fault: Fault | None = None
    scenario: str = "silent"
    status: str = "completed"


CASES = {
    "made, connection cut before the answer": Case(5, Fault("drop")),
    "made, answered after our time-out": Case(2, Fault("hold")),
    "not made, cut: asked again, and made once": Case(4, Fault("drop", "before")),
    "made, answered 502": Case(4, Fault("error")),
    "not made, answered 502: asked again, and made once": Case(3, Fault("error", "before")),
    "made, answer is half a JSON": Case(3, Fault("garble")),
    "paid, nobody ever tells us": Case(4),
    "paid less": Case(2, scenario="less", status="processing"),
    "paid more": Case(2, scenario="more"),
    "paid twice": Case(2, scenario="twice"),
}

#: The first call for each refund meets the fault; in the end the payer has the money, once.
REFUNDS = {
    "given back, connection cut before the answer": Fault("drop"),
    "given back, answered after our time-out": Fault("hold"),
    "given back, answered 502": Fault("error"),
    "given back, answer is half a JSON": Fault("garble"),
    "not given back, cut: asked again, and once": Fault("drop", "before"),
    "not given back, answered 502: asked again, and once": Fault("error", "before"),
}


class StoppedClock:
    """Goes on only when it is moved, so that a slow machine sees the same run as a fast one."""

    def __init__(self) -> None:
        self._now = datetime.now(UTC)

    def now(self) -> datetime:
        return self._now

    def move(self, by: timedelta) -> None:
        self._now += by


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
async def gateway(
    seeded: DatabaseUrls, psp: PixSimulator, clock: StoppedClock
) -> AsyncIterator[Gateway]:
    settings = replace(
        # Half of its calls stay without an answer on purpose: it must go on being asked.
        Settings(provider_timeout_seconds=_TIMEOUT_SECONDS, provider_failures_max=0),
        **psp.account,  # type: ignore[arg-type]
    )
    async with running_gateway(seeded.serving_url, settings, clock) as made:
        yield made


@asynccontextmanager
async def working(gateway: Gateway) -> AsyncIterator[None]:
    """A worker that has nothing left to do now at the end of the block."""
    worker = Worker(gateway, finish_seconds=5)
    task = asyncio.create_task(worker.run())
    try:
        yield
        async with asyncio.timeout(60):
            while any(each.depth for each in await backlogs(gateway.database, gateway.clock.now())):
                await asyncio.sleep(0.02)
    finally:
        await worker.stop()
        await task


async def charge(gateway: Gateway, psp: PixSimulator, number: int, fault: Fault | None) -> UUID:
    """A payment whose charge is asked for at a PSP that misbehaves once."""
    if fault is not None:
        await psp.control("faults", operation="put_cob", kind=fault.kind, when=fault.when)
    email = f"payer-{number}@example.com"
    new = NewPayment(
        rail="pix",
        institution_key=None,
        money=Money(10_000 + number, "BRL"),
        customer=CustomerDetails(None, email, {"email": email, "tax_number": _CPF}),
        reference=None,
        notify_url=None,
        request_key=None,
        request_hash=None,
    )
    view = await create_charge(gateway, caller_of(gateway), new)
    return view.payment.id


async def rows(gateway: Gateway, sql: str, *arguments: object) -> list[dict[str, Any]]:
    async with gateway.database.connection() as connection:
        return [dict(row) for row in await connection.fetch(sql, *arguments)]


async def pass_time(gateway: Gateway, clock: StoppedClock) -> None:
    clock.move(_STEP)
    async with working(gateway):
        pass


async def moved(psp: PixSimulator) -> dict[UUID, int]:
    """What moved at the PSP, by attempt, in centavos; no charge was ever made twice."""
    orders = await psp.orders()
    names = [order["paymentIdempotencyId"] for order in orders]
    assert len(names) == len(set(names))
    return {
        UUID(order["paymentIdempotencyId"]): int(Decimal(order["moved"]) * 100) for order in orders
    }


async def test_charges_end_in_the_psps_truth(
    gateway: Gateway, psp: PixSimulator, clock: StoppedClock
) -> None:
    todo = [name for name, case in CASES.items() for _ in range(case.times)]
    made = [
        await charge(gateway, psp, number, CASES[name].fault) for number, name in enumerate(todo)
    ]
    waited = timedelta()
    codeless = "SELECT id FROM payments WHERE payer_code IS NULL"
    while await rows(gateway, codeless):
        assert waited < _SETTLED_WITHIN
        await pass_time(gateway, clock)
        waited += _STEP
    attempts = {
        row["payment_id"]: row["id"]
        for row in await rows(gateway, "SELECT id, payment_id FROM attempts")
    }
    assert len(attempts) == len(todo) == len(await psp.orders())
    for payment_id, name in zip(made, todo, strict=True):
        txid = attempts[payment_id].hex
        await psp.control("pay", txid=txid, scenario=CASES[name].scenario)
    await psp.control("faults", operation="get_cob", kind="hide", times=10**6)
    await psp.control("faults", operation="list_pix", kind="error", times=10**6)
    await _heals(gateway, psp, clock)

    found = await rows(
        gateway,
        "SELECT p.id, p.status, a.id AS attempt_id, a.received_minor"
        " FROM payments p JOIN attempts a ON a.payment_id = p.id",
    )
    case_of = dict(zip(made, todo, strict=True))
    assert Counter((case_of[row["id"]], row["status"]) for row in found) == {
        (name, case.status): case.times for name, case in CASES.items()
    }
    truth = await moved(psp)
    assert all(row["received_minor"] == truth[row["attempt_id"]] for row in found)
    await is_sound(gateway)


async def _heals(gateway: Gateway, psp: PixSimulator, clock: StoppedClock) -> None:
    """The PSP is ill for a while, then well; until every attempt is decided."""
    waited = timedelta()
    while (left := await _undecided(gateway)) or waited < _ILL_FOR:
        assert waited < _ILL_FOR + _SETTLED_WITHIN, f"undecided: {left}"
        if waited == _ILL_FOR:
            assert await psp.clear_faults() == {}
        await pass_time(gateway, clock)
        waited += _STEP
        truth = await moved(psp)
        closed = await rows(
            gateway,
            "SELECT a.id, p.status FROM payments p JOIN attempts a ON a.payment_id = p.id"
            " WHERE p.status NOT IN ('pending', 'processing', 'completed')",
        )
        assert [row for row in closed if truth.get(row["id"])] == []


async def _undecided(gateway: Gateway) -> Sequence[dict[str, Any]]:
    return await rows(
        gateway,
        "SELECT id, status, next_check_at FROM attempts"
        " WHERE status IN ('starting', 'waiting', 'unknown')",
    )


async def pass_everywhere(
    gateway: Gateway, psp: PixSimulator, clock: StoppedClock, by: timedelta
) -> None:
    """The same time passes here and at the PSP; nothing is left to do afterwards."""
    await psp.control("clock", advance_seconds=by.total_seconds())
    clock.move(by)
    async with working(gateway):
        pass


async def test_only_the_psps_list_knows_of_money_after_the_end_and_of_money_claimed_back(
    gateway: Gateway, psp: PixSimulator, clock: StoppedClock
) -> None:
    late, claimed = [await charge(gateway, psp, number, None) for number in range(2)]
    of_late, of_claimed = [order["paymentIdempotencyId"] for order in await psp.orders()]
    await psp.control("pay", txid=of_claimed, scenario="silent")
    await pass_everywhere(gateway, psp, clock, timedelta(hours=25))
    await pass_everywhere(gateway, psp, clock, timedelta(minutes=5))
    statuses = "SELECT id, status FROM payments"
    assert {row["id"]: row["status"] for row in await rows(gateway, statuses)} == {
        late: "expired",
        claimed: "completed",
    }

    await psp.control("pay", txid=of_late, scenario="silent", late=True)
    await psp.control("med", txid=of_claimed)
    await pass_everywhere(gateway, psp, clock, timedelta(minutes=16))

    assert {row["id"]: row["status"] for row in await rows(gateway, statuses)} == {
        late: "completed",
        claimed: "reversed",
    }
    (event,) = await rows(
        gateway, "SELECT late FROM events WHERE subject_id = $1 AND status = 'completed'", late
    )
    assert event["late"]
    await is_sound(gateway)


async def test_refunds_end_in_the_psps_truth(
    gateway: Gateway, psp: PixSimulator, clock: StoppedClock
) -> None:
    scenarios = ["exact"] * len(REFUNDS) + ["return-refused"]
    faults = [*REFUNDS.values(), Fault("drop")]
    made = [await charge(gateway, psp, number, None) for number in range(len(scenarios))]
    for order, scenario in zip(await psp.orders(), scenarios, strict=True):
        await psp.control("pay", txid=order["paymentIdempotencyId"], scenario=scenario)
    await pass_time(gateway, clock)
    for payment_id, fault in zip(made, faults, strict=True):
        await psp.control("faults", operation="put_devolucao", kind=fault.kind, when=fault.when)
        refund = await create_refund(gateway, APPLICATION_ID, payment_id, 2_500)
        assert refund.status in ("initiated", "sent")
    assert not any((await psp.state())["faults"].values())
    await psp.control("clock", advance_seconds=10)  # so long is a return under way there
    waited = timedelta()
    undecided = "SELECT id FROM refunds WHERE status IN ('initiated', 'sent')"
    while left := await rows(gateway, undecided):
        assert waited < _SETTLED_WITHIN, f"undecided: {left}"
        await pass_time(gateway, clock)
        await psp.control("clock", advance_seconds=10)
        waited += _STEP

    found = await rows(
        gateway,
        "SELECT p.id, p.refunded_minor, p.refunding_minor, r.status"
        " FROM payments p JOIN refunds r ON r.payment_id = p.id",
    )
    of = {row["id"]: row for row in found}
    assert [of[payment_id]["status"] for payment_id in made] == [
        *["completed"] * len(REFUNDS),
        "failed",
    ]
    assert [of[payment_id]["refunded_minor"] for payment_id in made] == [2_500] * len(REFUNDS) + [0]
    assert {row["refunding_minor"] for row in found} == {0}
    returned = [Decimal(each["returned"]) for each in (await psp.state())["payments"]]
    assert returned == [Decimal("25.00")] * len(REFUNDS) + [Decimal(0)]
    await is_sound(gateway)


async def is_sound(gateway: Gateway) -> None:
    async with gateway.database.connection() as connection:
        assert await findings(connection) == []
