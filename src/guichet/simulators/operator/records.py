"""What the simulator remembers: requests to move money, and customers' wallets."""

from __future__ import annotations

import random
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import uuid4

from .operators import Operator
from .scenarios import Ends, Scenario

Kind = Literal["collect", "disburse", "refund"]
Status = Literal["pending", "completed", "failed"]

PIN = "1234"
PIN_TRIES = 3

_FIRST_NAMES = ("Amina", "Blaise", "Clarisse", "Didier", "Estelle", "Fabrice", "Grace", "Hervé")
_LAST_NAMES = ("Abena", "Biya Ndo", "Eyenga", "Fotso", "Kamga", "Mballa", "Ngono", "Tchamba")


@dataclass(slots=True)
class Request:
    """One order of a merchant: to collect from a wallet, to pay into it, or to give back.

    ``key`` is the merchant's id of it and ``name`` its own reference; ``id`` and ``reference`` are
    the operator's. ``body`` is the order as it came. ``payee`` and ``text`` are what the
    customer's phone shows. ``movements`` are the moments and amounts by which the merchant's
    account changed.
    """

    operator: Operator
    kind: Kind
    key: str
    amount: Decimal
    number: str
    scenario: Scenario
    body: dict[str, Any]
    created_at: datetime
    expires_at: datetime
    payee: str = ""
    text: str = ""
    callback_url: str | None = None
    original: Request | None = None
    name: str = ""
    status: Status = "pending"
    reason: str | None = None
    changed_at: datetime = field(init=False)
    ends: Ends = "waits"
    looks: int = 0
    id: str = field(default_factory=lambda: str(uuid4()))
    reference: str = field(default_factory=lambda: str(10**9 + secrets.randbelow(9 * 10**9)))
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    movements: list[tuple[datetime, Decimal]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.changed_at = self.created_at

    @property
    def moved(self) -> Decimal:
        """By how much the merchant's account has changed."""
        return sum((amount for _, amount in self.movements), Decimal(0))

    @property
    def asks(self) -> bool:
        """Whether the customer's phone shows a prompt for it."""
        return self.status == "pending" and self.ends == "asks"


EntryKind = Literal["payment", "transfer", "refund", "cash"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a wallet's history; ``amount`` is negative for money that went out."""

    at: datetime
    kind: EntryKind
    amount: Decimal
    balance: Decimal
    other: str
    text: str = ""


@dataclass(slots=True)
class Wallet:
    """A customer's wallet; ``entries`` has the newest line last."""

    operator: Operator
    number: str
    balance: Decimal
    blocked: bool = False
    wrong_pins: int = 0
    entries: list[Entry] = field(default_factory=list)

    @property
    def tries_left(self) -> int:
        return PIN_TRIES - self.wrong_pins

    @property
    def holder(self) -> tuple[str, str]:
        """First and last name, invented, the same for one number every time."""
        chance = random.Random(self.number)
        return chance.choice(_FIRST_NAMES), chance.choice(_LAST_NAMES)

    def post(
        self, entry_kind: EntryKind, amount: Decimal, at: datetime, other: str, text: str
    ) -> None:
        """Moves money into the wallet (or out of it) and writes a line."""
        self.balance += amount
        self.entries.append(Entry(at, entry_kind, amount, self.balance, other, text))
