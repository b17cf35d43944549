"""Notch Pay's names of events, and the core's events behind them (contract 10 and 15)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from guichet.dialects.notchpay.statuses import payment_word
from guichet.domain import events
from guichet.domain.events import Event

EVERYTHING = "*"
#: The core's events that may become each of the wire's. A payment that failed has three names: it
#: depends on why.
_BEHIND: dict[str, tuple[str, ...]] = {
    "payment.created": (events.PAYMENT_CREATED,),
    "payment.processing": (events.PAYMENT_PROCESSING,),
    "payment.complete": (events.PAYMENT_COMPLETED,),
    "payment.failed": (events.PAYMENT_FAILED, events.PAYMENT_REVERSED),
    "payment.canceled": (events.PAYMENT_CANCELLED, events.PAYMENT_FAILED),
    "payment.expired": (events.PAYMENT_EXPIRED, events.PAYMENT_FAILED),
    "transfer.created": (events.TRANSFER_CREATED,),
    "transfer.processing": (events.TRANSFER_SENT,),
    "transfer.sent": (events.TRANSFER_SENT,),
    "transfer.complete": (events.TRANSFER_COMPLETED,),
    "transfer.failed": (
        events.TRANSFER_FAILED,
        events.TRANSFER_CANCELLED,
        events.TRANSFER_RETURNED,
    ),
    "customer.created": (events.CUSTOMER_CREATED,),
    "customer.updated": (events.CUSTOMER_UPDATED,),
    "customer.deleted": (events.CUSTOMER_DELETED,),
    "customer.blocked": (events.CUSTOMER_BLOCKED,),
    "customer.unblocked": (events.CUSTOMER_UNBLOCKED,),
    "beneficiary.created": (events.BENEFICIARY_CREATED,),
    "beneficiary.updated": (events.BENEFICIARY_UPDATED,),
    "beneficiary.deleted": (events.BENEFICIARY_DELETED,),
    "refund.created": (events.REFUND_CREATED,),
    "refund.complete": (events.REFUND_COMPLETED,),
    "refund.failed": (events.REFUND_FAILED,),
    "endpoint.failing": (events.ENDPOINT_FAILING,),
    "endpoint.disabled": (events.ENDPOINT_DISABLED,),
    "endpoint.recovered": (events.ENDPOINT_RECOVERED,),
}
#: The dashboard's spelling.
_ALIASES = {"payment.cancelled": "payment.canceled"}
NAMES = frozenset({*_BEHIND, *_ALIASES, EVERYTHING})


def kept_names(names: Iterable[str]) -> tuple[str, ...]:
    """Names as they are kept and echoed: one spelling each, in the order given, none twice."""
    return tuple(dict.fromkeys(_ALIASES.get(name, name) for name in names))


def core_types(names: Iterable[str]) -> tuple[str, ...]:
    """The core's events that can become one of the names."""
    wanted = tuple(names)
    if EVERYTHING in wanted:
        wanted = tuple(_BEHIND)
    return tuple(dict.fromkeys(type_ for name in wanted for type_ in _BEHIND[name]))


def wire_name(event: Event, wanted: Sequence[str]) -> str | None:
    """The event's name for someone who wants those names; None if it is none of them."""
    possible = [name for name, types in _BEHIND.items() if event.type in types]
    if event.type == events.PAYMENT_FAILED:
        possible = [f"payment.{payment_word(event.status, event.reason)}"]
    if EVERYTHING in wanted:
        return possible[0] if possible else None
    return next((name for name in possible if name in wanted), None)
