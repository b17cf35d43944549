"""Which rails an application can collect by, and what they ask for."""

from __future__ import annotations

from uuid import UUID

from guichet.domain.access import Application
from guichet.gateway import Gateway
from guichet.rails.port import Rail, SelectiveRail
from guichet.services.attempts import provider_account


def offered_rail(gateway: Gateway, application: Application, name: str) -> Rail | None:
    """The connector of rail ``name`` if the application can use it, else None."""
    try:
        rail = gateway.rails.get(name, application.environment)
    except KeyError:
        return None
    if rail.card.needs_account and gateway.access.account_id(application.id, name) is None:
        return None
    return rail


def offered_rails(gateway: Gateway, application: Application) -> list[str]:
    """The names of all rails that the application can use."""
    names = (
        name
        for (name, environment), _ in gateway.rails.items()
        if environment == application.environment
    )
    return [name for name in names if offered_rail(gateway, application, name) is not None]


def pays_out(gateway: Gateway, rail: Rail, account_id: UUID | None) -> bool:
    """Whether money can leave by the account (None: the connector's default one) at all.

    What cannot is refused before money is set aside: no time would make it possible.
    """
    if not isinstance(rail, SelectiveRail):
        return True
    return rail.pays_out(provider_account(gateway, account_id))
