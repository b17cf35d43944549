"""Strict reading of JSON: one text, one meaning, linear time, numbers as they were written.

The standard library alone takes duplicate keys, the words NaN and Infinity, and turns numbers into
floats or, slowly, into huge integers; here all of that is refused or kept as text.
"""

from __future__ import annotations

import json
import re
from typing import Never

DEPTH_MAX = 32
REPAIR_LIMIT_BYTES = 16_384

#: PostgreSQL cannot store NUL, UTF-8 cannot say lone surrogates; JSON escapes can make both.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class Unreadable(ValueError):
    """The bytes are not one strict JSON text."""


class Number(str):
    """A JSON number as it was written, unconverted: ``122.44`` stays the six characters."""

    __slots__ = ()


JsonValue = None | bool | Number | str | list["JsonValue"] | dict[str, "JsonValue"]


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Unreadable("a key stands twice")
    return members


def _refuse(word: str) -> Never:
    raise Unreadable(f"{word} is not JSON")


_decode = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=Number, parse_int=Number, parse_constant=_refuse
).decode


def read_json(body: bytes) -> JsonValue:
    """The value that ``body`` (UTF-8, no byte order mark) says; raises ``Unreadable``."""
    try:
        value: JsonValue = _decode(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Unreadable(str(error)) from error
    # Almost no body can be too deep or hold an escaped NUL; counting bytes finds those that can.
    if body.count(b"[") + body.count(b"{") > DEPTH_MAX or b"\\u" in body:
        _inspect(value)
    return value


def _inspect(root: JsonValue) -> None:
    level: list[JsonValue] = [root]
    depth = 0
    while level:
        deeper: list[JsonValue] = []
        for value in level:
            if isinstance(value, str):
                if not storable(value):
                    raise Unreadable("a text holds what cannot be stored")
            elif isinstance(value, dict):
                deeper += value.keys()
                deeper += value.values()
            elif isinstance(value, list):
                deeper += value
        depth += any(isinstance(value, dict | list) for value in level)
        if depth > DEPTH_MAX:
            raise Unreadable("too deep")
        level = deeper


def storable(text: str) -> bool:
    """Whether ``text`` holds neither NUL nor lone surrogates."""
    return _UNSTORABLE.search(text) is None


_LEXEME = re.compile(r'(\s*)("(?:[^"\\]|\\.)*+"|[{}\[\]:,]|[^\s"{}\[\]:,]+)', re.ASCII | re.DOTALL)
_KEY_FOLLOWS = re.compile(r"\s*:", re.ASCII)


def repair_commas(body: bytes) -> bytes | None:
    """``body`` with the commas that the documents forget, or None where there is nothing to mend.

    A comma is put where a finished value is followed, after a line break, by a key; a comma before
    a closing bracket is dropped. One pass; at most ``REPAIR_LIMIT_BYTES``. Whether the result is
    JSON is for ``read_json`` to say. (contracts/neopay.md 3.7)
    """
    if len(body) > REPAIR_LIMIT_BYTES:
        return None
    try:
        text = body.decode("utf-8").rstrip()
    except UnicodeDecodeError:
        return None
    pieces: list[str] = []
    position, mended = 0, False
    value_ended = comma_after_value = False
    while position < len(text):
        match = _LEXEME.match(text, position)
        if match is None:
            return None
        blank, lexeme = match.groups()
        position = match.end()
        is_key = lexeme[0] == '"' and _KEY_FOLLOWS.match(text, position) is not None
        if value_ended and is_key and "\n" in blank:
            pieces.append(",")
            mended = True
        elif comma_after_value and lexeme in "}]":
            pieces.pop()
            mended = True
        pieces += (blank, lexeme)
        comma_after_value = lexeme == "," and value_ended
        value_ended = lexeme not in "{[:,"
    return "".join(pieces).encode() if mended else None
