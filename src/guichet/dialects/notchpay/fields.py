"""Rules on the fields of Notch Pay's requests, and what is read out of them (contract 3 and 5)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from guichet.dialects.neopay import validation as rules
from guichet.dialects.neopay.validation import Need, Rule, ValidationFailed, Values, say
from guichet.domain.channels import CHANNELS, Channel
from guichet.domain.money import InvalidAmount, exponent, is_currency, parse_money
from guichet.outbound.policy import ANYWHERE
from guichet.services.phones import channel_of_phone, normalise_phone
from guichet.web.asgi import Request
from guichet.web.strict_json import Number

_ZEROS = re.compile(r"([0-9]+)\.0+\Z", re.ASCII)
_PLAIN = re.compile(r"[0-9]{1,15}\Z", re.ASCII)
_PHONE = re.compile(r"\+?[0-9][0-9 ().-]{5,23}\Z", re.ASCII)

mapping: Rule = rules.array
web_address: Rule = rules.url_under(ANYWHERE)
currency: Rule = rules.currency


def text(limit: int) -> Rule:
    """A text of at most ``limit`` characters."""

    def rule(value: Any, _: Values) -> str | None:
        if not isinstance(value, str) or isinstance(value, Number):
            return "The {} field must be a string."
        if len(value) > limit:
            return f"The {{}} field must not be greater than {limit} characters."
        return None

    return rule


def email(limit: int) -> Rule:
    """An e-mail address of at most ``limit`` characters."""
    is_text = text(limit)

    def rule(value: Any, values: Values) -> str | None:
        return is_text(value, values) or rules.email(value[:255], values)

    return rule


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
    return None if value in CHANNELS else "The selected {} is invalid."


def required_without_all(*others: str) -> Need:
    """Needed when all ``others`` are absent."""
    named = " / ".join(others)

    def need(values: Values) -> str | None:
        if all(values[other] is None for other in others):
            return f"The {{}} field is required when {named} is not present."
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
        try:
            money = parse_money(digits, code)
        except InvalidAmount as error:
            if error.rule == "decimals":
                return (
                    f"The {{}} field must have 0-{exponent(code)} decimal places."
                    if exponent(code)
                    else "The {} field must be an integer."
                )
            if digits.startswith("-"):
                return "The {} field must be at least 1."
            return "The {} field must be a number."
        return None if money.minor > 0 else "The {} field must be at least 1."

    return rule


def as_text(value: Any) -> str | None:
    """A text, or a number as it was written; None for everything else."""
    return str(value) if isinstance(value, str) and value else None


def numbers_made(value: Any) -> Any:
    """What was read, with its numbers as JSON numbers again: integers exactly, others as text."""
    if isinstance(value, Number):
        return int(value) if _PLAIN.match(value) else float(value)
    if isinstance(value, dict):
        return {name: numbers_made(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [numbers_made(inner) for inner in value]
    return value


def channel_and_phone(body: Mapping[str, Any]) -> tuple[str, str]:
    """The channel and the phone (E.164) of a request to process (contract 6.4).

    The number is ``phone`` or ``account_number``, inside ``data`` or beside it. Raises
    ``ValidationFailed``.
    """
    inner = body.get("data")
    data = inner if isinstance(inner, dict) else {}
    wanted = body.get("channel")
    broken: dict[str, list[str]] = {}
    if not wanted:
        broken["channel"] = [say("The {} field is required.", "channel")]
    elif not isinstance(wanted, str) or wanted not in CHANNELS:
        broken["channel"] = [say("The selected {} is invalid.", "channel")]
    number = next(
        (
            found
            for holder in (data, body)
            for name in ("phone", "account_number", "number")
            if (found := as_text(holder.get(name)))
        ),
        None,
    )
    country = CHANNELS[str(wanted)].country if wanted in CHANNELS else "CM"
    phone_number = normalise_phone(number, country) if number else None
    if number is None:
        broken["phone"] = [say("The {} field is required.", "phone")]
    elif phone_number is None:
        broken["phone"] = [say("The {} field must be a valid phone number.", "phone")]
    if broken or phone_number is None:
        raise ValidationFailed(broken)
    return str(wanted), phone_number


def channel_of(phone_number: str) -> Channel | None:
    """The channel of an E.164 number's operator."""
    return channel_of_phone(phone_number)


def asked_days(request: Request) -> tuple[datetime | None, datetime | None]:
    """``date_start`` and ``date_end`` as bounds of the creation: inclusive days (contract 5.3)."""
    start = _moment(request.query_value("date_start"))
    end = _moment(request.query_value("date_end"))
    if end is not None and end == end.replace(hour=0, minute=0, second=0, microsecond=0):
        end += timedelta(days=1)
    return start, end


def _moment(value: str | None) -> datetime | None:
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
