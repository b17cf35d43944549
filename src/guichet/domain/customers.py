"""Customers of an application: the payers it knows."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID


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


def email_key(email: str) -> str:
    """The form in which e-mail addresses are compared (case does not count)."""
    return email.strip().casefold()
