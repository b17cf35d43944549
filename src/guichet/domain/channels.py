"""Channels: the mobile operators and other networks that a payer or a beneficiary is reached by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Channel:
    """One network in one country: ``cm.mtn`` is MTN's wallet in Cameroon.

    ``country`` is ISO 3166-1 alpha-2; ``operator`` the word that names the network in phone
    numbering data (``MTN``), None where a channel is no operator's own. Amounts are bounds in
    minor units of ``currency``.
    """

    id: str
    name: str
    description: str
    country: str
    currency: str
    operator: str | None
    amount_min_minor: int
    amount_max_minor: int


#: What people in Cameroon dial to confirm, by operator.
DIALLED: dict[str, str] = {"Orange": "#150*50#", "MTN": "*126#"}

#: Detects the operator from the number.
ANY_MOBILE = "cm.mobile"


def _francs(
    country: str, currency: str, *networks: tuple[str, str, str | None]
) -> Iterable[Channel]:
    """Channels of countries whose francs have no minor unit: 100 to 5,000,000 a payment."""
    for word, name, operator in networks:
        channel = f"{country.lower()}.{word}"
        yield Channel(
            channel, name, f"Pay with {name}", country, currency, operator, 100, 5_000_000
        )


CHANNELS: dict[str, Channel] = {
    channel.id: channel
    for channel in (
        *_francs(
            "CM",
            "XAF",
            ("mtn", "MTN Mobile Money", "MTN"),
            ("orange", "Orange Money", "Orange"),
            ("mobile", "Mobile Money", None),
        ),
        *_francs(
            "CI",
            "XOF",
            ("mtn", "MTN Mobile Money", "MTN"),
            ("orange", "Orange Money", "Orange"),
            ("moov", "Moov Money", "Moov"),
        ),
        *_francs("SN", "XOF", ("orange", "Orange Money", "Orange"), ("free", "Free Money", "Free")),
        *_francs("BJ", "XOF", ("mtn", "MTN Mobile Money", "MTN"), ("moov", "Moov Money", "Moov")),
    )
}


def channel_of(country: str, operator: str) -> Channel | None:
    """The channel of the network that numbering data calls ``operator`` (``MTN Cameroon``)."""
    for channel in CHANNELS.values():
        if (
            channel.country == country
            and channel.operator
            and operator.startswith(channel.operator)
        ):
            return channel
    return None
