"""Customers of an application: the payers it knows."""

from __future__ import annotations

import re
from typing import NamedTuple
from uuid import UUID

_EMAIL = re.compile(r"[^\s@\x00-\x1f\x7f]{1,64}@[^\s@.\x00-\x1f\x7f]+(?:\.[^\s@.\x00-\x1f\x7f]+)*")
_EMAIL_LENGTH_MAX = 255


class Customer(NamedTuple):
    """A payer as the application told us; texts are kept as given, never normalised."""

    id: UUID
    name: str | None
    email: str | None
    phone: str | None
    city: str | None
    state: str | None
    country: str | None
    zip_code: str | None
    street: str | None
    house_number: str | None
    currency: str | None
    tax_number: str | None
    company_number: str | None
    version: int


#: The fields an application may write, in the order of the columns.
CUSTOMER_FIELDS: tuple[str, ...] = Customer._fields[1:-1]

#: What is shown of a payer who was erased: nobody's name, at a domain that cannot exist.
ERASED = {"name": "erased", "email": "erased@erased.invalid"}


def email_key(email: str) -> str:
    """The form in which e-mail addresses are compared (case does not count)."""
    return email.strip().casefold()


def is_email(text: str) -> bool:
    """Whether ``text`` has the form of an e-mail address."""
    return len(text) <= _EMAIL_LENGTH_MAX and _EMAIL.fullmatch(text) is not None
