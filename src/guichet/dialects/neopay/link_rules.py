"""Rules on the fields of payment links, beside those of ``validation`` (contract 7.4, 7.7)."""

from __future__ import annotations

import binascii
import json
import math
import re
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from guichet.dialects.validation import Values, text
from guichet.outbound.policy import PUBLIC_ONLY, RefusedAddress, check_url
from guichet.web.strict_json import Number

LOGO_BYTES_MAX = 65_536

_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?",
    re.ASCII,
)
_COUNT = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
_COUNT_MAX = 999_999_999
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)", re.ASCII)
_NUMBER_LENGTH_MAX = 15
#: Pictures that hold no script, by what their bytes begin with.
_PICTURE = re.compile(r"data:image/(png|jpeg|webp);base64,([A-Za-z0-9+/]*={0,2})", re.ASCII)
_BEGINNINGS = {
    "png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "jpeg": re.compile(rb"\xff\xd8\xff"),
    "webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
}
_BOOLEANS: dict[Any, bool] = {True: True, False: False, "1": True, "0": False}


def boolean(value: Any, _: Values) -> str | None:
    """True or false, or as in a form 1 or 0."""
    return "The {} field must be true or false." if parse_boolean(value) is None else None


def parse_boolean(value: Any) -> bool | None:
    """What ``value`` says, if it is true or false, 1 or 0; else None."""
    return _BOOLEANS.get(value) if isinstance(value, bool | str) else None


def count(value: Any, _: Values) -> str | None:
    """A positive integer."""
    if parse_count(value) is not None:
        return None
    if not isinstance(value, str) or not _INTEGER.fullmatch(value):
        return "The {} field must be an integer."
    if value.startswith("-") or not value.strip("0"):
        return "The {} field must be at least 1."
    return f"The {{}} field must not be greater than {_COUNT_MAX}."


def parse_count(value: Any) -> int | None:
    """The positive integer (up to 999,999,999) that ``value`` spells, as number or text."""
    return int(value) if isinstance(value, str) and _COUNT.fullmatch(value) else None


def false(value: Any, _: Values) -> str | None:
    """False: what the field would switch on does not exist here."""
    return None if parse_boolean(value) is False else "The selected {} is invalid."


def scalar(value: Any, values: Values) -> str | None:
    """A string, boolean or number, as the theme of a link may hold."""
    if isinstance(value, bool):
        return None
    if isinstance(value, Number):
        return "The {} field must be a string." if plain(value) is None else None
    return text(value, values)


def plain(value: Any) -> Any:
    """A scalar as it is stored: numbers as such, None for those too long or too large to be."""
    if not isinstance(value, Number):
        return value
    if len(value) > _NUMBER_LENGTH_MAX:
        return None
    number = json.loads(value)
    return number if math.isfinite(number) else None


def logo(value: Any, _: Values) -> str | None:
    """A boolean, an https address, or a picture in a ``data:`` address."""
    if isinstance(value, bool):
        return None
    if not isinstance(value, str) or isinstance(value, Number):
        return "The {} field must be a string."
    if value.startswith("data:"):
        return _picture(value)
    try:
        check_url(value, PUBLIC_ONLY)
    except RefusedAddress:
        return "The {} field must be a valid URL."
    return None


def _picture(address: str) -> str | None:
    match = _PICTURE.fullmatch(address)
    if match is None:
        return "The {} field must be an image."
    kind, encoded = match.groups()
    try:
        content = b64decode(encoded, validate=True)
    except binascii.Error:
        return "The {} field must be an image."
    if not _BEGINNINGS[kind].match(content):
        return "The {} field must be an image."
    if len(content) > LOGO_BYTES_MAX:
        return f"The {{}} field must not be greater than {LOGO_BYTES_MAX // 1024} kilobytes."
    return None


def moment_after(now: datetime, known: datetime | None) -> Callable[[Any, Values], str | None]:
    """A date and time in the future, or the one known already."""

    def rule(value: Any, _: Values) -> str | None:
        moment = parse_moment(value)
        if moment is None:
            return "The {} field must be a valid date."
        return None if moment > now or moment == known else "The {} field must be a date after now."

    return rule


def parse_moment(value: Any) -> datetime | None:
    """The moment that the text spells, to the second: ``YYYY-MM-DD HH:MM:SS``, ISO 8601 with or
    without a zone, or a day alone. No zone means UTC. None if it spells none.
    """
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        return None
    try:
        moment = datetime.fromisoformat(value).replace(microsecond=0)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
