"""The bodies of GSMA's API: what we send, built from an order, and what we read of the answers.

Shapes as in GSMA's OpenAPI file, 1.2.0.
"""

from __future__ import annotations

import msgspec

from guichet.domain.money import Money
from guichet.rails.mobile_money import message


class Wire(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """Names are camel-cased on the wire; what is None is left out. Shows no contents in a log."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class Pair(Wire):
    key: str
    value: str


class Order(Wire):
    """A transaction, or with ``type`` a reversal. The requesting organisation's reference is our
    key.
    """

    amount: str
    currency: str
    requesting_organisation_transaction_reference: str
    debit_party: list[Pair] | None = None
    credit_party: list[Pair] | None = None
    description_text: str | None = None
    type: str | None = None


class Problem(Wire):
    """GSMA's ``errorObject``."""

    error_category: str
    error_code: str
    errordescription: str | None = msgspec.field(default=None, name="errordescription")
    error_parameters: list[Pair] | None = None


class State(Wire):
    """``requestStateObject``: how an order stands."""

    server_correlation_id: str
    status: str
    object_reference: str | None = None
    expiry_time: str | None = None
    error: Problem | None = None


class Transaction(Wire):
    """A transaction or a reversal as the operator keeps it."""

    transaction_reference: str
    transaction_status: str
    amount: str | None = None
    currency: str | None = None
    requesting_organisation_transaction_reference: str | None = None


class Link(Wire):
    link: str


class Heartbeat(Wire):
    service_status: str


def payment_of(
    money: Money, key: str, text: str, payer: str, merchant: tuple[str, str] | None
) -> Order:
    """A merchant payment; ``payer`` are digits with the country's code."""
    return _order(money, key, text, debit=("msisdn", f"+{payer}"), credit=merchant)


def disbursement_of(
    money: Money, key: str, text: str, payee: str, merchant: tuple[str, str] | None
) -> Order:
    """A disbursement; ``payee`` are digits with the country's code."""
    return _order(money, key, text, debit=merchant, credit=("msisdn", f"+{payee}"))


def reversal_of(money: Money, key: str, text: str, *, whole: bool) -> Order:
    """A reversal of all of a payment, or an adjustment of a part of it."""
    order = _order(money, key, text)
    order.type = "reversal" if whole else "adjustment"
    return order


def _order(
    money: Money,
    key: str,
    text: str,
    debit: tuple[str, str] | None = None,
    credit: tuple[str, str] | None = None,
) -> Order:
    return Order(
        amount=money.text(),
        currency=money.currency,
        requesting_organisation_transaction_reference=key,
        debit_party=_party(debit),
        credit_party=_party(credit),
        description_text=message(text) or None,
    )


def _party(pair: tuple[str, str] | None) -> list[Pair] | None:
    return None if pair is None else [Pair(key=pair[0], value=pair[1])]
