"""Invented banks that a payer can pay from; ISPB numbers that no real bank has."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bank:
    """A payer's bank: its number in the network (ISPB) and how it looks, white on ``colour``."""

    id: str
    name: str
    ispb: str
    colour: str
    accent: str


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
