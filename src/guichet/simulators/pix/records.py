"""What the simulator remembers: receivers, charges, payments and returns."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .banks import PSP_ISPB
from .payers import EXACT, Payer, Scenario

ACTIVE = "ATIVA"
PAID = "CONCLUIDA"
REMOVED_BY_RECEIVER = "REMOVIDA_PELO_USUARIO_RECEBEDOR"
REMOVED_BY_PSP = "REMOVIDA_PELO_PSP"
RETURNING = "EM_PROCESSAMENTO"
RETURNED = "DEVOLVIDO"
NOT_RETURNED = "NAO_REALIZADO"

_ALPHABET = string.ascii_letters + string.digits


def end_to_end_id(letter: str, ispb: str, moment: datetime) -> str:
    """``E`` (a payment) or ``D`` (a return), the bank, the minute and eleven characters."""
    tail = "".join(secrets.choice(_ALPHABET) for _ in range(11))
    return f"{letter}{ispb}{moment:%Y%m%d%H%M}{tail}"


@dataclass(slots=True)
class Receiver:
    """An account at the PSP that receives Pix, and the client of the API that speaks for it."""

    client_id: str
    client_secret: str
    key: str
    name: str
    city: str
    cnpj: str
    webhook_url: str | None = None
    webhook_created_at: datetime | None = None


@dataclass(slots=True)
class Charge:
    """An immediate charge (``cob``).

    ``terms`` are the fields of the request as they stand, ``history`` all of them by revision.
    ``token`` is the secret in its location, where the payer's bank reads it.
    """

    receiver: Receiver
    txid: str
    terms: dict[str, Any]
    location_id: int
    created_at: datetime
    status: str = ACTIVE
    token: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    history: list[tuple[dict[str, Any], str]] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)

    @property
    def revision(self) -> int:
        return len(self.history)


@dataclass(slots=True)
class Return:
    """Money that goes back to the payer (``devolução``): ours, or imposed by MED."""

    id: str
    amount_minor: int
    nature: str
    requested_at: datetime
    rtr_id: str = ""
    description: str | None = None
    status: str = RETURNING
    settled_at: datetime | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        self.rtr_id = end_to_end_id("D", PSP_ISPB, self.requested_at)


@dataclass(slots=True)
class Payment:
    """A Pix that arrived. ``charge`` is None for one by a static code."""

    receiver: Receiver
    charge: Charge | None
    txid: str | None
    amount_minor: int
    paid_at: datetime
    payer: Payer = field(default_factory=Payer)
    scenario: Scenario = EXACT
    information: str | None = None
    end_to_end_id: str = ""
    returns: dict[str, Return] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.end_to_end_id = end_to_end_id("E", self.payer.bank.ispb, self.paid_at)

    @property
    def returned_minor(self) -> int:
        """What went back, or is on its way."""
        return sum(
            each.amount_minor for each in self.returns.values() if each.status != NOT_RETURNED
        )

    @property
    def returnable_minor(self) -> int:
        return self.amount_minor - self.returned_minor


@dataclass(frozen=True, slots=True)
class Rejection:
    """A Pix that the network rejected: the receiver never hears of it."""

    txid: str | None
    amount_minor: int
    code: str
    at: datetime
