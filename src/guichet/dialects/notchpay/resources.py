"""The objects of Notch Pay's wire: the union of what its documents and its clients know."""

from __future__ import annotations

from typing import Any

from guichet.dialects.notchpay.envelope import as_object, timestamp, timestamp_or_none
from guichet.dialects.notchpay.ids import write_id, write_payment_id
from guichet.dialects.notchpay.statuses import payment_word
from guichet.domain.access import Environment
from guichet.domain.money import exponent, minor_to_text
from guichet.domain.payments import Payment


def amount(minor: int, currency: str) -> int | float:
    """Major units as a JSON number: an integer wherever it is integral (contract 5.4)."""
    decimals = exponent(currency)
    whole, part = divmod(minor, 10**decimals)
    return whole if not part else float(minor_to_text(minor, decimals))


def sandbox(environment: str) -> int:
    """Whether an object is of the sandbox, as the number that the live API sends."""
    return int(environment == Environment.SANDBOX)


def render_payment(payment: Payment) -> dict[str, Any]:
    """A payment as the wire's transaction (contract 6.1); its payer is named by id."""
    kept = as_object(payment.details)
    total = amount(payment.amount_minor, payment.currency)
    fee = amount(payment.fee_minor, payment.currency)
    channel = kept.get("channel")
    return {
        "id": write_payment_id(payment.environment, payment.id),
        "reference": write_id("payment", payment.environment, payment.id),
        "merchant_reference": payment.reference,
        "trxref": payment.reference,
        "amount": total,
        "amount_total": total,
        "converted_amount": total,
        "currency": payment.currency,
        "amounts": {"total": total, "converted": total, "currency": payment.currency, "rate": 1},
        "fee": fee,
        "fees": [{"name": "fee", "amount": fee}] if payment.fee_minor else [],
        "charge": "business",
        "status": payment_word(payment.status, payment.reason),
        "failure_reason": payment.reason if payment.status == "failed" else None,
        "customer": write_id("customer", payment.environment, payment.customer_id),
        "sandbox": sandbox(payment.environment),
        "description": kept.get("description"),
        "callback": kept.get("callback"),
        "metadata": kept.get("metadata") or None,
        "geo": kept.get("geo"),
        "locked_currency": kept.get("locked_currency"),
        "locked_channel": kept.get("locked_channel"),
        "locked_country": kept.get("locked_country"),
        "channel": channel,
        "payment_method": write_id("payment_method", payment.environment, payment.id)
        if channel
        else None,
        "initiated_at": timestamp(payment.created_at),
        "created_at": timestamp(payment.created_at),
        "updated_at": timestamp(payment.updated_at),
        "completed_at": timestamp_or_none(payment.completed_at),
    }
