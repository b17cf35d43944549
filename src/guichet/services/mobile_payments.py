"""Payments whose payer chooses late how to pay: made open, processed by a channel, cancelled."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import asyncpg

from guichet.domain import payments as rules
from guichet.domain.access import Application
from guichet.domain.attempts import OPEN_ATTEMPT
from guichet.domain.channels import ANY_MOBILE, CHANNELS, Channel
from guichet.domain.errors import (
    CustomerBlocked,
    DuplicateReference,
    Invalid,
    NotFound,
    NotPayable,
    Unavailable,
)
from guichet.domain.money import Money
from guichet.domain.outcomes import Reason
from guichet.domain.payments import UNDECIDED, NewPayment, Payment
from guichet.gateway import Gateway
from guichet.rails.port import RailUnavailable
from guichet.services.attempts import begin_attempt, refresh_attempt
from guichet.services.channels import offered_channels, rail_of_channel, resolve_channel
from guichet.services.checkout import Method, reserve_attempt
from guichet.services.payments import PaymentView, draft_payment
from guichet.services.settlement import Move, write_moves
from guichet.store import attempts, payers, payments

_LOOK_WAITS_SECONDS = (0.0, 0.05, 0.1, 0.2, 0.4)


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
            made = await payments.create_one(tx, item, item.payment.created_at)
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
    ``NotFound``, ``NotPayable`` unless it is pending, ``CustomerBlocked``, ``Invalid`` (``channel``
    unknown, locked or not of the payment's currency, ``amount`` out of the channel's bounds), and
    ``Unavailable`` when the operator could not be asked: nothing has happened then.
    """
    channel = resolve_channel(channel_id, phone)
    rail = rail_of_channel(gateway, application, channel) if channel else None
    if channel is None or rail is None:
        raise Invalid("channel", "unknown")
    async with gateway.database.connection() as connection:
        row = await payments.by_id(connection, payment_id)
        if row is None or row.payment.application_id != application.id:
            raise NotFound("payment", str(payment_id))
        payer = await payers.by_id(connection, application.id, row.payment.customer_id)
    if row.payment.status != "pending":
        raise NotPayable(row.payment.status)
    if payer is not None and payer.blocked:
        raise CustomerBlocked
    _check_channel(row.payment, channel)
    started = await reserve_attempt(gateway, payment_id, Method(rail.card.name, channel.id, phone))
    if started is None:
        raise NotPayable("processing")
    # Before the payment moves on: whoever reads the next version reads this with it.
    chosen = json.dumps({"channel": channel.id, "payer_phone": phone})
    async with gateway.database.transaction() as tx:
        await payments.keep_details(tx, payment_id, chosen)
    attempt = await begin_attempt(gateway, *started, payer_address)
    if attempt.reason == Reason.NOT_STARTED:
        raise Unavailable
    if attempt.status in OPEN_ATTEMPT:
        await _look(gateway, attempt.id)
    return await _read(gateway, payment_id)


async def _look(gateway: Gateway, attempt_id: UUID) -> None:
    """Ask the operator once, for one that decides at once has decided. Its callback may have made
    a worker ask at the same time: then the answer is worth a moment, and beyond it the worker's.
    """
    for wait_seconds in _LOOK_WAITS_SECONDS:
        await asyncio.sleep(wait_seconds)
        try:
            await refresh_attempt(gateway, attempt_id)
        except RailUnavailable:
            continue
        return


def check_bounds(money: Money, channel: Channel) -> None:
    """Raise ``Invalid`` for what ``channel`` does not take: by currency, or by amount."""
    if money.currency != channel.currency:
        raise Invalid("channel", "currency")
    if not channel.amount_min_minor <= money.minor <= channel.amount_max_minor:
        raise Invalid("amount", "amount")


def _check_channel(payment: Payment, channel: Channel) -> None:
    """As ``check_bounds``, and ``Invalid`` for what the merchant locked the payment against."""
    check_bounds(payment.money, channel)
    kept = json.loads(payment.details) if payment.details else {}
    locked = CHANNELS.get(kept.get("locked_channel", ""))
    if locked is not None and channel.id != locked.id:
        # An operator's own channel is one of those that the collective one stands for.
        stands_for = locked.id == ANY_MOBILE and channel.country == locked.country
        if not stands_for:
            raise Invalid("channel", "locked")
    if kept.get("locked_country") not in {None, channel.country}:
        raise Invalid("channel", "locked")
    if kept.get("locked_currency") not in {None, channel.currency}:
        raise Invalid("channel", "locked")


def payable_channels(gateway: Gateway, application: Application, payment: Payment) -> list[Channel]:
    """The channels that a payer of ``payment`` may choose from."""
    return [
        channel
        for channel in offered_channels(gateway, application)
        if channel.id != ANY_MOBILE and _takes(payment, channel)
    ]


def _takes(payment: Payment, channel: Channel) -> bool:
    try:
        _check_channel(payment, channel)
    except Invalid:
        return False
    return True


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
