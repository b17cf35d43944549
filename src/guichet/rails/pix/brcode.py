"""BR Codes: the text of a Pix QR code, also pasted by hand ("Pix copia e cola").

A BR Code is EMV's merchant-presented code: two digits of id, two of length, the value, in a chain;
the last one is the CRC-16/CCITT-FALSE of all before it. Sources: Manual de Padrões para Iniciação
do Pix and Manual do BR Code, both Banco Central do Brasil.
"""

from __future__ import annotations

import binascii
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: How the Manual spells the name of the scheme; capitals mean the same.
GUI = "br.gov.bcb.pix"
CHARACTERS_MAX = 512
NAME_CHARACTERS_MAX = 25
CITY_CHARACTERS_MAX = 15
LOCATION_CHARACTERS_MAX = 77
KEY_CHARACTERS_MAX = 77
#: Where the payer's PSP finds no id of a transaction.
NO_TXID = "***"

_ACCOUNT, _RECURRENCE, _ADDITIONAL = "26", "80", "62"
#: Where a scheme may write: merchant account information, unreserved templates.
_ACCOUNTS = tuple(str(tag) for tag in range(26, 52))
_UNRESERVED = tuple(str(tag) for tag in range(80, 100))
_TEMPLATE_CHARACTERS_MAX = 99
_PRINTABLE = re.compile(r"[\x20-\x7e]+")
_LOCATION = re.compile(r"[\x21-\x7e]+")
_TXID = re.compile(r"[A-Za-z0-9]{1,25}")
_CATEGORY = re.compile(r"[0-9]{4}")
_AMOUNT = re.compile(r"([0-9]{1,10})(?:\.([0-9]{1,2}))?")
_AMOUNT_MINOR_MAX = 10**12 - 1


class InvalidBrCode(ValueError):
    """The text is no BR Code for Pix, or such a code cannot be written.

    ``rule`` says which rule is broken: ``characters``, ``size``, ``structure``, ``crc``, or the
    name of a field of ``BrCode``.
    """

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(f"{rule}: {message}")
        self.rule = rule


@dataclass(frozen=True, slots=True, kw_only=True)
class BrCode:
    """What a BR Code says.

    A static code has a ``key`` (and, as the payee likes, a ``description``, ``amount_minor`` in
    centavos and a ``txid``); a dynamic one a ``location``, host and path without a scheme, where
    the payer's PSP reads the rest. ``recurrence`` is such a location of an agreement (Pix
    Automático), beside a location or alone. ``txid`` None is written as ``***``. ``one_use``
    stands for the point of initiation 12. ``gui`` is the scheme's name as it is spelled.
    """

    name: str
    city: str
    key: str | None = None
    description: str | None = None
    location: str | None = None
    recurrence: str | None = None
    amount_minor: int | None = None
    txid: str | None = None
    one_use: bool = False
    category: str = "0000"
    postal_code: str | None = None
    gui: str = GUI


def dynamic_code(location: str, name: str, city: str) -> str:
    """The text of a one-use code for the charge at ``location``; raises ``InvalidBrCode``."""
    bare = re.sub(r"\Ahttps?://", "", location)
    plain = BrCode(
        name=plain_text(name, NAME_CHARACTERS_MAX),
        city=plain_text(city, CITY_CHARACTERS_MAX),
        location=bare,
        one_use=True,
    )
    return write(plain)


def static_code(
    key: str,
    name: str,
    city: str,
    *,
    amount_minor: int | None = None,
    txid: str | None = None,
    description: str = "",
) -> str:
    """The text of a code that pays to ``key`` as often as one likes; raises ``InvalidBrCode``.

    The description is cut to what is left of the 99 characters that it shares with the key.
    """
    room = _TEMPLATE_CHARACTERS_MAX - len(_field("00", GUI)) - len(_field("01", key)) - 4
    if txid is not None and not _TXID.fullmatch(txid):
        raise InvalidBrCode("txid", "1 to 25 letters and digits")
    plain = BrCode(
        name=plain_text(name, NAME_CHARACTERS_MAX),
        city=plain_text(city, CITY_CHARACTERS_MAX),
        key=key,
        description=plain_text(description, max(room, 0)) or None,
        amount_minor=amount_minor,
        txid=txid,
    )
    return write(plain)


def plain_text(text: str, characters_max: int) -> str:
    """The text in printable ASCII: without accents, blanks joined, cut; perhaps nothing is left."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    kept = " ".join("".join(each if each.isprintable() else " " for each in ascii_text).split())
    return kept[:characters_max].strip()


# Writing ------------------------------------------------------------------------------------------


def write(code: BrCode) -> str:
    """The text of the code; raises ``InvalidBrCode`` for what the rules do not allow."""
    _check(code)
    account = _field("00", code.gui)
    account += _optional("01", code.key) + _optional("02", code.description)
    account += _optional("25", code.location)
    amount = None
    if code.amount_minor is not None:
        amount = f"{code.amount_minor // 100}.{code.amount_minor % 100:02d}"
    text = (
        _field("00", "01")
        + ("010212" if code.one_use else "")
        + _field(_ACCOUNT, account)
        + _field("52", code.category)
        + _field("53", "986")
        + _optional("54", amount)
        + _field("58", "BR")
        + _field("59", code.name)
        + _field("60", code.city)
        + _optional("61", code.postal_code)
        + _field(_ADDITIONAL, _field("05", code.txid or NO_TXID))
    )
    if code.recurrence is not None:
        text += _field(_RECURRENCE, _field("00", code.gui) + _field("25", code.recurrence))
    text += "6304"
    return text + crc(text)


def crc(text: str) -> str:
    """The CRC of a BR Code's text up to and including ``6304``, as its four last characters."""
    return f"{binascii.crc_hqx(text.encode('ascii'), 0xFFFF):04X}"


