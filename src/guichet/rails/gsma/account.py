"""An account at an operator: what its settings must be to speak GSMA's API with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from guichet.domain.currencies import EXPONENTS
from guichet.rails.accounts import InvalidAccount
from guichet.rails.mobile_money import wrong_address, wrong_text

#: A party as GSMA's paths name one: ``organisationid@shop``.
_PARTY = re.compile(r"([a-z]{1,32})@([\x21-\x7e]{1,256})")


@dataclass(frozen=True, slots=True, kw_only=True)
class GsmaAccount:
    """One merchant's account at one operator.

    ``base_url`` is where the resources begin (``https://…/1.2.0/mm``). ``client_id`` and
    ``client_secret`` open it by HTTP Basic, or with ``token_url`` by an access token (OAuth 2,
    client credentials); with ``api_key`` where the operator wants one.
    ``merchant`` names the account that is credited and debited (``organisationid@shop``); empty
    leaves that to the operator. ``callbacks`` is ``on`` or ``off``.
    """

    base_url: str
    client_id: str
    client_secret: str = field(repr=False)
    currency: str
    api_key: str = field(default="", repr=False)
    merchant: str = ""
    callbacks: str = "on"
    token_url: str = ""

    @property
    def merchant_party(self) -> tuple[str, str] | None:
        """The merchant's account as key and value."""
        match = _PARTY.fullmatch(self.merchant)
        return (match[1], match[2]) if match else None


#: The names of the settings, in the order in which one would be asked for them.
FIELDS = tuple(each.name for each in fields(GsmaAccount))


def parse_account(settings: Mapping[str, str], environment: str = "live") -> GsmaAccount:
    """The account that the settings describe; raises ``InvalidAccount`` naming every wrong field.

    In sandbox addresses may be http.
    """
    given = {name: text.strip() for name, text in settings.items()}
    problems = {name: "is not a setting" for name in given if name not in FIELDS}
    if wrong := wrong_address(given.get("base_url", ""), live=environment == "live"):
        problems["base_url"] = wrong
    token_url = given.get("token_url", "")
    if token_url and (wrong := wrong_address(token_url, live=environment == "live")):
        problems["token_url"] = wrong
    for name in ("client_id", "client_secret"):
        if wrong := wrong_text(given.get(name, "")):
            problems[name] = wrong
    if ":" in given.get("client_id", ""):
        problems["client_id"] = "has characters that it cannot have"
    if given.get("api_key") and (wrong := wrong_text(given["api_key"])):
        problems["api_key"] = wrong
    if given.get("currency") not in EXPONENTS:
        problems["currency"] = "must be an ISO 4217 currency"
    if given.get("merchant") and not _PARTY.fullmatch(given["merchant"]):
        problems["merchant"] = "must be a kind of account and its id, as organisationid@shop"
    if given.get("callbacks", "on") not in {"on", "off"}:
        problems["callbacks"] = "must be on or off"
    if problems:
        raise InvalidAccount(problems)
    return GsmaAccount(**{name: text for name, text in given.items() if text})
