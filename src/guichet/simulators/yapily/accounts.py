"""Invented accounts of the test users, the same for one user at one bank every time."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .institutions import Bank

_NAMES = ("Everyday account", "Joint account", "Savings")
_HOLDERS = ("Mira Santos", "Alex Morgan", "Camille Laurent", "Ines Costa", "Jonas Weber")
_IBAN_LENGTHS = {"DE": 22, "ES": 24, "FR": 27, "IE": 22, "PT": 25}
_SYMBOLS = {"GBP": "£", "EUR": "€", "USD": "$"}


@dataclass(frozen=True, slots=True)
class Account:
    """One account: how it looks on the page and how the API names it."""

    name: str
    holder: str
    number: str
    masked: str
    balance: Decimal
    identifications: tuple[tuple[str, str], ...]

    def as_payer(self) -> dict[str, Any]:
        """Yapily's ``Payer``."""
        pairs = [{"type": kind, "identification": text} for kind, text in self.identifications]
        return {"name": self.holder, "accountIdentifications": pairs}


def accounts_of(bank: Bank, user: str) -> list[Account]:
    """Three accounts with balances."""
    chance = random.Random(f"{bank.id}/{user.lower()}")
    holder = chance.choice(_HOLDERS)
    return [_account(bank, name, holder, chance) for name in _NAMES]


def _account(bank: Bank, name: str, holder: str, chance: random.Random) -> Account:
    balance = Decimal(chance.randrange(90_000, 1_400_000)).scaleb(-2)
    if bank.country == "GB":
        sort_code = f"{chance.randrange(10**6):06}"
        number = f"{chance.randrange(10**8):08}"
        masked = f"••-••-{sort_code[-2:]}  ••••{number[-4:]}"
        pairs = (("SORT_CODE", sort_code), ("ACCOUNT_NUMBER", number))
        return Account(name, holder, number, masked, balance, pairs)
    basic = "".join(str(chance.randrange(10)) for _ in range(_IBAN_LENGTHS[bank.country] - 4))
    iban = f"{bank.country}{_check_digits(bank.country, basic)}{basic}"
    masked = f"{iban[:4]} •••• •••• {iban[-4:]}"
    return Account(name, holder, iban, masked, balance, (("IBAN", iban),))


def _check_digits(country: str, basic: str) -> str:
    # ISO 7064 MOD 97-10: the country's letters count as two digits each, A being 10.
    letters = "".join(str(ord(letter) - ord("A") + 10) for letter in country)
    return f"{98 - int(f'{basic}{letters}00') % 97:02}"


def money(amount: Decimal | int, currency: str) -> str:
    """An amount for people: ``£1,250.00``, ``10.125 BHD``; never rounded."""
    exact = Decimal(amount)
    exponent = exact.as_tuple().exponent
    cents = isinstance(exponent, int) and exponent >= -2
    digits = f"{exact:,.2f}" if cents else f"{exact:,f}"
    symbol = _SYMBOLS.get(currency)
    return f"{symbol}{digits}" if symbol else f"{digits} {currency}"


def account_lines(identifications: list[dict[str, str]]) -> list[tuple[str, str]]:
    """A payee's account for people: label and number, grouped as printed on a bank card."""
    return [_line(each["type"], each["identification"]) for each in identifications]


def _line(kind: str, text: str) -> tuple[str, str]:
    if kind == "SORT_CODE":
        return "Sort code", "-".join(text[at : at + 2] for at in range(0, len(text), 2))
    if kind == "ACCOUNT_NUMBER":
        return "Account number", text
    if kind == "IBAN":
        plain = text.replace(" ", "")
        return "IBAN", " ".join(plain[at : at + 4] for at in range(0, len(plain), 4))
    return kind.replace("_", " ").capitalize(), text
