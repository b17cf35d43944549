"""An account at MTN: what its settings must be to collect and to pay out with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Literal

from guichet.rails.accounts import InvalidAccount
from guichet.rails.mobile_money import wrong_address, wrong_text

Product = Literal["collection", "disbursement"]

#: What each target environment's wallets are in, by MTN's list of environments.
CURRENCIES = {
    "sandbox": "EUR",
    "mtncameroon": "XAF",
    "mtnuganda": "UGX",
    "mtnghana": "GHS",
    "mtnivorycoast": "XOF",
    "mtnzambia": "ZMW",
    "mtnbenin": "XOF",
    "mtncongo": "XAF",
    "mtnswaziland": "SZL",
    "mtnguineaconakry": "GNF",
    "mtnsouthafrica": "ZAR",
    "mtnliberia": "LRD",
    "mtnsouthsudan": "SSP",
    "mtnnigeria": "NGN",
    "mtnrwanda": "RWF",
}

_PARTS = ("subscription_key", "api_user", "api_key")
_USER = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What opens one product: the gateway's subscription key, the wallet's user and key."""

    subscription_key: str = field(repr=False)
    api_user: str
    api_key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MtnAccount:
    """One merchant's account at MTN in one country.

    ``base_url`` is where the products begin (``https://…/collection`` is one of them); MTN gives
    it on going live. ``target_environment`` is MTN's name of the country, ``mtncameroon``. The
    ``disbursement_…`` credentials are for paying out and giving back; without them only payments
    are collected. ``callbacks`` is ``on`` or ``off``: MTN calls back only the host that was
    registered for the API user, and refuses payments that name another.
    """

    base_url: str
    target_environment: str
    collection_subscription_key: str = field(repr=False)
    collection_api_user: str
    collection_api_key: str = field(repr=False)
    disbursement_subscription_key: str = field(default="", repr=False)
    disbursement_api_user: str = ""
    disbursement_api_key: str = field(default="", repr=False)
    callbacks: str = "on"

    @property
    def currency(self) -> str:
        """The money of the account's country."""
        return CURRENCIES[self.target_environment]

    def credentials(self, product: Product) -> Credentials | None:
        """What opens the product, None if the account has nothing that does."""
        key, user, secret = (str(getattr(self, f"{product}_{part}")) for part in _PARTS)
        return Credentials(key, user, secret) if key else None


#: The names of the settings, in the order in which one would be asked for them.
FIELDS = tuple(each.name for each in fields(MtnAccount))


def parse_account(settings: Mapping[str, str], environment: str = "live") -> MtnAccount:
    """The account that the settings describe; raises ``InvalidAccount`` naming every wrong field.

    In sandbox addresses may be http.
    """
    live = environment == "live"
    given = {name: text.strip() for name, text in settings.items()}
    problems = {name: "is not a setting" for name in given if name not in FIELDS}
    if wrong := wrong_address(given.get("base_url", ""), live=live):
        problems["base_url"] = wrong
    if given.get("target_environment") not in CURRENCIES:
        problems["target_environment"] = f"must be one of {', '.join(CURRENCIES)}"
    pays_out = any(given.get(f"disbursement_{part}") for part in _PARTS)
    for product in ("collection", "disbursement") if pays_out else ("collection",):
        problems |= _wrong_credentials(given, product)
    if given.get("callbacks", "on") not in {"on", "off"}:
        problems["callbacks"] = "must be on or off"
    if problems:
        raise InvalidAccount(problems)
    return MtnAccount(**{name: text for name, text in given.items() if text})


def _wrong_credentials(given: Mapping[str, str], product: str) -> dict[str, str]:
    problems = {}
    for part in _PARTS:
        name = f"{product}_{part}"
        text = given.get(name, "")
        if wrong := wrong_text(text):
            problems[name] = wrong
        elif part == "api_user" and not _USER.fullmatch(text):
            problems[name] = "has characters that it cannot have"
    return problems
