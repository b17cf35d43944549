"""Rules on the fields of a request, and the sentences for those that are broken.

A table of fields is walked once and *every* broken field is reported, as clients of the real
service expect. Sentences and names are Laravel's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from guichet.domain.cards import holds_card_number
from guichet.domain.customers import is_email
from guichet.domain.money import InvalidAmount, exponent, is_currency, minor_to_text, parse_money
from guichet.outbound.policy import Policy, RefusedAddress, check_url
from guichet.web.strict_json import Number, storable

Values = dict[str, Any]
#: Looks at one value that is there (and at the others); answers a sentence with ``{}`` for the
#: field's name, or None.
Rule = Callable[[Any, Values], str | None]
#: Says whether an absent value is needed: a sentence, or None.
Need = Callable[[Values], str | None]

TEXT_MAX = 255
URL_MAX = 2048
#: 99,999,999.99 in hundredths: the documented "10 digits, 2 of them decimals".
_AMOUNT_MAX_HUNDREDTHS = 9_999_999_999

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
#: A number that only its length makes unreadable as an amount.
_LONG = re.compile(r"[1-9][0-9]{15,}", re.ASCII)


_no_fields = dict[str, Any]().get


class ValidationFailed(Exception):
    """The request breaks rules: ``errors`` holds the sentences by the field's dotted path."""

    def __init__(self, errors: Mapping[str, Sequence[str]]) -> None:
        super().__init__()
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a request by its dotted path (after its parent), what it needs and obeys."""

    path: str
    rules: tuple[Rule, ...] = ()
    need: Need | None = None


class Form:
    """A table of fields; checks a request against all of them."""

    def __init__(self, *fields: Field) -> None:
        holders = {field.path.rpartition(".")[0] for field in fields}
        self._fields = tuple(
            (field.path, (*field.rules, *_beyond(field.path, holders)), field.need)
            for field in fields
        )
        self._keys: dict[str, list[tuple[str, str]]] = {}
        for field in fields:
            parent, _, key = field.path.rpartition(".")
            self._keys.setdefault(parent, []).append((key, field.path))

    def check(self, body: Mapping[str, Any], known: Mapping[str, Any] | None = None) -> Values:
        """The fields' values by path, None for those absent, null or empty. Fields that are in
        no table are ignored. ``known`` is what the rules need beside them, under names that no
        field has. Raises ``ValidationFailed``.
        """
        values: Values = dict(known or {})
        for parent, keys in self._keys.items():
            holder = values[parent] if parent else body
            get = holder.get if isinstance(holder, dict) else _no_fields
            for key, path in keys:
                value = get(key)
                values[path] = None if value == "" else value
        errors: dict[str, list[str]] = {}
        for path, rules, need in self._fields:
            value = values[path]
            if value is None and need is None:
                continue
            sentence = _broken(value, values, rules, need)
            if sentence is not None:
                errors[path] = [say(sentence, path)]
        if errors:
            raise ValidationFailed(errors)
        return values


#: Where long numbers belong, by the last part of a field's path; and rows, which are read one by
#: one.
_NUMBERS = frozenset(
    {"account_number", "amount", "id", "number", "phone", "tax_number", "transfers"}
)


def _beyond(path: str, holders: Collection[str]) -> tuple[Rule, ...]:
    """What every field obeys beyond its own rules; a holder's parts do so by themselves."""
    is_number = path.rpartition(".")[2] in _NUMBERS
    return () if is_number or path in holders else (no_card_number,)


def no_card_number(value: Any, _: Values) -> str | None:
    """No payment card's number, however deep: we take no cards and keep no numbers of theirs."""
    return "The {} field must not hold a card number." if _holds_card(value) else None


def _holds_card(value: Any) -> bool:
    if isinstance(value, str):
        return holds_card_number(value)
    if isinstance(value, dict):
        return any(_holds_card(part) for part in (*value.keys(), *value.values()))
    return isinstance(value, list) and any(map(_holds_card, value))


def _broken(value: Any, values: Values, rules: tuple[Rule, ...], need: Need | None) -> str | None:
    if value is None or (isinstance(value, str) and need is not None and not value.strip()):
        return need(values) if need is not None else None
    for rule in rules:
        sentence = rule(value, values)
        if sentence is not None:
            return sentence
    return None


