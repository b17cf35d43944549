"""``guichet balance`` and ``guichet suspense``: what applications have, what is nobody's yet."""

from __future__ import annotations

import asyncio
from uuid import UUID

from cyclopts import App

from guichet.commands.common import money_of, read_settings, with_database
from guichet.domain.errors import NotFound
from guichet.domain.money import Money
from guichet.domain.payments import Payment
from guichet.domain.receipts import UnclaimedReceipt
from guichet.gateway import Gateway
from guichet.server import operations
from guichet.services.balances import ApplicationBalance, list_balances
from guichet.services.lost_orders import claim_receipt, list_unclaimed, return_receipt
from guichet.services.suspense import Unplaced, assign_suspense, list_suspense, return_suspense
from guichet.store.database import Connection

suspense = App(name="suspense", help="Money that came and fits no payment.")


def balance(*, application: UUID | None = None, currency: str | None = None) -> None:
    """Print what applications have, by the books, in each currency.

    Parameters
    ----------
    application
        This application alone.
    currency
        In this currency alone.
    """

    async def read(connection: Connection) -> list[ApplicationBalance]:
        return await list_balances(connection, application, currency)

    for found in with_database(read):
        what = found.balance
        figures = {
            "available": what.available_minor,
            "pending": what.pending_minor,
            "reserved": what.reserved_minor,
            "owed": what.owed_minor,
        }
        told = "  ".join(
            f"{word} {Money(minor, what.currency).text()}" for word, minor in figures.items()
        )
        print(f"{found.application_id}  {found.name}  {found.environment}  {what.currency}  {told}")


@suspense.command(name="list")
def list_unplaced(*, application: UUID | None = None) -> None:
    """List what lies in suspense, oldest first: the attempt that brought it, how much, for which
    payment. Then the money of orders that are lost since an older backup was restored.

    Parameters
    ----------
    application
        Of this application alone; lost orders are nobody's.
    """

    async def read(gateway: Gateway) -> tuple[list[Unplaced], list[UnclaimedReceipt]]:
        lost = [] if application else await list_unclaimed(gateway)
        return await list_suspense(gateway, application), lost

    unplaced, unclaimed = asyncio.run(operations.with_gateway(read_settings(), read))
    for found in unplaced:
        amount = Money(found.amount_minor, found.payment_currency)
        why = f" ({found.payment_reason})" if found.payment_reason else ""
        print(
            f"{found.attempt_id}  {found.updated_at:%Y-%m-%dT%H:%M:%SZ}  {found.rail}"
            f"  {Money(found.minor, found.currency).text()} {found.currency}  for payment"
            f" {found.payment_id} of {amount.text()} {amount.currency}, {found.payment_status}{why}"
        )
    for receipt in unclaimed:
        money = Money(receipt.left_minor, receipt.currency)
        print(
            f"{receipt.id}  {receipt.updated_at:%Y-%m-%dT%H:%M:%SZ}  {receipt.rail}"
            f"  {money.text()} {money.currency}  of the lost order {receipt.order_id.hex}"
        )


@suspense.command
def assign(attempt: UUID) -> None:
    """Complete an attempt's payment with the money that the attempt has in suspense.

    There must be all of the payment's amount, in its currency; what is more stays in suspense.
    """

    async def place(gateway: Gateway) -> Payment:
        return await assign_suspense(gateway, attempt)

    paid = asyncio.run(operations.with_gateway(read_settings(), place))
    print(f"{paid.id}  {paid.money.text()} {paid.currency}  {paid.status}")


@suspense.command
def claim(receipt: UUID, payment: UUID) -> None:
    """Say which payment a lost order's money was for: made anew, or known from elsewhere.

    It completes the payment if it is enough; otherwise it stays in suspense, for that payment.
    """

    async def give(gateway: Gateway) -> Payment:
        return await claim_receipt(gateway, receipt, payment)

    paid = asyncio.run(operations.with_gateway(read_settings(), give))
    print(f"{paid.id}  {paid.money.text()} {paid.currency}  {paid.status}")


@suspense.command(name="return")
def give_back(money: UUID, *, amount: str | None = None) -> None:
    """Record that money in suspense was given back, by hand, through the rail that it came by.

    Parameters
    ----------
    money
        The attempt that brought it, or the receipt of a lost order, as the list names them.
    amount
        How much, in its currency; all of it unless given.
    """

    async def record(gateway: Gateway) -> Money:
        currencies = {each.attempt_id: each.currency for each in await list_suspense(gateway, None)}
        lost = {each.id: each.currency for each in await list_unclaimed(gateway)}
        currency = currencies.get(money) or lost.get(money)
        if currency is None:
            raise NotFound("money in suspense", str(money))
        minor = money_of(amount, currency).minor if amount else None
        give = return_receipt if money in lost else return_suspense
        return await give(gateway, money, minor)

    returned = asyncio.run(operations.with_gateway(read_settings(), record))
    print(f"{returned.text()} {returned.currency} were given back.")
