"""JSON of simulators: objects read, moments written, refusals.

Numbers keep their digits: they are read as ``Decimal`` (or int) and written as they were read,
never as a float.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


class Refusal(Exception):
    """An error answer: the HTTP status and a sentence. Each simulator has its own body for it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def encode(value: object) -> bytes:
    return _encoder.encode(value)


def decode(body: bytes) -> dict[str, Any]:
    """A JSON object; raises ``Refusal`` 400 for anything else."""
    try:
        value = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, ArithmeticError) as error:
        raise Refusal(400, f"The body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise Refusal(400, "The body is not a JSON object")
    return value


def timestamp(moment: datetime) -> str:
    """``2026-11-20T16:00:00.123Z``."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def text_of(body: dict[str, Any], name: str, *, required: bool = True) -> str | None:
    """A text field; raises ``Refusal`` 400 if it is not text, or missing though required."""
    value = body.get(name)
    if value is None and not required:
        return None
    if not isinstance(value, str) or not value:
        raise Refusal(400, f"{name} must be a text")
    return value
