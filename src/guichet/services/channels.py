"""Which connector serves a channel for an application."""

from __future__ import annotations

from guichet.domain.access import Application, Environment
from guichet.domain.channels import ANY_MOBILE, CHANNELS, Channel
from guichet.gateway import Gateway
from guichet.rails.port import Rail
from guichet.services.offers import offered_rail, pays_out
from guichet.services.phones import channel_of_phone

#: The connectors that can serve a channel, the preferred one first: an operator's own, with the
#: application's account there, and the aggregator for the rest.
_RAILS_OF_OPERATOR = {"MTN": ("mtn", "notchpay")}
_RAILS_OF_OTHERS = ("gsma", "notchpay")
_OF_OPERATORS = frozenset({"mtn", "gsma"})
#: Which operator speaks GSMA's API is nobody's to guess: without an account at one, or one named
#: for the sandbox, the aggregator comes first.
_ON_REQUEST = "gsma"


def rail_of_channel(
    gateway: Gateway, application: Application, channel: Channel, *, sends: bool = False
) -> Rail | None:
    """The connector that collects by (or ``sends`` by) ``channel``; None if there is none.

    An account at an operator is of one country's money: the application's own. The aggregator's
    accounts are of many.
    """
    names: tuple[str, ...] = _RAILS_OF_OPERATOR.get(channel.operator or "", _RAILS_OF_OTHERS)
    if not _has_operator(gateway, application):
        names = tuple(sorted(names, key=lambda name: name == _ON_REQUEST))
    for name in names:
        rail = offered_rail(gateway, application, name)
        if rail is None or channel.currency not in rail.card.currencies:
            continue
        if name in _OF_OPERATORS and channel.currency != application.currency:
            continue
        if not sends:
            return rail
        account_id = gateway.access.account_id(application.id, name)
        if rail.card.sends and pays_out(gateway, rail, account_id):
            return rail
    return None


def _has_operator(gateway: Gateway, application: Application) -> bool:
    """Whether somebody named an operator that speaks GSMA's API for the application."""
    is_sandbox = application.environment is Environment.SANDBOX
    of_the_sandbox = is_sandbox and bool(gateway.settings.gsma_sandbox_url)
    own = gateway.access.account_id(application.id, _ON_REQUEST)
    return own is not None or of_the_sandbox


def offered_channels(gateway: Gateway, application: Application) -> list[Channel]:
    """The channels by which the application can collect."""
    found = [
        channel
        for channel in CHANNELS.values()
        if channel.id != ANY_MOBILE and rail_of_channel(gateway, application, channel)
    ]
    return [*found, CHANNELS[ANY_MOBILE]] if any(c.country == "CM" for c in found) else found


def resolve_channel(channel_id: str, phone: str) -> Channel | None:
    """The channel named, or for ``cm.mobile`` the one of the phone's (E.164) operator."""
    channel = CHANNELS.get(channel_id)
    if channel is not None and channel.id == ANY_MOBILE:
        found = channel_of_phone(phone)
        return found if found and found.country == channel.country else None
    return channel
