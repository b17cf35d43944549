"""What a payer typed into a link's form: kept as typed, understood, and judged all at once."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

from babel import Locale

from guichet.domain.errors import Invalid
from guichet.domain.links import OPTIONAL_FIELDS, LinkPayment, asked_fields
from guichet.domain.money import InvalidAmount, Money
from guichet.domain.payments import CustomerDetails
from guichet.gateway import Gateway
from guichet.pages.amounts import read_amount
from guichet.services.link_payments import LinkView, problems_of

#: In the order in which the page shows them, which is that of the summary of problems.
FIELDS = (
    "amount", "email", "name", "phone", "street", "house_number", "zip_code", "city", "state",
    "country", "rail", "bank", "tax_number",
)  # fmt: skip
#: What helps the form itself: the list of banks, the amount that was shown, the form's own mark.
_BESIDE = ("bank_country", "search", "understood", "nonce")
_CUSTOMER = frozenset(FIELDS) - {"amount", "rail", "bank"}
#: Digits with what people put between them; whether anybody answers there is not ours to say.
_PHONE = re.compile(r"\+?[0-9 ().\-/\u00a0\u202f]{5,30}", re.ASCII)
_PHONE_DIGITS_MIN = 5
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_NONCE = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)
_NONCE_BYTES = 16
_TYPED_MAX = 1000


class Entry(NamedTuple):
    """A form as it came. ``values`` are the texts by field; ``problems`` the broken rules by
    field, in the order of the page.
    """

    values: Mapping[str, str]
    payment: LinkPayment
    problems: Mapping[str, str]


class Asked(NamedTuple):
    """The customer fields that the page asks for: always, and only for some of the rails."""

    always: tuple[str, ...]
    by_rail: Mapping[str, tuple[str, ...]]


def asked_of(gateway: Gateway, view: LinkView) -> Asked:
    """What the link's page asks its payers for, in the order of the page."""
    always = asked_fields(view.link, needs_payer=False)
    by_rail = {}
    for name in view.rails:
        card = gateway.rails.get(name, view.link.environment).card
        more = set(asked_fields(view.link, needs_payer=card.needs_payer)) - set(always)
        by_rail[name] = tuple(field for field in FIELDS if field in more)
    return Asked(always, by_rail)


def new_nonce() -> str:
    """Makes a form one that can be sent twice without paying twice."""
    return secrets.token_urlsafe(_NONCE_BYTES)


def read_entry(gateway: Gateway, view: LinkView, form: Mapping[str, Any], locale: Locale) -> Entry:
    """Read the form's fields; whatever else it holds counts for nothing."""
    values = {name: _typed(form, name) for name in (*FIELDS, *_BESIDE)}
    if not _NONCE.fullmatch(values["nonce"]):
        values["nonce"] = new_nonce()
    if len(view.rails) == 1:
        values["rail"] = view.rails[0]
    problems: dict[str, str] = {}
    payment = LinkPayment(
        amount=_amount(view, values["amount"], locale, problems),
        rail=values["rail"],
        institution_key=values["bank"] or None,
        customer=CustomerDetails(
            id=None,
            email=values["email"],
            fields={name: values[name] for name in FIELDS if name in _CUSTOMER},
        ),
        nonce=values["nonce"],
    )
    for problem in problems_of(gateway, view.application, view.link, payment):
        problems.setdefault(field_of(problem), problem.rule)
    asked = asked_of(gateway, view)
    for name in (*asked.always, *asked.by_rail.get(values["rail"], ())):
        rule = _own_rule(name, values[name])
        if rule is not None:
            problems.setdefault(name, rule)
    return Entry(values, payment, {name: problems[name] for name in FIELDS if name in problems})


def is_optional(name: str) -> bool:
    """Whether the field may stay empty."""
    return name in OPTIONAL_FIELDS


def _typed(form: Mapping[str, Any], name: str) -> str:
    text = form.get(name)
    return text.strip()[:_TYPED_MAX] if isinstance(text, str) else ""


def _amount(view: LinkView, text: str, locale: Locale, problems: dict[str, str]) -> Money | None:
    """The amount where the payer chooses it."""
    if view.link.amount_minor is not None or not text:
        return None
    try:
        return read_amount(text, view.link.currency, locale)
    except InvalidAmount as error:
        problems["amount"] = error.rule
        return None


def field_of(problem: Invalid) -> str:
    """The page's name of the field that the service complains of."""
    name = problem.field.removeprefix("customer.")
    return {"institution": "bank", "currency": "rail"}.get(name, name)


def _own_rule(name: str, text: str) -> str | None:
    if not text:
        return None
    if name == "phone":
        enough = sum(map(str.isdigit, text)) >= _PHONE_DIGITS_MIN
        return None if enough and _PHONE.fullmatch(text) else "unknown"
    if name == "country":
        return None if _COUNTRY.fullmatch(text) else "unknown"
    return None
