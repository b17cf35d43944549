"""What the simulator remembers: consents and payments."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from .scenarios import SCENARIOS, Scenario, Step

AWAITING = "AWAITING_AUTHORIZATION"


@dataclass(slots=True)
class Consent:
    """A payer's authorisation of one payment. ``key`` is the secret in the bank's address."""

    institution_id: str
    application_user_id: str | None
    user_uuid: str
    callback: str | None
    one_time: bool
    payment_request: dict[str, Any]
    created_at: datetime
    expires_at: datetime
    status: str = AWAITING
    id: str = field(default_factory=lambda: str(uuid4()))
    key: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    state: str = field(default_factory=lambda: secrets.token_hex(16))
    token: str | None = None
    one_time_token: str | None = None
    authorised_at: datetime | None = None
    scenario: Scenario = SCENARIOS["mits"]
    payer: dict[str, Any] | None = None
    return_url: str | None = None
    fault_met: bool = False

    @property
    def idempotency_id(self) -> str:
        return str(self.payment_request["paymentIdempotencyId"])


@dataclass(slots=True)
class Payment:
    """A payment order at the bank; ``movements`` are the amounts that really moved, signed."""

    consent: Consent
    request: dict[str, Any]
    scenario: Scenario
    created_at: datetime
    changed_at: datetime
    steps: list[Step]
    hidden_reads: int
    status: str = "PENDING"
    iso_code: str = "RCVD"
    reason: str | None = None
    reads: int = 0
    id: str = field(default_factory=lambda: str(uuid4()))
    movements: list[tuple[datetime, Decimal]] = field(default_factory=list)

    @property
    def asked(self) -> Decimal:
        return Decimal(self.request["amount"]["amount"])

    @property
    def moved(self) -> Decimal:
        """What the payer's account is down by now."""
        return sum((amount for _, amount in self.movements), Decimal(0))

    @property
    def paid(self) -> Decimal | int:
        """The amount as the bank reports it: what was paid, else what was asked."""
        asked: Decimal | int = self.request["amount"]["amount"]
        first = self.movements[0][1] if self.movements else asked
        return asked if first == asked else first  # the text as it was asked, 12.5 or 12.50
