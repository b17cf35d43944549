"""Who is calling: merchants, their applications and keys."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from guichet.domain.fees import FeeRule
from guichet.domain.orders import Payee


class Environment(StrEnum):
    """Where money moves: at simulators and providers' sandboxes, or for real."""

    SANDBOX = "sandbox"
    LIVE = "live"


class KeyRole(StrEnum):
    """What an API key may do."""

    PUBLIC = "public"
    SECRET = "secret"


@dataclass(frozen=True, slots=True)
class Application:
    """A merchant's application: the tenant to which every object belongs.

    ``allowed_addresses`` are IP networks (CIDR), ``allowed_domains`` host names; empty means all.
    ``requests_per_minute`` 0 means no limit. ``lenient_json`` allows the documented comma repair.
    ``returns_payer`` offers the payer the way back to the merchant's ``callback_url``.
    ``transfer_fee_rule`` is the tariff of money sent; ``approves_transfers`` says that a second
    person does, ``transfer_addresses`` are the IP networks (CIDR) that may ask for them (empty:
    all). ``public_key_reads`` opens lists and customers to the public key, in live, too.
    ``dialect_options`` are the choices that its dialect leaves, in the dialect's words.
    """

    id: UUID
    merchant_id: UUID
    name: str
    dialect: str
    environment: Environment
    payee: Payee
    fee_rule: FeeRule | None
    currency: str
    allowed_addresses: tuple[str, ...]
    allowed_domains: tuple[str, ...]
    requests_per_minute: int
    settlement_delay_hours: int
    payment_lifetime_minutes: int
    lenient_json: bool
    returns_payer: bool
    transfer_fee_rule: FeeRule | None = None
    approves_transfers: bool = False
    transfer_addresses: tuple[str, ...] = ()
    public_key_reads: bool = False
    dialect_options: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated request's application, and the role of the key it used (None: no key)."""

    application: Application
    role: KeyRole | None
