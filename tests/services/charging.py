"""Payments by Pix as dialects ask for them, and looks behind them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from gateways import APPLICATION_ID, caller_of
from guichet.domain.clock import MovableClock
from guichet.domain.money import Money
from guichet.domain.outcomes import Unknown
from guichet.domain.payments import CustomerDetails, NewPayment
from guichet.gateway import Gateway
from guichet.services.charges import create_charge
from guichet.services.payments import PaymentView
from guichet.store.queue import claim_checks
from guichet.worker.tasks import check_attempt
from psp import Psp

CPF = "06372771390"
SILENCE = Unknown(detail="no answer")


def charge(
    key: str | None = None,
    content: bytes = b"hash",
    currency: str = "GBP",
    minor: int = 12_244,
    notify_url: str | None = None,
    **fields: str,
) -> NewPayment:
    """A payment by Pix as a dialect asks for it."""
    fields = {"email": f"{uuid4().hex}@example.com", "tax_number": CPF, **fields}
    return NewPayment(
        rail="pix",
        institution_key=None,
        money=Money(minor, currency),
        customer=CustomerDetails(None, fields["email"], {k: v for k, v in fields.items() if v}),
        reference="reference",
        notify_url=notify_url,
        request_key=key,
        request_hash=content if key else None,
    )


async def create(
    gateway: Gateway, new: NewPayment, application_id: UUID = APPLICATION_ID
) -> PaymentView:
    return await create_charge(gateway, caller_of(gateway, application_id), new)


async def attempt(gateway: Gateway, psp: Psp) -> str | None:
    """The status of the attempt that the PSP was last asked about."""
    async with gateway.database.connection() as connection:
        status: str | None = await connection.fetchval(
            "SELECT status FROM attempts WHERE id = $1", UUID(psp.orders[-1].key)
        )
    return status


async def now_is(gateway: Gateway, view: PaymentView) -> Any:
    async with gateway.database.connection() as connection:
        return await connection.fetchrow(
            "SELECT status, reason, payer_code FROM payments WHERE id = $1", view.payment.id
        )


async def check_due(gateway: Gateway, psp: Psp) -> None:
    """The worker does its round once, as far as the attempt is in it."""
    lease_seconds = gateway.settings.lease_seconds
    for due in await claim_checks(gateway.database, gateway.clock.now(), 100, lease_seconds):
        if due.key == psp.orders[0].key:
            await check_attempt(gateway, due)


def move(gateway: Gateway, by: timedelta) -> None:
    assert isinstance(gateway.clock, MovableClock)
    gateway.clock.move(by)


async def asked(psp: Psp, times: int = 1) -> None:
    """Wait until the PSP was asked to begin so often."""
    await until(lambda: _is(len(psp.orders), times))


async def _is(found: int, wanted: int) -> bool:
    return found == wanted


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for it; the test's time-out is the limit."""
    while not await condition():
        await asyncio.sleep(0.01)
