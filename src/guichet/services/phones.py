"""Phone numbers: checked, written in one form, and whose network they belong to."""

from __future__ import annotations

import phonenumbers
from phonenumbers import carrier

from guichet.domain.channels import Channel, channel_of

#: Cameroonian numbers whose networks numbering data does not know yet (contract 13.2).
_NEWER = {"+23768": (("01234", "MTN"), ("56789", "Orange"))}


def normalise_phone(text: str, country: str | None = None) -> str | None:
    """``text`` as E.164 (``+237670000000``); None if it is no possible number.

    It may come with ``+`` or ``00``, with the bare country code, or as written inside ``country``.
    """
    digits = "".join(mark for mark in text if mark.isdigit() or mark == "+")
    candidates = [(text, country), (f"+{digits.lstrip('+').removeprefix('00')}", None)]
    for candidate, region in candidates:
        try:
            number = phonenumbers.parse(candidate, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return None


def channel_of_phone(phone: str) -> Channel | None:
    """The channel of an E.164 number's operator, as far as numbering data tells: numbers move."""
    number = phonenumbers.parse(phone, None)
    country = phonenumbers.region_code_for_number(number) or ""
    for digits, operator in _NEWER.get(phone[:6], ()):
        if phone[6:7] in digits:
            return channel_of(country, operator)
    return channel_of(country, carrier.name_for_number(number, "en"))
