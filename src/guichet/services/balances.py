"""What an application has, as the books say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from guichet.domain.access import Application
from guichet.gateway import Gateway
from guichet.store import balances as store
from guichet.store.database import Connection

_IN_FLIGHT = ("refunds_in_flight", "transfers_in_flight", "payouts_in_flight")


class Balance(NamedTuple):
    """An application's money in ``currency``, in minor units.

    ``reserved_minor`` is under way to payers and beneficiaries; ``owed_minor`` is what the
    application owes after money of its was taken back.
    """

    currency: str
    available_minor: int
    pending_minor: int
    reserved_minor: int
    owed_minor: int

    @property
    def total_minor(self) -> int:
        """All that is the application's."""
        return self.available_minor + self.pending_minor + self.reserved_minor


class ApplicationBalance(NamedTuple):
    """An application's balance in one currency, for the operator."""

    application_id: UUID
    name: str
    environment: str
    balance: Balance


async def list_balances(
    connection: Connection, application_id: UUID | None, currency: str | None
) -> list[ApplicationBalance]:
    """The balances that the books have, of one application or of all."""
    rows = await store.of_applications(connection, application_id, currency)
    return [
        ApplicationBalance(
            row.application_id, row.name, row.environment, _balance(row.currency, row.minors)
        )
        for row in rows
    ]


async def read_balance(gateway: Gateway, application: Application, currency: str) -> Balance:
    """The application's balance in one currency: the ledger's own figures, of one moment."""
    async with gateway.database.connection() as connection:
        found = await store.of_application(
            connection, application.id, application.environment, currency
        )
    return _balance(currency, found)


def _balance(currency: str, found: Mapping[str, int]) -> Balance:
    return Balance(
        currency,
        available_minor=found.get("merchant_available", 0),
        pending_minor=found.get("merchant_pending", 0),
        reserved_minor=sum(found.get(code, 0) for code in _IN_FLIGHT),
        owed_minor=found.get("merchant_receivable", 0),
    )
