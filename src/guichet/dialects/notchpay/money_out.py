"""Money that leaves, on Notch Pay's wire: transfers (contract 7.1) and refunds (contract 14)."""

from __future__ import annotations

from typing import Any

from guichet.dialects.notchpay.envelope import as_object, timestamp, timestamp_or_none
from guichet.dialects.notchpay.ids import write_id
from guichet.dialects.notchpay.resources import amount, sandbox
from guichet.dialects.notchpay.statuses import refund_word, transfer_word
from guichet.domain.refunds import Refund
from guichet.domain.transfers import Transfer


def render_transfer(transfer: Transfer) -> dict[str, Any]:
    """A transfer; one without a kept beneficiary names itself as one."""
    environment, currency = transfer.environment, transfer.currency
    kept = as_object(transfer.details)
    total = amount(transfer.amount_minor, currency)
    reference = write_id("transfer", environment, transfer.id)
    beneficiary = write_id("beneficiary", environment, transfer.beneficiary_id or transfer.id)
    return {
        "id": reference,
        "reference": reference,
        "merchant_reference": transfer.reference,
        "trxref": transfer.reference,
        "amount": total,
        "amount_total": total,
        "converted_amount": total,
        "fee": amount(transfer.fee_minor, currency),
        "amounts": {"total": total, "converted": total, "currency": currency, "rate": 1},
        "currency": currency,
        "status": transfer_word(transfer.status),
        "failure_reason": transfer.reason.upper() if transfer.reason else None,
        "beneficiary": beneficiary,
        "beneficary": beneficiary,
        "channel": transfer.channel,
        "payment_method": write_id(
            "payment_method", environment, transfer.beneficiary_id or transfer.id
        ),
        "description": transfer.description,
        "statement": None,
        "metadata": kept.get("metadata") or None,
        "sandbox": sandbox(environment),
        "initiated_at": timestamp(transfer.created_at),
        "created_at": timestamp(transfer.created_at),
        "updated_at": timestamp(transfer.updated_at),
        "completed_at": timestamp_or_none(transfer.completed_at),
    }


def render_refund(refund: Refund) -> dict[str, Any]:
    """A refund; its payment is named by reference."""
    reference = write_id("refund", refund.environment, refund.id)
    return {
        "id": reference,
        "reference": reference,
        "payment": write_id("payment", refund.environment, refund.payment_id),
        "amount": amount(refund.amount_minor, refund.currency),
        "currency": refund.currency,
        "status": refund_word(refund.status),
        "failure_reason": refund.reason.upper() if refund.reason else None,
        "sandbox": sandbox(refund.environment),
        "created_at": timestamp(refund.created_at),
        "updated_at": timestamp(refund.updated_at),
    }
