"""Yapily's institutions as banks of ours."""

from __future__ import annotations

from guichet.domain.institutions import Institution
from guichet.rails.yapily import wire

_INSTANT = "INITIATE_DOMESTIC_SINGLE_INSTANT_PAYMENT"
_PAYS = frozenset({"INITIATE_DOMESTIC_SINGLE_PAYMENT", _INSTANT})
_BULK = frozenset({"CREATE_BULK_PAYMENT", "INITIATE_BULK_PAYMENT"})
#: Never a real bank for play money, nor the other way round.
_ENVIRONMENTS = {"sandbox": frozenset({"SANDBOX", "MOCK"}), "live": frozenset({"LIVE"})}


def bank(found: wire.Institution, rail: str, environment: str) -> Institution | None:
    """The institution as the core knows banks; None if it cannot be paid from here."""
    features = frozenset(found.features or ())
    kind = found.environment_type
    if not features & _PAYS or (kind is not None and kind not in _ENVIRONMENTS[environment]):
        return None
    media = {each.type: each.source for each in reversed(found.media or []) if each.source}
    countries = (each.country_code2 for each in found.countries or [])
    return Institution(
        id=0,
        rail=rail,
        code=found.id,
        name=found.name or found.full_name or found.id,
        environment=environment,
        countries=tuple(dict.fromkeys(code for code in countries if code)),
        logo_url=media.get("logo"),
        icon_url=media.get("icon"),
        instant_payments=_INSTANT in features,
        bulk_payments=bool(features & _BULK),
    )
