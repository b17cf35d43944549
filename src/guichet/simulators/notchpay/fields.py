"""What requests hold: read, checked, and every wrong field named in Laravel's words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from guichet.simulators.operator.operators import OPERATORS, WITHOUT_CENTS

from .desk import ANY_MOBILE, operator_for
from .wire import invalid

CURRENCIES = frozenset(each.currency for each in OPERATORS.values())
_NUMBER = re.compile(r"\+?([0-9]{9,15})")
_NUMBER_NAMES = ("phone", "account_number", "number", "account")
_AMOUNT_MAX = 10**12
_NATIONAL_DIGITS = 9


class Fields:
    """The fields of one request; ``raise_if_wrong`` names all that are wrong at once."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._body = body
        self._wrong: dict[str, list[str]] = {}

    def wrong(self, name: str, sentence: str) -> None:
        self._wrong.setdefault(name, []).append(sentence.format(name.replace("_", " ")))

    def raise_if_wrong(self) -> None:
        if self._wrong:
            raise invalid(self._wrong)

    def text(self, name: str, most: int = 255, *, required: bool = False) -> str | None:
        """A text, trimmed; empty ones are none."""
        value = self._body.get(name)
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            value = str(value)
        if value is not None and not isinstance(value, str):
            self.wrong(name, "The {} field must be a string.")
            return None
        text = (value or "").strip()
        if not text and required:
            self.wrong(name, "The {} field is required.")
        if len(text) > most:
            self.wrong(name, f"The {{}} field must not be greater than {most} characters.")
        return text or None

    def address(self, name: str, *, required: bool = False) -> str | None:
        """An http or https address."""
        url = self.text(name, 2048, required=required)
        if url is not None and not url.startswith(("http://", "https://")):
            self.wrong(name, "The {} field must be a valid URL.")
        return url

    def currency(self) -> str:
        """An ISO 4217 code that some operator has money in."""
        code = (self.text("currency", required=True) or "").upper()
        if code and code not in CURRENCIES:
            self.wrong("currency", "The selected {} is invalid.")
        return code

    def amount(self, currency: str, *, required: bool = True) -> Decimal | None:
        """An amount in major units: whole where the currency has no decimals."""
        given = self._body.get("amount")
        if given is None and not required:
            return None
        try:
            amount = Decimal(str(given))
        except ArithmeticError:
            amount = Decimal("NaN")
        if given is None:
            self.wrong("amount", "The {} field is required.")
        elif isinstance(given, bool) or not amount.is_finite():
            self.wrong("amount", "The {} field must be a number.")
        elif not 0 < amount < _AMOUNT_MAX:
            self.wrong("amount", "The {} field must be at least 1.")
        elif amount != round(amount, 0 if currency in WITHOUT_CENTS else 2):
            self.wrong("amount", "The {} field must be an integer.")
        else:
            return amount
        return None

    def channel(self, currency: str, name: str = "channel", *, required: bool = True) -> str | None:
        """A channel that has money in the currency."""
        channel = self.text(name, required=required)
        if channel is None:
            return None
        operator = (
            OPERATORS["cm.mtn" if channel == ANY_MOBILE else channel]
            if (channel == ANY_MOBILE or channel in OPERATORS)
            else None
        )
        if operator is None or operator.currency != currency:
            self.wrong(name, "The selected {} is invalid.")
        return channel

    def number(self, channel: str | None, *holders: object) -> str:
        """The digits of a wallet under any of its names, with the country's code."""
        places = [each for each in (*holders, self._body) if isinstance(each, Mapping)]
        given = next(
            (place[name] for name in _NUMBER_NAMES for place in places if place.get(name)), ""
        )
        match = _NUMBER.fullmatch(str(given).replace(" ", "").replace("-", ""))
        if match is None:
            sentence = "The {} field is required." if not given else "The {} field is invalid."
            self.wrong("phone", sentence)
            return ""
        digits = match[1]
        if len(digits) == _NATIONAL_DIGITS and (channel or "").startswith("cm."):
            digits = f"237{digits}"
        if channel == ANY_MOBILE and operator_for(channel, digits) is None:
            self.wrong("phone", "The {} field is invalid.")
        return digits