def _check(code: BrCode) -> None:
    """Raise ``InvalidBrCode`` unless the code obeys the rules; the same for read and written."""
    _check_text("name", code.name, NAME_CHARACTERS_MAX)
    _check_text("city", code.city, CITY_CHARACTERS_MAX)
    if code.gui.lower() != GUI:
        raise InvalidBrCode("gui", "another scheme")
    if code.key is not None and code.location is not None:
        raise InvalidBrCode("key", "not beside a location")
    if code.key is None and code.location is None and code.recurrence is None:
        raise InvalidBrCode("key", "neither a key nor a location")
    if code.key is not None:
        _check_text("key", code.key, KEY_CHARACTERS_MAX)
    if code.description is not None:
        if code.key is None:
            raise InvalidBrCode("description", "only beside a key")
        room = _TEMPLATE_CHARACTERS_MAX - len(code.key) - 26
        _check_text("description", code.description, room)
    for name, location in (("location", code.location), ("recurrence", code.recurrence)):
        if location is not None:
            _check_location(name, location)
    if code.amount_minor is not None and not 0 < code.amount_minor <= _AMOUNT_MINOR_MAX:
        raise InvalidBrCode("amount_minor", "out of range")
    if code.txid is not None:
        _check_text("txid", code.txid, 25)
        if code.txid == NO_TXID:
            raise InvalidBrCode("txid", "stands for none")
    if not _CATEGORY.fullmatch(code.category):
        raise InvalidBrCode("category", "four digits")
    if code.postal_code is not None:
        _check_text("postal_code", code.postal_code, 10)


def _check_text(rule: str, text: str, characters_max: int) -> None:
    if not _PRINTABLE.fullmatch(text):
        raise InvalidBrCode(rule, "printable ASCII, at least one character")
    if len(text) > characters_max:
        raise InvalidBrCode(rule, f"at most {characters_max} characters")


def _check_location(rule: str, location: str) -> None:
    _check_text(rule, location, LOCATION_CHARACTERS_MAX)
    if not _LOCATION.fullmatch(location) or "://" in location:
        raise InvalidBrCode(rule, "host and path, without a scheme")


def _field(tag: str, value: str) -> str:
    if len(value) > _TEMPLATE_CHARACTERS_MAX:
        raise InvalidBrCode("size", f"{tag} has more than {_TEMPLATE_CHARACTERS_MAX} characters")
    return f"{tag}{len(value):02d}{value}"


def _optional(tag: str, value: str | None) -> str:
    return "" if value is None else _field(tag, value)


# Reading ------------------------------------------------------------------------------------------


def read(text: str) -> BrCode:
    """What a BR Code for Pix says; raises ``InvalidBrCode`` for anything else.

    Fields that are not Pix's own are passed over; they must be well-formed all the same.
    """
    if len(text) > CHARACTERS_MAX:
        raise InvalidBrCode("size", f"more than {CHARACTERS_MAX} characters")
    if not _PRINTABLE.fullmatch(text):
        raise InvalidBrCode("characters", "printable ASCII only")
    fields = _parsed(text)
    if list(fields)[:1] != ["00"] or fields["00"] != "01":
        raise InvalidBrCode("structure", "does not begin with the format 01")
    if list(fields)[-1] != "63" or len(fields["63"]) != 4:
        raise InvalidBrCode("structure", "does not end with a CRC")
    if fields["63"] != crc(text[:-4]):
        raise InvalidBrCode("crc", "does not match")
    if (fields.get("53"), fields.get("58")) != ("986", "BR"):
        raise InvalidBrCode("structure", "not in Brazilian reais, or not of Brazil")
    account = _pix_template(fields, _ACCOUNTS)
    if not account:
        raise InvalidBrCode("structure", "does not speak of Pix")
    txid = _parsed(fields.get(_ADDITIONAL, "")).get("05")
    if txid is None:
        raise InvalidBrCode("structure", "no id of a transaction, not even ***")
    code = BrCode(
        name=fields.get("59", ""),
        city=fields.get("60", ""),
        key=account.get("01"),
        description=account.get("02"),
        location=account.get("25"),
        recurrence=_pix_template(fields, _UNRESERVED).get("25"),
        amount_minor=_amount_minor(fields.get("54")),
        txid=None if txid == NO_TXID else txid,
        one_use=fields.get("01") == "12",
        category=fields.get("52", ""),
        postal_code=fields.get("61"),
        gui=account["00"],
    )
    _check(code)
    return code


def _parsed(text: str) -> dict[str, str]:
    """The fields of a template, in their order; each at most once, together all of the text."""
    fields: dict[str, str] = {}
    at = 0
    while at < len(text):
        head, value_at = text[at : at + 4], at + 4
        if not re.fullmatch(r"[0-9]{4}", head, re.ASCII):
            raise InvalidBrCode("structure", f"no id and length at {at}")
        tag, length = head[:2], int(head[2:])
        value = text[value_at : value_at + length]
        if len(value) < length or length == 0:
            raise InvalidBrCode("structure", f"{tag} has not the length it says")
        if tag in fields:
            raise InvalidBrCode("structure", f"{tag} comes twice")
        fields[tag] = value
        at = value_at + length
    return fields


def _pix_template(fields: Mapping[str, str], tags: Sequence[str]) -> dict[str, str]:
    """The first template among ``tags`` that is Pix's own; empty if there is none."""
    for tag in tags:
        template = _parsed(fields.get(tag, ""))
        if template.get("00", "").lower() == GUI:
            return template
    return {}


def _amount_minor(text: str | None) -> int | None:
    if text is None:
        return None
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise InvalidBrCode("amount_minor", "not an amount")
    return int(match[1] + (match[2] or "").ljust(2, "0"))