def say(sentence: str, path: str) -> str:
    """The sentence about the field at ``path``: ``institutionId`` is called ``institution id``."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", path).lower().replace("_", " ")
    return sentence.format(words)


def required(_: Values) -> str | None:
    return "The {} field is required."


def required_without(other: str) -> Need:
    """Needed when ``other`` is absent."""

    def need(values: Values) -> str | None:
        if values[other] is None:
            return f"The {{}} field is required when {other} is not present."
        return None

    return need


def required_if(other: str, word: str) -> Need:
    """Needed when ``other`` is ``word``, or absent, which means the same."""
    sentence = "The {} field is required when " + say("{}", other) + f" is {word}."

    def need(values: Values) -> str | None:
        return sentence if values[other] in (None, word) else None

    return need


def text_to(limit: int) -> Rule:
    """A string (no JSON number) of at most ``limit`` characters."""

    def rule(value: Any, _: Values) -> str | None:
        if not isinstance(value, str) or isinstance(value, Number):
            return "The {} field must be a string."
        return _too_long(value, limit)

    return rule


#: A string (no JSON number) of at most ``TEXT_MAX`` characters.
text = text_to(TEXT_MAX)


def _too_long(value: str, limit: int) -> str | None:
    if len(value) > limit:
        return f"The {{}} field must not be greater than {limit} characters."
    return None


def array(value: Any, _: Values) -> str | None:
    """A JSON object, which PHP calls an array."""
    return None if isinstance(value, dict) else "The {} field must be an array."


def email(value: Any, values: Values) -> str | None:
    broken = text(value, values)
    if broken is None and not is_email(value):
        return "The {} field must be a valid email address."
    return broken


def uuid(value: Any, _: Values) -> str | None:
    if isinstance(value, str) and _UUID.fullmatch(value):
        return None
    return "The {} field must be a valid UUID."


def parse_uuid(value: Any) -> UUID | None:
    """The UUID that the text spells with hyphens, in any case; None if it is none."""
    return UUID(value) if isinstance(value, str) and _UUID.fullmatch(value) else None


def one_of(*words: str) -> Rule:
    """One of the words."""
    return lambda value, _: None if value in words else "The selected {} is invalid."


def currency(value: Any, values: Values) -> str | None:
    """An ISO 4217 code."""
    broken = text(value, values)
    if broken is None and not is_currency(value):
        return "The selected {} is invalid."
    return broken


def amount_in(currency_path: str) -> Rule:
    """A positive amount of the currency at ``currency_path``, as a JSON number or as text.

    While that currency is unknown itself, the amount is judged as if it had two decimals.
    """

    def rule(value: Any, values: Values) -> str | None:
        code = values[currency_path]
        known = isinstance(code, str) and is_currency(code)
        return _amount(value, code if known else "EUR")

    return rule


def _amount(value: Any, code: str) -> str | None:
    if not isinstance(value, str):
        return "The {} field must be a number."
    decimals = exponent(code)
    negative = value.startswith("-")
    digits = value[1:] if negative else value
    try:
        minor = parse_money(digits, code).minor
    except InvalidAmount as error:
        if error.rule == "decimals":
            allowed = f"0-{decimals}" if decimals else "0"
            return f"The {{}} field must have {allowed} decimal places."
        if not _LONG.fullmatch(digits):
            return "The {} field must be a number."
        minor = _AMOUNT_MAX_HUNDREDTHS * 10**decimals
    if minor == 0 or negative:
        return f"The {{}} field must be at least {minor_to_text(1, decimals)}."
    if minor * 100 > _AMOUNT_MAX_HUNDREDTHS * 10**decimals:
        return "The {} field must not be greater than 99999999.99."
    return None


def url_under(policy: Policy) -> Rule:
    """An address that the policy allows, as far as its spelling tells."""

    @lru_cache(maxsize=1024)
    def allowed(address: str) -> bool:
        try:
            check_url(address, policy)
        except RefusedAddress:
            return False
        return True

    def rule(value: Any, _: Values) -> str | None:
        if not isinstance(value, str) or isinstance(value, Number):
            return "The {} field must be a string."
        if (broken := _too_long(value, URL_MAX)) is not None:
            return broken
        return None if allowed(value) else "The {} field must be a valid URL."

    return rule


def date(value: Any, _: Values) -> str | None:
    """A day as ``YYYY-MM-DD``."""
    return None if parse_date(value) else "The {} field must be a valid date."


def parse_date(value: Any) -> datetime | None:
    """Midnight (UTC) of the day that the text spells as ``YYYY-MM-DD``; None if it is no day."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    except ValueError:
        return None


def storable_text(value: Any, values: Values) -> str | None:
    """A text as ``text``, from a query: no reader has refused what cannot be stored."""
    broken = text(value, values)
    return "The {} field must be a string." if broken is None and not storable(value) else broken
