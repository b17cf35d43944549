"""``guichet payout``: balances paid out to merchants' bank accounts, by a person."""

from __future__ import annotations

import asyncio
import json
from uuid import UUID

from cyclopts import App

from guichet.commands.common import application_of, money_of, read_settings
from guichet.domain.transfers import Transfer
from guichet.gateway import Gateway
from guichet.server import operations
from guichet.services.payouts import (
    list_payouts,
    payout_failed,
    payout_paid,
    payout_returned,
    request_payout,
)

payouts = App(name="payout", help="Balances paid out to merchants' own bank accounts.")


@payouts.command
def create(
    application: UUID, amount: str, *, currency: str | None = None, description: str | None = None
) -> None:
    """Set money aside for an application's own bank account and say where to send it.

    No connector pays bank accounts: send it from your bank, then say what came of it with
    guichet payout paid or failed.

    Parameters
    ----------
    amount
        How much arrives; the fee of transfers, if there is one, comes on top.
    currency
        The application's own unless given.
    """

    async def request(gateway: Gateway) -> Transfer:
        owner = application_of(gateway, application)
        money = money_of(amount, currency or owner.currency)
        return await request_payout(gateway, owner, money, description)

    made = asyncio.run(operations.with_gateway(read_settings(), request))
    print(_line(made))
    print("The money is set aside. Send it from your bank, then: guichet payout paid.")


@payouts.command
def paid(payout: UUID, *, reference: str) -> None:
    """Say that the bank has sent a payout.

    Parameters
    ----------
    reference
        The bank's own reference of the transfer; it names one payout alone.
    """

    async def settle(gateway: Gateway) -> Transfer:
        return await payout_paid(gateway, payout, reference)

    print(_line(asyncio.run(operations.with_gateway(read_settings(), settle))))


@payouts.command
def failed(payout: UUID, *, reason: str) -> None:
    """Say that the bank did not send a payout: its money is available again.

    Parameters
    ----------
    reason
        Why, in the bank's words.
    """

    async def settle(gateway: Gateway) -> Transfer:
        return await payout_failed(gateway, payout, reason)

    print(_line(asyncio.run(operations.with_gateway(read_settings(), settle))))


@payouts.command
def returned(payout: UUID, *, reason: str) -> None:
    """Say that a payout that was paid came back to our bank: its money is available again.

    Parameters
    ----------
    reason
        Why, in the bank's words.
    """

    async def settle(gateway: Gateway) -> Transfer:
        return await payout_returned(gateway, payout, reason)

    print(_line(asyncio.run(operations.with_gateway(read_settings(), settle))))


@payouts.command(name="list")
def list_open(*, application: UUID | None = None, every: bool = False) -> None:
    """List the payouts that wait to be sent, oldest first.

    Parameters
    ----------
    application
        Of this application alone.
    every
        Those that are settled, too.
    """

    async def read(gateway: Gateway) -> list[Transfer]:
        return await list_payouts(gateway, application, only_open=not every)

    for found in asyncio.run(operations.with_gateway(read_settings(), read)):
        print(_line(found))


def _line(payout: Transfer) -> str:
    when = f"{payout.created_at:%Y-%m-%dT%H:%M:%SZ}"
    account = json.loads(payout.destination)
    to = f"{account['name']}, {account['account_number']}, {account['bank_code']}"
    why = " ".join(word for word in (payout.provider_reference, payout.code) if word)
    text = f"{payout.id}  {when}  {payout.money.text()} {payout.currency}  to {to}  {payout.status}"
    return f"{text}  {why}".rstrip()
