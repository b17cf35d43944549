"""What we ask of a rail."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from guichet.domain.money import Money


@dataclass(frozen=True, slots=True)
class Payee:
    """Who is paid: the application's own bank account (ISO 20022 creditor).

    ``account`` is an IBAN, or for GBP a sort code and account number as ``SSSSSSNNNNNNNN``.
    """

    id: UUID
    name: str
    country: str
    bank_name: str
    account: str
    bic: str


@dataclass(frozen=True, slots=True)
class CollectOrder:
    """Collect ``money`` from one payer by one attempt.

    ``key`` is the attempt's id as 32 hexadecimal digits: written to the database before the first
    byte leaves, the same on every call of the attempt, and the provider's idempotency key.
    ``institution_code`` is the provider's id of the payer's bank. ``memory`` is what the rail
    asked us to keep. ``open`` False means the attempt is closed: report the truth, start nothing.
    """

    key: str
    environment: str
    money: Money
    payee: Payee
    reference: str
    institution_code: str
    return_url: str
    expires_at: datetime
    payer_address: str | None = None
    memory: dict[str, str] = field(default_factory=dict, repr=False)
    provider_reference: str | None = None
    received_minor: int = 0
    open: bool = True
