"""Invented banks that a payer can pay from; ISPB numbers that no real bank has."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bank:
    """A payer's bank: its number in the network (ISPB) and how it looks, white on ``colour``."""

    id: str
    name: str
    ispb: str
    colour: str
    accent: str

    @property
    def account(self) -> str:
        """The payer's account there, masked as a bank shows it."""
        chance = random.Random(self.id)
        return f"••••{chance.randrange(100, 1000)}-{chance.randrange(10)}"

    @property
    def balance_minor(self) -> int:
        return random.Random(f"balance/{self.id}").randrange(90_000, 1_400_000)


BANKS = {
    bank.id: bank
    for bank in (
        Bank("ipe", "Banco Ipê", "99900101", "#6a1b9a", "#ffca28"),
        Bank("jacaranda", "Jacarandá", "99900202", "#0b5c5c", "#7bdcb5"),
        Bank("caju", "Caju Pay", "99900303", "#9a3412", "#fdba74"),
        Bank("capim", "Cooperativa Capim", "99900404", "#1f5130", "#a3d977"),
        Bank("maresia", "Banco Maresia", "99900505", "#0b3d7a", "#6cb8ff"),
    )
}
DEFAULT_BANK = BANKS["ipe"]

#: The receivers' PSP: the bank that this API belongs to.
PSP_ISPB = "99900099"
PSP_NAME = "Banco Guará"
