"""Whose wallet a request means: a number under any of its names, on a channel (contract 7.2, 8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guichet.dialects.notchpay import fields
from guichet.dialects.validation import ValidationFailed, say
from guichet.domain.channels import CHANNELS, Channel
from guichet.domain.errors import Invalid
from guichet.services.channels import resolve_channel
from guichet.services.phones import country_of_phone, normalise_phone

#: Names under which clients send the number of a wallet, the documented one first.
NUMBER_NAMES = ("account_number", "number", "account", "phone")


def number_in(*holders: Mapping[str, Any]) -> str | None:
    """The first number that the holders have under any of its names, as it was written."""
    found = (fields.as_text(holder.get(name)) for holder in holders for name in NUMBER_NAMES)
    return next((text for text in found if text), None)


def read_wallet(channel_id: str, number: str) -> tuple[Channel, str]:
    """The channel meant (the number's operator's for ``cm.mobile``) and the number as E.164.

    Raises ``ValidationFailed`` (``account_number``, another country's too) and ``Invalid``
    (``channel``).
    """
    country = CHANNELS[channel_id].country
    phone = normalise_phone(number, country)
    if phone is None or country_of_phone(phone) != country:
        sentence = say("The {} field must be a valid phone number.", "account_number")
        raise ValidationFailed({"account_number": [sentence]})
    return read_channel(channel_id, phone), phone


def read_channel(channel_id: str, phone: str) -> Channel:
    """The channel meant by ``channel_id`` for a phone (E.164); raises ``Invalid``."""
    channel = resolve_channel(channel_id, phone)
    if channel is None:
        raise Invalid("channel", "unknown")
    return channel
