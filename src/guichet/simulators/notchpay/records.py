"""What the aggregator remembers: payments, transfers, refunds, webhook endpoints."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from guichet.simulators.operator.records import Request

Kind = Literal["payment", "transfer", "refund"]
Status = Literal["pending", "processing", "complete", "failed", "canceled", "expired"]

OPEN = frozenset({"pending", "processing"})
_LETTERS = string.ascii_letters + string.digits


def new_reference(prefix: str, length: int = 24) -> str:
    """An id as Notch Pay makes them: ``trx.test_Xy12…``."""
    return f"{prefix}.test_{''.join(secrets.choice(_LETTERS) for _ in range(length))}"


@dataclass(slots=True)
class Order:
    """A payment, a transfer or a refund.

    ``reference`` is the aggregator's own, ``merchant_reference`` the merchant's. ``request`` is
    what an operator was asked for it. ``shown`` are fields that the control API has it show
    instead of the truth. ``original`` is the payment that a refund is of; ``why`` its reason.
    """

    kind: Kind
    reference: str
    amount: Decimal
    currency: str
    created_at: datetime
    merchant_reference: str | None = None
    channel: str | None = None
    locked_channel: str | None = None
    number: str | None = None
    party: str = ""
    description: str | None = None
    callback: str | None = None
    metadata: dict[str, Any] | None = None
    why: str | None = None
    original: Order | None = None
    status: Status = "pending"
    failure_reason: str | None = None
    completed_at: datetime | None = None
    request: Request | None = None
    shown: dict[str, Any] = field(default_factory=dict)
    changed_at: datetime = field(init=False)
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    def __post_init__(self) -> None:
        self.changed_at = self.created_at

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def id(self) -> str:
        """What documents call its id, beside the reference."""
        return self.reference.replace(".", "_")

    def goes_by(self, name: str) -> bool:
        """Whether ``name`` is its id or one of its references."""
        return name in {self.id, self.reference, self.merchant_reference}


@dataclass(slots=True)
class Endpoint:
    """Where webhooks go."""

    id: str
    url: str
    events: list[str]
    description: str | None
    active: bool
    created_at: datetime
    updated_at: datetime
