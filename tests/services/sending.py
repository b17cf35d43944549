"""Transfers as dialects ask for them, of a merchant who has been paid once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from gateways import caller_of
from guichet.domain.access import Application
from guichet.domain.bulk_transfers import Mode
from guichet.domain.money import Money
from guichet.domain.orders import Destination
from guichet.domain.transfers import Transfer
from guichet.gateway import Gateway
from guichet.services.bulk_transfers import NewBulk, NewRow
from guichet.services.transfers import NewTransfer, create_transfer, read_transfer
from guichet.store.queue import claim_transfers
from guichet.worker.tasks import check_transfer
from psp import Psp, pix_card
from services.bookkeeping import Paid, effects_of, paid
from services.charging import move

PAID = 10_050
DESTINATION = Destination("Amina Kamga", "cm.mtn", "+237670000000", "CM")


def sending_psp(**fields: Any) -> Psp:
    """A PSP that sends money, too."""
    return Psp(card=pix_card(sends=True), **fields)


def wanted(minor: int = 4_000, **changes: Any) -> NewTransfer:
    return NewTransfer(Money(minor, "GBP"), "pix", DESTINATION)._replace(**changes)


def bulk_of(*transfers: NewTransfer, mode: Mode = Mode.CONTINUE, currency: str = "GBP") -> NewBulk:
    """A bulk whose rows could all be read."""
    rows = [NewRow(number, "{}", new, None, None) for number, new in enumerate(transfers)]
    return NewBulk(mode, currency, None, rows)


class Sender:
    """A merchant who was paid 100.50 and has nothing else; ``changes`` are of the application."""

    def __init__(self, payment: Paid, psp: Psp, **changes: Any) -> None:
        self.gateway = payment.gateway
        self.payment = payment
        self.psp = psp
        self.application: Application = replace(
            caller_of(self.gateway, payment.application_id).application, **changes
        )

    async def send(self, minor: int = 4_000, **changes: Any) -> Transfer:
        return await create_transfer(self.gateway, self.application, wanted(minor, **changes))

    async def now_is(self, transfer: Transfer) -> Transfer:
        return await read_transfer(self.gateway, self.application, transfer.id)

    async def effects(self, *transfers: Transfer) -> dict[str, int]:
        """What was paid and the transfers came to in the books."""
        ids = [transfer.id for transfer in transfers]
        return await effects_of(self.gateway, self.payment.id, *ids)

    async def available(self) -> int:
        return (await self.account("merchant_available")) or 0

    async def account(self, code: str) -> int | None:
        async with self.gateway.database.connection() as connection:
            minor: int | None = await connection.fetchval(
                "SELECT balance_minor FROM ledger_accounts WHERE application_id = $1 AND code = $2",
                self.application.id,
                code,
            )
        return minor

    async def check_due(self, after: timedelta = timedelta(minutes=1)) -> None:
        """The worker does its round once, as far as the merchant's transfers are in it."""
        move(self.gateway, after)
        lease_seconds = self.gateway.settings.lease_seconds
        now = self.gateway.clock.now()
        for due in await claim_transfers(self.gateway.database, now, 100, lease_seconds):
            if due.application_id == self.application.id:
                await check_transfer(self.gateway, due)

    async def events(self, transfer: Transfer) -> list[tuple[str, int, str | None]]:
        """Type, version and former status of the transfer's events, in their order."""
        async with self.gateway.database.connection() as connection:
            rows = await connection.fetch(
                "SELECT type, version, previous_status FROM events WHERE subject_id = $1"
                " AND subject_type = 'transfer' ORDER BY version",
                transfer.id,
            )
        return [tuple(row) for row in rows]


async def sender(gateway: Gateway, psp: Psp, application_id: UUID, **changes: Any) -> Sender:
    return Sender(await paid(gateway, psp, application_id, PAID), psp, **changes)
