"""Ids on Notch Pay's wire: our UUIDs in base 62 behind the documented prefixes (contract 5.4).

Nothing is stored for them, and any of a resource's spellings leads back to the same UUID.
"""

from __future__ import annotations

import re
import string
from uuid import UUID, uuid5

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_VALUES = {digit: value for value, digit in enumerate(_DIGITS)}
_LENGTH = 22  # 62**22 > 2**128
_WRITTEN = re.compile(r"([a-z]{2,3})[._](?:test[._])?([0-9A-Za-z]{22})\Z", re.ASCII)
_UUID_MAX = 2**128

#: The prefixes of each kind of thing: the first is written, all are understood.
_PREFIXES: dict[str, tuple[str, ...]] = {
    "payment": ("trx", "pay"),
    "customer": ("cus",),
    "transfer": ("trf", "trx"),
    "beneficiary": ("ben", "rcp"),
    "refund": ("ref", "rf"),
    "bulk": ("blk",),
    "endpoint": ("ep", "wh"),
    "event": ("evt", "whk"),
    "payment_method": ("pm",),
}


def write_id(kind: str, environment: str, identifier: UUID) -> str:
    """The id as the wire has it: ``trx.test_…`` in sandbox, ``trx.…`` live."""
    return f"{_PREFIXES[kind][0]}.{_rest(environment, identifier)}"


def write_payment_id(environment: str, identifier: UUID) -> str:
    """The documented second name of a payment, ``pay_test_…``."""
    return f"pay_{_rest(environment, identifier)}"


def write_method_id(environment: str, payer_id: UUID, channel: str, phone: str) -> str:
    """The id of a payer's wallet: the same in each payment made by it."""
    return write_id("payment_method", environment, uuid5(payer_id, f"{channel}/{phone}"))


def read_id(kind: str, text: str) -> UUID | None:
    """The UUID behind any of the spellings of a ``kind``'s id; None if it is none."""
    match = _WRITTEN.match(text)
    if match is None or match.group(1) not in _PREFIXES[kind]:
        return None
    number = 0
    for digit in match.group(2):
        number = number * 62 + _VALUES[digit]
    return UUID(int=number) if number < _UUID_MAX else None


def _rest(environment: str, identifier: UUID) -> str:
    number, digits = identifier.int, []
    for _ in range(_LENGTH):
        number, value = divmod(number, 62)
        digits.append(_DIGITS[value])
    word = "test_" if environment == "sandbox" else ""
    return word + "".join(reversed(digits))
