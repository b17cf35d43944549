"""A payment link: what is sold at one address, to whoever opens it while it is open."""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from guichet.domain.lifecycle import Lifecycle
from guichet.domain.money import Money
from guichet.domain.payments import CustomerDetails

LINK = Lifecycle(
    "link",
    start="draft",
    edges={
        "draft": {"published": "the merchant offers it", "closed": "the merchant ends it"},
        "published": {"draft": "the merchant takes it back", "closed": "the merchant ends it"},
    },
)

#: The payments that take room from a link's limit.
TAKES_ROOM = ("pending", "processing", "completed")
#: Payments of links with a limit live this long at most: room that nobody uses must come back.
LIMITED_LIFETIME = timedelta(minutes=30)

_SLUG_CHARACTERS = string.ascii_letters + string.digits
_SLUG_LENGTH = 10
_SLUG = re.compile(rf"[A-Za-z0-9]{{{_SLUG_LENGTH}}}", re.ASCII)

#: What a link asks its payers besides their e-mail, and what of it may be left empty.
_ASKED: Mapping[str | None, tuple[str, ...]] = {
    None: (),
    "name": ("name",),
    "name_phone": ("name", "phone"),
    "full_customer": (
        "name",
        "phone",
        "street",
        "house_number",
        "zip_code",
        "city",
        "state",
        "country",
    ),
}
OPTIONAL_FIELDS = frozenset({"house_number", "state"})


class Link(NamedTuple):
    """A payment link.

    ``amount_minor`` None lets the payer choose the amount. ``rails`` are what the payer may choose
    from; ``customer_data`` (``name``, ``name_phone``, ``full_customer``) is what they are asked
    besides their e-mail. ``payments_limit`` bounds how many payments may be under way or paid.
    ``success_url`` and ``error_url`` are where the payer goes afterwards (both or none);
    ``notify_url`` is told about the payments. ``settings`` holds theme and flags as the
    application sent them.
    """

    id: UUID
    application_id: UUID
    environment: str
    slug: str
    status: str
    enabled: bool
    product: str
    description: str | None
    reference: str | None
    amount_minor: int | None
    currency: str
    rails: tuple[str, ...]
    customer_data: str | None
    shows_payee: bool
    expires_at: datetime | None
    payments_limit: int | None
    success_url: str | None
    error_url: str | None
    notify_url: str | None
    settings: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    version: int

    @property
    def money(self) -> Money | None:
        """The price; None where the payer chooses."""
        return None if self.amount_minor is None else Money(self.amount_minor, self.currency)


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link as an application asks for it, already checked by the dialect's own rules."""

    product: str
    currency: str
    amount_minor: int | None
    rails: tuple[str, ...]
    description: str | None = None
    reference: str | None = None
    customer_data: str | None = None
    shows_payee: bool = False
    expires_at: datetime | None = None
    payments_limit: int | None = None
    success_url: str | None = None
    error_url: str | None = None
    notify_url: str | None = None
    enabled: bool = True
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LinkPayment:
    """What a payer sends from a link's page.

    ``amount`` is read only where the link lets the payer choose, ``institution_key`` only where
    the rail asks for a bank. ``nonce`` is the form's own: what is sent twice is one payment.
    """

    amount: Money | None
    rail: str
    institution_key: str | None
    customer: CustomerDetails
    nonce: str


def new_slug() -> str:
    """An address that cannot be guessed: 59 random bits."""
    return "".join(secrets.choice(_SLUG_CHARACTERS) for _ in range(_SLUG_LENGTH))


def is_slug(text: str) -> bool:
    """Whether ``text`` has the form of a slug."""
    return _SLUG.fullmatch(text) is not None


def state_of(link: Link, now: datetime, taken: int) -> str:
    """What a stranger meets: ``open``, or the first thing in the way: ``draft``, ``closed``,
    ``disabled``, ``expired`` or ``used_up``.

    ``taken`` is how many payments take room of the limit. A deleted link is nobody's to see, and
    closed to the payments it made.
    """
    if link.deleted_at is not None:
        return "closed"
    if link.status != "published":
        return link.status
    if not link.enabled:
        return "disabled"
    if link.expires_at is not None and link.expires_at <= now:
        return "expired"
    if link.payments_limit is not None and taken >= link.payments_limit:
        return "used_up"
    return "open"


def asked_fields(link: Link, *, needs_payer: bool) -> tuple[str, ...]:
    """The customer fields that a payer is asked for, e-mail first.

    ``needs_payer``: the rail must be told who pays, by name and tax number. All are needed but
    those in ``OPTIONAL_FIELDS``. What an application's directory knows of a payer is no substitute:
    anybody may type anybody's e-mail address.
    """
    asked = ("email", *_ASKED[link.customer_data])
    if not needs_payer:
        return asked
    return tuple(dict.fromkeys((*asked, "name", "tax_number")))
