"""Paying from a handset: the payer says whose it is, and confirms on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from guichet.domain.channels import CHANNELS, DIALLED, Channel
from guichet.domain.errors import CustomerBlocked, Invalid, NotPayable, Unavailable
from guichet.gateway import Gateway
from guichet.services.checkout import CheckoutView
from guichet.services.mobile_payments import payable_channels, process_payment
from guichet.services.phones import channel_of_phone, normalise_phone
from guichet.store.scope import acting_for
from guichet.web.asgi import Request
from guichet.web.forms import read_form
from guichet.web.strict_json import Unreadable

_TYPED_MAX = 40


class Handset(NamedTuple):
    """What the payer typed, as typed, and the broken rules by field."""

    values: Mapping[str, str]
    problems: Mapping[str, str]


NOTHING = Handset({"channel": "", "phone": ""}, {})


def channels_of(gateway: Gateway, view: CheckoutView) -> list[Channel]:
    """The networks that the page offers."""
    application = view.application
    return payable_channels(gateway, application, view.payment) if application else []


async def pay_by_handset(gateway: Gateway, view: CheckoutView, request: Request) -> Handset | None:
    """Ask the handset that the form names to pay; None once it was asked, else what is wrong.

    Where the form names no network, the number's own is taken.
    """
    try:
        form = read_form(request.body)
    except Unreadable:
        form = {}
    values = {name: str(form.get(name, ""))[:_TYPED_MAX].strip() for name in ("channel", "phone")}
    offered = {channel.id: channel for channel in channels_of(gateway, view)}
    chosen = offered.get(values["channel"])
    country = next((channel.country for channel in offered.values()), None)
    phone = normalise_phone(values["phone"], chosen.country if chosen else country)
    if chosen is None and phone is not None:
        found = channel_of_phone(phone)
        chosen = offered.get(found.id) if found else None
    problems: dict[str, str] = {}
    if phone is None:
        problems["phone"] = "unknown" if values["phone"] else "required"
    elif chosen is None:
        problems["channel"] = "required"
    application = view.application
    if problems or application is None or phone is None or chosen is None:
        return Handset(values, problems)
    address = request.client_address
    try:
        with acting_for(application.id):
            await process_payment(gateway, application, view.payment.id, chosen.id, phone, address)
    except NotPayable:  # it moved on: its page says where to
        return None
    except (Invalid, CustomerBlocked):
        return Handset(values, {"channel": "unknown"})
    except Unavailable:
        return Handset(values, {"channel": "unavailable"})
    return None


def method_text(view: CheckoutView) -> str | None:
    """Whose handset pays, as much of it as a payer recognises: ``Orange Money ··· 00 00``."""
    attempt = view.attempt
    if attempt is None or view.payer_phone is None:
        return None
    channel = CHANNELS.get(attempt.channel or "")
    digits = view.payer_phone[-4:]
    return f"{channel.name if channel else ''} ··· {digits[:2]} {digits[2:]}".strip()


def _dialled(view: CheckoutView) -> str | None:
    channel = CHANNELS.get(view.attempt.channel or "") if view.attempt else None
    return DIALLED.get(channel.operator or "") if channel else None


def shown(gateway: Gateway, view: CheckoutView, handset: Handset) -> dict[str, Any]:
    """What the templates ask for of this."""
    return {
        "channels": channels_of(gateway, view),
        "dial": _dialled(view),
        "example": "",
        "is_optional": lambda _: False,
        "method_text": method_text(view),
        "problems": handset.problems,
        "values": handset.values,
    }
