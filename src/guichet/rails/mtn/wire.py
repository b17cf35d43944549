"""MTN's bodies: what we send, built from an order, and what we read of its answers.

Names as in the portal's schema of the Collection and Disbursement APIs. ``reason`` is an object
there and a plain text in answers that were seen: both are read.
"""

from __future__ import annotations

import msgspec

from guichet.domain.money import Money
from guichet.rails.mobile_money import message


class Wire(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """Names are camel-cased on the wire; what is None is left out. Shows no contents in a log."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class Party(Wire):
    party_id_type: str
    party_id: str


class Order(Wire):
    """``payer`` for a request to pay, ``payee`` for a transfer, ``reference_id_to_refund`` for a
    refund. ``external_id`` is our key: callbacks name the order by nothing else.
    """

    amount: str
    currency: str
    external_id: str
    payer: Party | None = None
    payee: Party | None = None
    reference_id_to_refund: str | None = None
    payer_message: str | None = None
    payee_note: str | None = None


class Reason(Wire):
    code: str | None = None
    message: str | None = None


class Result(Wire):
    """How an order stands: ``RequestToPayResult``, ``TransferResult``, a refund's."""

    status: str
    amount: str | None = None
    currency: str | None = None
    external_id: str | None = None
    financial_transaction_id: str | int | None = None
    payer: Party | None = None
    payee: Party | None = None
    reason: Reason | str | None = None


class Problem(msgspec.Struct):
    """MTN's own error, or that of the API manager before it (which has no code)."""

    code: str | None = None
    message: str | None = None


class Notice(Wire):
    """A callback's body: the order's result, of which the id alone is of interest."""

    external_id: str | None = None
    status: str | None = None


def order_of(
    money: Money,
    key: str,
    text: str,
    *,
    payer: str | None = None,
    payee: str | None = None,
    refunds: str | None = None,
) -> Order:
    """An order in MTN's words; ``payer`` and ``payee`` are digits, ``text`` is made fit."""
    words = message(text) or None
    return Order(
        amount=money.text(),
        currency=money.currency,
        external_id=key,
        payer=_party(payer),
        payee=_party(payee),
        reference_id_to_refund=refunds,
        payer_message=words,
        payee_note=words,
    )


def reason_code(result: Result) -> str | None:
    """The reason's code, however it is told."""
    return result.reason.code if isinstance(result.reason, Reason) else result.reason


def _party(digits: str | None) -> Party | None:
    return None if digits is None else Party(party_id_type="MSISDN", party_id=digits)
