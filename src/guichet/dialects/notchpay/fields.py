"""Rules on the fields of Notch Pay's requests, and what is read out of them (contract 3 and 5)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from guichet.dialects import validation as rules
from guichet.dialects.validation import Need, Rule, ValidationFailed, Values, say
from guichet.domain.access import Environment
from guichet.domain.channels import CHANNELS
from guichet.domain.money import InvalidAmount, exponent, is_currency, parse_money
from guichet.outbound.policy import ANYWHERE, PUBLIC_ONLY
from guichet.services.phones import normalise_phone
from guichet.web.strict_json import Number

#: As many digits as every client keeps: JavaScript's numbers are no more exact.
AMOUNT_MAX_MINOR = 10**15 - 1

_ZEROS = re.compile(r"(-?[0-9]{1,40})\.0{1,40}\Z", re.ASCII)
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})\Z", re.ASCII)
_LONG = re.compile(r"[1-9][0-9]{15,}\Z", re.ASCII)
_PHONE = re.compile(r"\+?[0-9][0-9 ().-]{5,23}\Z", re.ASCII)
_COUNTRY = re.compile(r"[A-Za-z]{2}\Z", re.ASCII)
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
#: Names under which clients send the number of a wallet.
_NUMBER_NAMES = ("phone", "account_number", "number")

#: Where a merchant may send us or a payer: in live, to public hosts by https alone.
WEB_ADDRESSES: Mapping[Environment, Rule] = {
    Environment.SANDBOX: rules.url_under(ANYWHERE),
    Environment.LIVE: rules.url_under(PUBLIC_ONLY),
}
currency: Rule = rules.currency
email: Rule = rules.email
text = rules.text_to


def mapping(value: Any, _: Values) -> str | None:
    """A JSON object; PHP sends an empty one as an empty array."""
    return None if isinstance(value, dict) or value == [] else "The {} field must be an array."


def array(value: Any, _: Values) -> str | None:
    """A JSON array or object: PHP makes no difference."""
    return None if isinstance(value, list | dict) else "The {} field must be an array."


def phone(value: Any, _: Values) -> str | None:
    """A phone as text or as an integer; whose it is, is seen when it is used."""
    if isinstance(value, str) and _PHONE.match(value):
        return None
    return "The {} field must be a valid phone number."


def channel(value: Any, _: Values) -> str | None:
    """A channel's id."""
    if isinstance(value, str) and value in CHANNELS:
        return None
    return "The selected {} is invalid."


def country(value: Any, _: Values) -> str | None:
    """A country of two letters."""
    if isinstance(value, str) and _COUNTRY.match(value):
        return None
    return "The selected {} is invalid."


def boolean(value: Any, _: Values) -> str | None:
    """True or false, as JSON or as forms say it."""
    return None if as_boolean(value) is not None else "The {} field must be true or false."


def as_boolean(value: Any) -> bool | None:
    """What ``boolean`` lets through; None for everything else."""
    if isinstance(value, bool):
        return value
    return _BOOLEANS.get(value.lower()) if isinstance(value, str) else None


def required_without_all(*others: str) -> Need:
    """Needed when all ``others`` are absent."""
    named = " / ".join(others)

    def need(values: Values) -> str | None:
        if all(values[other] is None for other in others):
            return f"The {{}} field is required when none of {named} are present."
        return None

    return need


def plain_amount(value: str) -> str:
    """An amount without the zeros that some clients put behind it: ``5000.0`` is ``5000``."""
    match = _ZEROS.match(value)
    return match.group(1) if match else value


def amount_in(currency_field: str) -> Rule:
    """A positive amount of the currency in ``currency_field``, as a number or as text."""

    def rule(value: Any, values: Values) -> str | None:
        code = values[currency_field]
        code = code if isinstance(code, str) and is_currency(code) else "XAF"
        if not isinstance(value, str):
            return "The {} field must be a number."
        digits = plain_amount(value)
        negative = digits.startswith("-")
        digits = digits.removeprefix("-")
        try:
            minor = parse_money(digits, code).minor
        except InvalidAmount as error:
            if error.rule == "decimals":
                return _decimals(exponent(code))
            if not _LONG.match(digits):
                return "The {} field must be a number."
            minor = AMOUNT_MAX_MINOR + 1
        if negative or minor == 0:
            return "The {} field must be at least 1."
        if minor > AMOUNT_MAX_MINOR:
            most = AMOUNT_MAX_MINOR // 10 ** exponent(code)
            return f"The {{}} field must not be greater than {most}."
        return None

    return rule


def _decimals(allowed: int) -> str:
    if allowed:
        return f"The {{}} field must have 0-{allowed} decimal places."
    return "The {} field must be an integer."


def as_text(value: Any) -> str | None:
    """A text, or a number as it was written; None for everything else."""
    return str(value) if isinstance(value, str) and value else None


def numbers_made(value: Any) -> Any:
    """What was read, with its numbers as JSON numbers again.

    Those that a client in JavaScript would write otherwise (too large, too precise, with an
    exponent) stay the text that came: what is kept is signed as it is sent.
    """
    if isinstance(value, Number):
        return _number(str(value))
    if isinstance(value, dict):
        return {name: numbers_made(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [numbers_made(inner) for inner in value]
    return value


def _number(written: str) -> int | float | str:
    digits = plain_amount(written)
    if _INTEGER.match(digits):
        return int(digits)
    number = float(written)
    if not math.isfinite(number) or number.is_integer() or "e" in repr(number):
        return written
    return number


def lifted(body: Mapping[str, Any], holder: str, *names: str) -> dict[str, Any]:
    """The body with the fields of the object in ``holder`` beside the others where those lack
    them; the holder keeps its ``id`` alone.
    """
    inner = body.get(holder)
    if inner == []:
        return {**body, holder: None}
    if not isinstance(inner, dict):
        return dict(body)
    known = {name: inner.get(name) for name in names if body.get(name) is None}
    return {**body, **known, holder: inner.get("id")}


def channel_and_phone(body: Mapping[str, Any]) -> tuple[str, str]:
    """The channel and the phone (E.164) of a request to process (contract 6.4).

    The number is ``phone`` or ``account_number``, inside ``data`` or beside it. Raises
    ``ValidationFailed``.
    """
    inner = body.get("data")
    data = inner if isinstance(inner, dict) else {}
    wanted = as_text(body.get("channel"))
    broken: dict[str, list[str]] = {}
    known = CHANNELS.get(wanted) if wanted else None
    if body.get("channel") is None:
        broken["channel"] = [say("The {} field is required.", "channel")]
    elif known is None:
        broken["channel"] = [say("The selected {} is invalid.", "channel")]
    number = next(
        (
            found
            for holder in (data, body)
            for name in _NUMBER_NAMES
            if (found := as_text(holder.get(name)))
        ),
        None,
    )
    phone_number = normalise_phone(number, known.country if known else "CM") if number else None
    if number is None:
        broken["phone"] = [say("The {} field is required.", "phone")]
    elif phone_number is None:
        broken["phone"] = [say("The {} field must be a valid phone number.", "phone")]
    if broken or known is None or phone_number is None:
        raise ValidationFailed(broken)
    return known.id, phone_number
