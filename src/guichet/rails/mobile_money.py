"""What connectors to mobile-money operators share: numbers, texts, amounts, kinds of failure."""

from __future__ import annotations

import re
import unicodedata
from uuid import UUID

from guichet.domain.currencies import EXPONENTS
from guichet.domain.money import Money
from guichet.outbound.policy import ANYWHERE, RefusedAddress, check_url

#: Every operator's message to a payer, as far as we know.
MESSAGE_CHARACTERS_MAX = 160

#: E.164: the country's code and the number, 15 digits at most.
_PHONE = re.compile(r"\+?([1-9][0-9]{5,14})", re.ASCII)
#: What MTN takes in a message beside letters and digits; an apostrophe it refuses.
_NOT_IN_MESSAGE = re.compile(r"[^A-Za-z0-9 .,:;/#()+-]+")
_AMOUNT = re.compile(r"([0-9]{1,18})(?:\.([0-9]{1,18}))?", re.ASCII)
_VISIBLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,510}[\x21-\x7e])?")


class Unreadable(ValueError):
    """A value of an answer is not what the operator's documents say it is."""


class Uncertain(Exception):
    """The call may have been carried out: no answer, a server's error, or nothing readable."""


def digits_of(phone: str | None) -> str | None:
    """A phone's digits with the country's code; None for what is no E.164 number."""
    match = _PHONE.fullmatch(phone or "")
    return match[1] if match else None


def message(text: str) -> str:
    """A text as operators take it: 160 characters, unaccented, no apostrophe.

    ``Facture de l'été`` becomes ``Facture de l ete``.
    """
    letters = unicodedata.normalize("NFKD", text)
    plain = "".join(each for each in letters if not unicodedata.combining(each))
    kept = " ".join(_NOT_IN_MESSAGE.sub(" ", plain).split())
    return kept[:MESSAGE_CHARACTERS_MAX].strip()


def uuid_of(key: str) -> str:
    """Our key of 32 hexadecimal digits with hyphens: the same UUID of version 4."""
    return str(UUID(hex=key))


def key_of(text: str | None) -> str | None:
    """The key that a UUID stands for, with or without hyphens; None for what is none."""
    try:
        return UUID(text or "").hex
    except ValueError:
        return None


def exact_money(text: str | None, currency: str | None) -> Money:
    """The money that an answer says, exactly; superfluous zeros are nothing.

    Raises ``Unreadable`` for what is no amount of a currency.
    """
    match = _AMOUNT.fullmatch(text or "")
    if match is None or currency not in EXPONENTS:
        raise Unreadable("not an amount")
    decimals = EXPONENTS[currency]
    fraction = (match[2] or "").rstrip("0")
    if len(fraction) > decimals:
        raise Unreadable("more decimals than the currency has")
    return Money(int(match[1] + fraction.ljust(decimals, "0")), currency)


def wrong_address(url: str, *, live: bool) -> str | None:
    """What is wrong with the address of an API, None if nothing."""
    if not url:
        return "is required"
    try:
        check_url(url, ANYWHERE)
    except RefusedAddress as error:
        return str(error)
    if live and not url.lower().startswith("https:"):
        return "must be an https address"
    return "must have no query and no fragment" if "?" in url or "#" in url else None


def wrong_text(text: str) -> str | None:
    """What is wrong with a key or a name, None if nothing."""
    if not text:
        return "is required"
    return None if _VISIBLE.fullmatch(text) else "has characters that it cannot have"
