"""``guichet refund``."""

from __future__ import annotations

import asyncio
from uuid import UUID

from cyclopts import App

from guichet.commands.common import money_of, read_settings
from guichet.domain.errors import NotFound
from guichet.domain.payments import Payment
from guichet.domain.refunds import OPEN_REFUND, Refund
from guichet.gateway import Gateway
from guichet.server import operations
from guichet.store import payments as store

refunds = App(name="refund", help="Money given back to payers.")


@refunds.command
def create(payment: UUID, *, amount: str | None = None) -> None:
    """Give a completed payment's money back to its payer.

    Parameters
    ----------
    amount
        How much, in the payment's currency; all that is left of it unless given.
    """
    from guichet.services.refunds import create_refund

    async def give_back(gateway: Gateway) -> Refund:
        found = await _payment(gateway, payment)
        minor = None if amount is None else money_of(amount, found.currency).minor
        return await create_refund(gateway, found.application_id, found.id, minor)

    made = asyncio.run(operations.with_gateway(read_settings(), give_back))
    print(_line(made))
    if made.status in OPEN_REFUND:
        print("The money is set aside; the worker asks the provider until it is decided.")


@refunds.command(name="list")
def list_of_payment(payment: UUID) -> None:
    """List a payment's refunds, oldest first."""
    from guichet.services.refunds import list_refunds

    async def read(gateway: Gateway) -> list[Refund]:
        found = await _payment(gateway, payment)
        return await list_refunds(gateway, found.application_id, found.id)

    for refund in asyncio.run(operations.with_gateway(read_settings(), read)):
        print(_line(refund))


async def _payment(gateway: Gateway, payment_id: UUID) -> Payment:
    async with gateway.database.connection() as connection:
        row = await store.by_id(connection, payment_id)
    if row is None:
        raise NotFound("payment", str(payment_id))
    return row.payment


def _line(refund: Refund) -> str:
    why = " ".join(word for word in (refund.reason, refund.code) if word)
    when = f"{refund.created_at:%Y-%m-%dT%H:%M:%SZ}"
    text = f"{refund.id}  {when}  {refund.money.text()} {refund.currency}  {refund.status}"
    return f"{text}  {why}".rstrip()
