"""A beneficiary: who an application sends money to, kept for the next time."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from guichet.domain.orders import Destination

KINDS = ("mobile_money", "bank_account", "cash_pickup")

#: What is shown of a beneficiary who was erased.
ERASED = {"name": "erased", "account_number": "erased"}


class Beneficiary(NamedTuple):
    """``account_number`` is a phone (E.164) for mobile money; ``details`` what the dialect keeps,
    as JSON. ``reference`` is the merchant's own, unique among those not deleted.
    """

    id: UUID
    application_id: UUID
    environment: str
    name: str
    kind: str
    channel: str
    account_number: str
    country: str
    currency: str
    email: str | None
    phone: str | None
    bank_code: str | None
    reference: str | None
    description: str | None
    details: str | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    version: int

    @property
    def destination(self) -> Destination:
        """Where money for them is sent."""
        return Destination(
            self.name, self.channel, self.account_number, self.country, self.bank_code
        )
