"""What we ask of a rail."""

from __future__ import annotations

from collections.abc import Mapping
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
class Payer:
    """What a rail may have to know of the payer: a tax number (CPF, CNPJ) as it was given, the
    phone (E.164) whose owner confirms.
    """

    name: str | None = field(default=None, repr=False)
    tax_number: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ProviderAccount:
    """The application's own account at a provider; ``settings`` is the connector's to read."""

    id: UUID
    settings: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class CollectOrder:
    """Collect ``money`` from one payer by one attempt.

    ``key`` is the attempt's id as 32 hexadecimal digits: written to the database before the first
    byte leaves, the same on every call of the attempt, and the provider's idempotency key.
    ``institution_code`` is the provider's id of the payer's bank, empty where the rail asks for
    none; ``channel`` the mobile operator, as ``cm.mtn``. ``account`` None is the connector's own
    default. ``memory`` is what the rail asked us to keep. ``received_minor`` and
    ``returned_minor`` are what it has reported so far. ``open`` False means the attempt
    is closed: report the truth, start nothing. ``begun_at`` is when the rail may first have been
    asked; None: long ago.
    """

    key: str
    environment: str
    money: Money
    payee: Payee
    reference: str
    institution_code: str
    return_url: str
    expires_at: datetime
    payer: Payer = Payer()
    channel: str | None = None
    account: ProviderAccount | None = None
    payer_address: str | None = None
    memory: dict[str, str] = field(default_factory=dict, repr=False)
    provider_reference: str | None = None
    received_minor: int = 0
    returned_minor: int = 0
    open: bool = True
    begun_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """Give ``money`` of a completed payment back to its payer.

    ``key`` is the refund's id as 32 hexadecimal digits, the provider's id of the refund: never
    used for another. ``collected`` is the order by which the money came, with the rail's memory.
    ``asked_at`` is when a rail was first asked for it, whatever came of that; None: it is new.
    """

    key: str
    money: Money
    collected: CollectOrder
    provider_reference: str | None = None
    asked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Destination:
    """Who receives a transfer: a phone (E.164) or a bank account in ``account_number``."""

    name: str
    channel: str
    account_number: str
    country: str
    bank_code: str | None = None


@dataclass(frozen=True, slots=True)
class SendOrder:
    """Send ``money`` to a destination.

    ``key`` is the transfer's id as 32 hexadecimal digits (a UUID of version 4): the provider's
    idempotency key, the same on every call. ``memory`` is what the rail asked us to keep.
    """

    key: str
    environment: str
    money: Money
    destination: Destination
    reference: str
    description: str
    account: ProviderAccount | None = None
    memory: dict[str, str] = field(default_factory=dict, repr=False)
    provider_reference: str | None = None
