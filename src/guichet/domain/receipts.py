"""Money at a provider under a key that we made, of whose order we know nothing any more."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from guichet.domain.errors import Invalid
from guichet.domain.money import Money


class UnclaimedReceipt(NamedTuple):
    """What came for a lost order, and what of it went back, in minor units of ``currency``.

    ``order_id`` is our key of the order, ``account_id`` the application's own account at the
    provider, ``payment_id`` what a person has claimed it for.
    """

    id: UUID
    rail: str
    environment: str
    account_id: UUID | None
    order_id: UUID
    received_minor: int
    returned_minor: int
    currency: str
    payment_id: UUID | None
    created_at: datetime
    updated_at: datetime

    @property
    def left_minor(self) -> int:
        """What of it lies in suspense, as long as nobody has claimed it."""
        return self.received_minor - self.returned_minor

    def told(self, received: Money, returned_minor: int, now: datetime) -> UnclaimedReceipt:
        """The receipt once the provider has told of all that came and went; neither grows less.

        Raises ``Invalid`` (``currency``) for money of another currency.
        """
        if received.currency != self.currency:
            raise Invalid("currency", "currency")
        received_minor = max(received.minor, self.received_minor)
        returned_minor = min(max(returned_minor, self.returned_minor), received_minor)
        if (received_minor, returned_minor) == (self.received_minor, self.returned_minor):
            return self
        return self._replace(
            received_minor=received_minor, returned_minor=returned_minor, updated_at=now
        )
