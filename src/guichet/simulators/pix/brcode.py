"""The BR Code: the text of a Pix QR picture, which is also "Pix Copia e Cola".

EMV merchant-presented QR as Banco Central's Manual de Padrões para Iniciação do Pix lays it out:
fields of a two-digit id, a two-digit length and a value. A static code carries the payee's Pix
key; a dynamic one carries a location, host and path without a scheme, where the charge is read.
"""

from __future__ import annotations

import binascii
import re
import unicodedata
from dataclasses import dataclass

_GUI = "br.gov.bcb.pix"
_ACCOUNTS = [f"{number:02}" for number in range(26, 52)]
_LONGEST = 512
_AMOUNT = re.compile(r"\d{1,10}(\.\d{1,2})?")
_TXID = re.compile(r"[a-zA-Z0-9]{1,35}")
NO_TXID = "***"


class NotBrCode(Exception):
    """The text is no Pix code; ``why`` is one of the words below."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class BrCode:
    """What a code says. ``key`` is set in a static code, ``location`` in a dynamic one.

    ``amount`` is in centavos; ``txid`` is None where the code carries ``***``.
    """

    name: str
    city: str
    key: str | None = None
    location: str | None = None
    amount_minor: int | None = None
    description: str | None = None
    txid: str | None = None


def write(code: BrCode) -> str:
    """The text of a code, check digits included."""
    account = _field("00", _GUI)
    if code.location is not None:
        account += _field("25", code.location)
    else:
        account += _field("01", code.key or "")
        account += _field("02", _ascii(code.description, 72)) if code.description else ""
    amount = ""
    if code.amount_minor is not None:
        amount = _field("54", f"{code.amount_minor // 100}.{code.amount_minor % 100:02}")
    text = "".join(
        (
            _field("00", "01"),
            _field("01", "12") if code.location is not None else "",
            _field("26", account),
            _field("52", "0000"),
            _field("53", "986"),
            amount,
            _field("58", "BR"),
            _field("59", _ascii(code.name, 25)),
            _field("60", _ascii(code.city, 15)),
            _field("62", _field("05", code.txid or NO_TXID)),
            "6304",
        )
    )
    return text + _check(text)


def read(text: str) -> BrCode:
    """Reads a code as a person pastes it, spaces around it and line breaks in it forgiven.

    Raises ``NotBrCode`` with ``empty``, ``not-pix``, ``damaged`` (lengths or check digits do not
    fit) or ``incomplete`` (a field is missing that a payment needs).
    """
    text = re.sub(r"[\r\n\t]", "", text).strip()
    if not text:
        raise NotBrCode("empty")
    if not text.startswith("000201") or len(text) > _LONGEST:
        raise NotBrCode("not-pix")
    if text[-8:-4] != "6304" or text[-4:].upper() != _check(text[:-4]):
        raise NotBrCode("damaged")
    fields = _fields(text)
    account = next(
        (found for id_ in _ACCOUNTS if (found := _pix_account(fields.get(id_)))),
        None,
    )
    if account is None:
        raise NotBrCode("not-pix")
    key, location = account.get("01"), account.get("25")
    if (key is None) == (location is None) or "59" not in fields or "60" not in fields:
        raise NotBrCode("incomplete")
    txid = _fields(fields.get("62", "")).get("05", NO_TXID)
    return BrCode(
        name=fields["59"],
        city=fields["60"],
        key=key,
        location=location,
        amount_minor=_amount(fields.get("54")),
        description=account.get("02"),
        txid=txid if _TXID.fullmatch(txid) else None,
    )


def _field(id_: str, value: str) -> str:
    if len(value) > 99:
        raise ValueError(f"field {id_} is longer than 99 characters")
    return f"{id_}{len(value):02}{value}"


def _fields(text: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    at = 0
    while at < len(text):
        id_, length = text[at : at + 2], text[at + 2 : at + 4]
        if not (length.isascii() and length.isdigit()) or id_ in fields:
            raise NotBrCode("damaged")
        end = at + 4 + int(length)
        if len(id_) != 2 or end > len(text):
            raise NotBrCode("damaged")
        fields[id_] = text[at + 4 : end]
        at = end
    return fields


def _pix_account(text: str | None) -> dict[str, str] | None:
    fields = _fields(text or "")
    return fields if fields.get("00", "").lower() == _GUI else None


def _amount(text: str | None) -> int | None:
    if text is None:
        return None
    if not _AMOUNT.fullmatch(text):
        raise NotBrCode("damaged")
    whole, _, cents = text.partition(".")
    return int(whole) * 100 + int(cents.ljust(2, "0")) or None


def _check(text: str) -> str:
    # CRC-16/CCITT-FALSE over everything up to and including "6304".
    return f"{binascii.crc_hqx(text.encode('utf-8', 'surrogatepass'), 0xFFFF):04X}"


def _ascii(text: str, longest: int) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return plain.strip()[:longest].strip()
