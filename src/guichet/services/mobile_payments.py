"""Payments whose payer chooses late how to pay: made open, processed by a channel, cancelled."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import asyncpg

from guichet.domain import payments as rules
from guichet.domain.access import Application
from guichet.domain.attempts import OPEN_ATTEMPT
from guichet.domain.errors import DuplicateReference, Invalid, NotFound, NotPayable
from guichet.domain.outcomes import Reason
from guichet.domain.payments import UNDECIDED, NewPayment, Payment
from guichet.gateway import Gateway
from guichet.rails.port import RailUnavailable
from guichet.services.attempts import begin_attempt, refresh_attempt
from guichet.services.channels import rail_of_channel, resolve_channel
from guichet.services.checkout import Method, reserve_attempt
from guichet.services.payments import PaymentView, draft_payment
from guichet.services.settlement import Move, write_moves
from guichet.store import attempts, payments


async def create_open_payment(
    gateway: Gateway,
    application: Application,
    new: NewPayment,
    details: str | None,
    lifetime: timedelta,
) -> PaymentView:
    """Make a payment that is open to every channel and tell the world (``payment.created``).

    ``new.customer.id`` names the payer; ``new.request_key`` is the merchant's reference in a name
    space of its own, unique for ever. Raises ``DuplicateReference`` and ``Invalid``.
    """
    item = draft_payment(gateway, application, replace(new, rail=UNDECIDED), lifetime)
    item = item._replace(payment=item.payment._replace(details=details))
    try:
        async with gateway.database.transaction() as tx:
            (made,) = await payments.create(tx, [item], item.payment.created_at)
            if made is not None:
                await payments.keep_details(tx, made.payment.id, details)
                await attempts.tell_endpoints(tx, item.event_id)
                return made
    except asyncpg.UniqueViolationError:
        made = None
    if new.request_key is not None:
        async with gateway.database.connection() as connection:
            former = await payments.by_request_key(connection, application.id, new.request_key)
        if former is not None:
            raise DuplicateReference("payment", new.reference or "", str(former[0].payment.id))
    raise Invalid("customer", "unknown")


async def process_payment(
    gateway: Gateway,
    application: Application,
    payment_id: UUID,
    channel_id: str,
    phone: str,
    payer_address: str | None,
) -> PaymentView:
    """Ask the payer's operator to collect: the payer confirms on the handset of ``phone`` (E.164).

    Answers the payment as it is then; an operator that decides at once has decided. Raises
    ``NotFound``, ``NotPayable`` unless it is pending, and ``Invalid`` (``channel`` unknown or not
    of the payment's currency, ``amount`` out of the channel's bounds).
    """
    channel = resolve_channel(channel_id, phone)
    rail = rail_of_channel(gateway, application, channel) if channel else None
    if channel is None or rail is None:
        raise Invalid("channel", "unknown")
    async with gateway.database.connection() as connection:
        row = await payments.by_id(connection, payment_id)
    if row is None or row.payment.application_id != application.id:
        raise NotFound("payment", str(payment_id))
    if row.payment.status != "pending":
        raise NotPayable(row.payment.status)
    if row.payment.currency != channel.currency:
        raise Invalid("channel", "currency")
    started = await reserve_attempt(gateway, payment_id, Method(rail.card.name, channel.id, phone))
    if started is None:
        raise NotPayable("processing")
    attempt = await begin_attempt(gateway, *started, payer_address)
    if attempt.status in OPEN_ATTEMPT:
        with suppress(RailUnavailable):  # the worker asks again
            await refresh_attempt(gateway, attempt.id)
    return await _read(gateway, payment_id)


async def cancel_payment(
    gateway: Gateway, application: Application, payment_id: UUID
) -> PaymentView:
    """Withdraw a pending payment; raises ``NotFound`` and ``NotPayable`` for any other."""
    now = gateway.clock.now()
    async with gateway.database.transaction() as tx:
        payment = await attempts.lock_payment(tx, payment_id)
        if payment is None or payment.application_id != application.id:
            raise NotFound("payment", str(payment_id))
        attempt = await attempts.latest(tx, payment_id)
        if payment.status != "pending" or (attempt and attempt.status in OPEN_ATTEMPT):
            raise NotPayable(payment.status)
        cancelled: Payment = rules.moved(payment, "cancelled", Reason.WITHDRAWN, now)
        await write_moves(gateway, tx, [Move(payment, cancelled, None, ())], now)
    return await _read(gateway, payment_id)


async def _read(gateway: Gateway, payment_id: UUID) -> PaymentView:
    async with gateway.database.connection() as connection:
        row = await payments.by_id(connection, payment_id)
    if row is None:
        raise NotFound("payment", str(payment_id))
    return row
