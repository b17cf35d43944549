"""Amounts: texts like ``37.00`` on the wire, centavos inside."""

from __future__ import annotations

import re

_AMOUNT = re.compile(r"[0-9]{1,10}\.[0-9]{2}")
_TYPED = re.compile(r"([0-9]{1,3}(?:[.][0-9]{3})+|[0-9]{1,10})(?:,([0-9]{2}))?")


def cents_of(text: object) -> int | None:
    """Centavos of an amount as the API writes it; None for anything else."""
    if not isinstance(text, str) or not _AMOUNT.fullmatch(text):
        return None
    return int(text.replace(".", ""))


def cents_typed(text: str) -> int | None:
    """Centavos of an amount as a person types it, ``1.234,56`` or ``1234.56``; None if unclear."""
    text = re.sub(r"^R\$|\s", "", text.strip())
    if (exact := cents_of(text)) is not None:
        return exact
    found = _TYPED.fullmatch(text)
    if found is None:
        return None
    return int(found[1].replace(".", "")) * 100 + int(found[2] or 0)


def amount_of(cents: int) -> str:
    """``3700`` as ``37.00``."""
    return f"{cents // 100}.{cents % 100:02}"
