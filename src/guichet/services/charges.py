"""Payments whose payer needs something from the provider before anything can be paid: a code.

The payment is committed first, then the attempt, then the provider is asked: outside any
transaction, and never twice at once for one payment.
"""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from guichet.domain.access import Caller
from guichet.domain.errors import (
    Invalid,
    LinkNotPayable,
    NotFound,
    NotPayable,
    RequestInProgress,
    Unavailable,
)
from guichet.domain.outcomes import Reason
from guichet.domain.payments import OPEN_PAYMENT, CustomerDetails, NewPayment
from guichet.gateway import Gateway
from guichet.rails.port import RailUnavailable
from guichet.services.attempts import begin_attempt, refresh_attempt
from guichet.services.checkout import reserve_attempt
from guichet.services.payments import PaymentView, create_payment
from guichet.services.tax_numbers import clean_tax_number
from guichet.store import customers
from guichet.store import payments as store

_RETRY_AFTER_SECONDS = 5


async def create_charge(gateway: Gateway, caller: Caller, new: NewPayment) -> PaymentView:
    """Make a payment and get its payer's code; the call may be repeated by its request key.

    ``view.payment.payer_code`` is None when the provider's answer is not known: the worker goes
    on asking, and the payment shows the code once it is there. Raises what ``create_payment``
    does, ``Invalid`` (``customer.tax_number``), ``RequestInProgress``, and ``Unavailable`` when
    the provider certainly took no order: the payment waits, and the same request key goes on.
    """
    await check_payer(gateway, caller, new.customer)
    return await get_code(gateway, await create_payment(gateway, caller, new))


async def check_payer(gateway: Gateway, caller: Caller, customer: CustomerDetails) -> None:
    """Raise ``Invalid`` unless the payer's tax number was sent or is known, and is one."""
    number = customer.fields.get("tax_number")
    if not number:
        number = await known_tax_number(gateway, caller, customer.id, customer.email)
    if not number:
        raise Invalid("customer.tax_number", "required")
    if clean_tax_number(number, check_digits=gateway.settings.check_tax_numbers) is None:
        raise Invalid("customer.tax_number", "unknown")


async def known_tax_number(
    gateway: Gateway, caller: Caller, customer_id: UUID | None, email: str | None
) -> str | None:
    """The tax number of the customer whom a payment names by id, or else by e-mail."""
    application_id = caller.application.id
    async with gateway.database.connection() as connection:
        known = None
        if customer_id is not None:
            known = await customers.by_id(connection, application_id, customer_id)
        if known is None and email is not None:
            known = await customers.by_email(connection, application_id, email)
    return known.tax_number if known else None


async def get_code(
    gateway: Gateway, view: PaymentView, payer_address: str | None = None
) -> PaymentView:
    """The payment with its payer's code, which is asked for if nobody has it yet.

    Raises ``RequestInProgress``, ``Unavailable`` and, once its payment link is no longer open,
    ``LinkNotPayable``.
    """
    payment = view.payment
    if payment.payer_code is not None or payment.status not in OPEN_PAYMENT:
        return view
    try:
        started = await reserve_attempt(gateway, payment.id)
    except LinkNotPayable:
        raise
    except NotPayable:
        return await _as_it_is(gateway, payment.id)
    if started is None:
        row = await _as_it_is(gateway, payment.id)
        if row.payment.status == "pending":
            raise RequestInProgress
        return row
    attempt = await begin_attempt(gateway, *started, payer_address)
    if attempt.status == "unknown":
        with suppress(RailUnavailable):  # the worker asks again
            attempt = await refresh_attempt(gateway, attempt.id)
    if attempt.status == "refused" and attempt.reason == Reason.NOT_STARTED:
        raise Unavailable(_RETRY_AFTER_SECONDS)
    return await _as_it_is(gateway, payment.id)


async def _as_it_is(gateway: Gateway, payment_id: UUID) -> PaymentView:
    async with gateway.database.connection() as connection:
        row = await store.by_id(connection, payment_id)
    if row is None:
        raise NotFound("payment", str(payment_id))
    return row
