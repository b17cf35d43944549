"""A merchant's account at Notch Pay: what its settings must be to use it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from guichet.rails.accounts import InvalidAccount
from guichet.rails.mobile_money import wrong_address, wrong_text

LIVE_URL = "https://api.notchpay.co"

#: How keys of the sandbox begin: ``pk_test.…``, and ``sb.…`` of 2022.
_SANDBOX_KEY = re.compile(r"(?:pk|sk|hsk)_test[._].+|sb\..+", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotchpayAccount:
    """One merchant's account at Notch Pay.

    ``base_url`` is where the API begins. The public key collects; without ``private_key`` money
    neither leaves nor is given back, without ``hash_key`` no notice is believed.
    """

    base_url: str = LIVE_URL
    public_key: str = field(repr=False)
    private_key: str = field(default="", repr=False)
    hash_key: str = field(default="", repr=False)


#: The names of the settings, in the order in which one would be asked for them.
FIELDS = tuple(each.name for each in fields(NotchpayAccount))
_KEYS = FIELDS[1:]


def parse_account(settings: Mapping[str, str], environment: str = "live") -> NotchpayAccount:
    """The account that the settings describe; raises ``InvalidAccount`` naming every wrong field.

    In sandbox addresses may be http. Keys of one environment are refused in the other: they would
    move play money for goods, or goods for play money.
    """
    live = environment == "live"
    given = {name: text.strip() for name, text in settings.items()}
    problems = {name: "is not a setting" for name in given if name not in FIELDS}
    if wrong := wrong_address(given.get("base_url") or LIVE_URL, live=live):
        problems["base_url"] = wrong
    for name in _KEYS:
        key = given.get(name, "")
        if not key and name != "public_key":
            continue
        if wrong := wrong_text(key):
            problems[name] = wrong
        elif live == bool(_SANDBOX_KEY.fullmatch(key)):
            problems[name] = f"is not a key of the {environment} environment"
    if problems:
        raise InvalidAccount(problems)
    return NotchpayAccount(**{name: text for name, text in given.items() if text})
