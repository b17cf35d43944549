"""``guichet transfer``: what a second person decides (maker and checker)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

from cyclopts import App

from guichet.commands.common import application_of, read_settings
from guichet.domain.access import Application
from guichet.domain.transfers import OPEN_TRANSFER, Transfer
from guichet.gateway import Gateway
from guichet.server import operations
from guichet.services.transfers import (
    approve_transfer,
    list_waiting_transfers,
    read_any_transfer,
    refuse_transfer,
)

transfers = App(name="transfer", help="Money that applications send.")

#: Imported when they are asked for: they read the dialect's files.
for name in ("bulk", "bulk-result", "bulk-resume", "bulk-approve", "bulk-refuse"):
    transfers.command(f"guichet.commands.bulk_transfers:{name.replace('-', '_')}", name=name)

Decide = Callable[[Gateway, Application, UUID], Awaitable[Transfer]]


@transfers.command
def approve(transfer: UUID) -> None:
    """Agree to a transfer that waits for it: the money is sent."""
    _decide(transfer, approve_transfer)


@transfers.command
def refuse(transfer: UUID) -> None:
    """Refuse a transfer that waits for a decision: its money is available again."""
    _decide(transfer, refuse_transfer)


@transfers.command(name="list")
def list_waiting(*, application: UUID | None = None) -> None:
    """List the transfers that wait for a decision, oldest first.

    Parameters
    ----------
    application
        Of this application alone.
    """

    async def read(gateway: Gateway) -> list[Transfer]:
        return await list_waiting_transfers(gateway, application)

    for found in asyncio.run(operations.with_gateway(read_settings(), read)):
        print(_line(found))


def _decide(transfer_id: UUID, decide: Decide) -> None:
    async def decided(gateway: Gateway) -> Transfer:
        found = await read_any_transfer(gateway, transfer_id)
        application = application_of(gateway, found.application_id)
        return await decide(gateway, application, found.id)

    after = asyncio.run(operations.with_gateway(read_settings(), decided))
    print(_line(after))
    if after.status in OPEN_TRANSFER:
        print("The worker asks the provider until it is decided.")


def _line(transfer: Transfer) -> str:
    when = f"{transfer.created_at:%Y-%m-%dT%H:%M:%SZ}"
    why = " ".join(word for word in (transfer.reason, transfer.code) if word)
    text = (
        f"{transfer.id}  {when}  {transfer.money.text()} {transfer.currency}  {transfer.channel}"
        f"  {transfer.reference or '-'}  {transfer.status}"
    )
    return f"{text}  {why}".rstrip()
