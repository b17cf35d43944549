"""The objects of Notch Pay's wire: the union of what its documents and its clients know."""

from __future__ import annotations

from typing import Any

from guichet.dialects.notchpay.envelope import as_object, timestamp, timestamp_or_none
from guichet.dialects.notchpay.ids import write_id, write_method_id, write_payment_id
from guichet.dialects.notchpay.statuses import failure_word, payment_word
from guichet.domain.access import Environment
from guichet.domain.channels import CHANNELS, Channel
from guichet.domain.endpoints import Endpoint
from guichet.domain.money import exponent, minor_to_text
from guichet.domain.payments import Payment
from guichet.services.payers import Payer, UsedMethod


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
    channel, phone = kept.get("channel"), kept.get("payer_phone")
    method = None
    if channel and phone:
        method = write_method_id(payment.environment, payment.customer_id, channel, phone)
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
        "failure_reason": failure_word(payment.status, payment.reason),
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
        "payment_method": method,
        "initiated_at": timestamp(payment.created_at),
        "created_at": timestamp(payment.created_at),
        "updated_at": timestamp(payment.updated_at),
        "completed_at": timestamp_or_none(payment.completed_at),
    }


def render_customer(environment: str, payer: Payer) -> dict[str, Any]:
    """A customer (contract 9)."""
    kept = as_object(payer.details)
    return {
        "id": write_id("customer", environment, payer.id),
        "name": payer.name,
        "email": payer.email,
        "phone": payer.phone,
        "company_name": kept.get("company_name"),
        "tax_number": payer.tax_number,
        "description": kept.get("description"),
        "metadata": kept.get("metadata") or None,
        "address": kept.get("address") or None,
        "billing": kept.get("billing") or None,
        "shipping": kept.get("shipping") or None,
        "blocked": payer.blocked,
        "sandbox": sandbox(environment),
        "created_at": timestamp(payer.created_at),
        "updated_at": timestamp(payer.updated_at),
    }


def render_method(environment: str, payer: Payer, used: UsedMethod) -> dict[str, Any]:
    """A wallet that a customer has paid by."""
    channel = CHANNELS[used.channel]
    number = used.phone.removeprefix("+")
    return {
        "id": write_method_id(environment, payer.id, used.channel, used.phone),
        "type": "Mobile Money",
        "channel": channel.id,
        "email": payer.email,
        "name": payer.name,
        "country": channel.country,
        "account_number": number,
        "issuer": channel.name,
        "issuer_code": channel.id,
        "phone": number,
        "created_at": timestamp(used.created_at),
    }


def render_channel(environment: str, channel: Channel, *, pays_out: bool) -> dict[str, Any]:
    """A channel as the live API describes one (contract 13.1)."""
    return {
        "name": channel.name,
        "desc": channel.description,
        "active": True,
        "enabled": True,
        "countries": [channel.country],
        "id": channel.id,
        "slug": channel.id,
        "type": "mobile",
        "reference": f"chn.{channel.id}",
        "delivery": None,
        "payment_delivery": None,
        "live": environment == Environment.LIVE,
        "min_amount": amount(channel.amount_min_minor, channel.currency),
        "max_amount": amount(channel.amount_max_minor, channel.currency),
        "payout": int(pays_out),
        "charge": 1,
        "collect": 1,
        "currency": channel.currency,
    }


def render_endpoint(environment: str, endpoint: Endpoint) -> dict[str, Any]:
    """A webhook endpoint (contract 10), its events as they were given; the secret is not shown."""
    return {
        "id": write_id("endpoint", environment, endpoint.id),
        "url": endpoint.url,
        "description": endpoint.description,
        "events": list(endpoint.events),
        "status": "active" if endpoint.active else "inactive",
        "active": endpoint.active,
        "signature_profile": endpoint.profile,
        "health": endpoint.health,
        "sandbox": sandbox(environment),
        "created_at": timestamp(endpoint.created_at),
        "updated_at": timestamp(endpoint.updated_at),
    }
