"""Payments as dialects ask for them."""

from __future__ import annotations

from uuid import UUID

from guichet.domain.money import Money
from guichet.domain.payments import CustomerDetails, NewPayment


def order(
    email: str | None = "payer@example.com",
    customer_id: UUID | None = None,
    minor: int = 12244,
    currency: str = "GBP",
    institution: str = "20",
    request_key: str | None = None,
    request_hash: bytes | None = None,
    notify_url: str | None = None,
    **fields: str,
) -> NewPayment:
    """A payment as a dialect asks for it."""
    if email:
        fields["email"] = email
    return NewPayment(
        rail="open_banking",
        institution_key=institution,
        money=Money(minor, currency),
        customer=CustomerDetails(customer_id, email, fields),
        reference="reference",
        notify_url=notify_url,
        request_key=request_key,
        request_hash=request_hash or (b"hash" if request_key else None),
    )
