"""Reference data (contract 13) and the greeting of ``GET /`` (14.1)."""

from __future__ import annotations

from functools import cache
from typing import Any

from babel import Locale
from babel.numbers import get_currency_symbol

from guichet.dialects.notchpay.envelope import encode, listing
from guichet.dialects.notchpay.queries import asked_text
from guichet.dialects.notchpay.resources import render_channel
from guichet.domain.access import Caller
from guichet.domain.channels import Channel
from guichet.domain.countries import COUNTRIES
from guichet.domain.currencies import EXPONENTS
from guichet.domain.money import InvalidAmount, parse_money
from guichet.domain.paging import Page
from guichet.gateway import Gateway
from guichet.services.channels import offered_channels, rail_of_channel
from guichet.web.asgi import Reply, Request

#: How many decimals the API shows where they are not ISO 4217's (contract 13.4): for display alone,
#: amounts are checked by ISO's.
_SHOWN_DECIMALS = dict.fromkeys(
    ("COP", "HUF", "IRR", "KPW", "MRU", "STN", "TWD", "TZS", "UYU"), 0
) | {"ISK": 2, "MGA": 1}
#: The documents are in English, and so are these names.
_LOCALE = Locale("en")


class Reference:
    """The handlers of what does not change."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def greet(self, _request: Request, caller: Caller) -> Reply:
        """GET /: exactly these five keys."""
        application = caller.application
        greeting = {
            "env": str(application.environment),
            "code": 200,
            "message": "Welcome to this gateway",
            "merchant": application.name,
            "greeting": "Hello from Notch Pay",
        }
        return Reply(200, encode(greeting))

    async def channels(self, request: Request, caller: Caller) -> Reply:
        """GET /channels: by what the application can collect, filtered."""
        application = caller.application
        country = (asked_text(request, "country") or "").upper()
        currency = (asked_text(request, "currency") or "").upper()
        amount = asked_text(request, "amount")
        items = []
        for channel in offered_channels(self._gateway, application):
            if country not in {"", channel.country} or currency not in {"", channel.currency}:
                continue
            if amount and not _is_within(amount, channel):
                continue
            pays_out = rail_of_channel(self._gateway, application, channel, sends=True) is not None
            items.append(render_channel(application.environment, channel, pays_out=pays_out))
        return _whole("Channels retrieved", items, "channels")

    async def countries(self, _request: Request, _caller: Caller) -> Reply:
        """GET /countries: all of ISO 3166-1."""
        return _whole("Countries retrieved", _countries(), "countries")

    async def currencies(self, _request: Request, _caller: Caller) -> Reply:
        """GET /currencies: all in which payments can be made (ISO 4217)."""
        return _whole("Currencies retrieved", _currencies(), "currencies")


def _is_within(amount: str, channel: Channel) -> bool:
    try:
        minor = parse_money(amount, channel.currency).minor
    except InvalidAmount:
        return False
    return channel.amount_min_minor <= minor <= channel.amount_max_minor


def _whole(message: str, items: list[dict[str, Any]], name: str) -> Reply:
    return listing(message, items, Page(1, max(len(items), 1)), len(items), ("items", "data", name))


@cache
def _countries() -> list[dict[str, Any]]:
    return [{"name": _LOCALE.territories[code], "code": code} for code in COUNTRIES]


@cache
def _currencies() -> list[dict[str, Any]]:
    return [
        {
            "name": _LOCALE.currencies.get(code, code),
            "code": code,
            "symbol": get_currency_symbol(code, _LOCALE),
            "fraction": decimals,
            "faction": decimals,  # the live field's spelling
        }
        for code, decimals in sorted((EXPONENTS | _SHOWN_DECIMALS).items())
    ]
