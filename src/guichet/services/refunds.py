"""Refunds: set aside first, given back by the rail, recorded with their payment."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg

from guichet.domain import refunds as rules
from guichet.domain.attempts import Attempt
from guichet.domain.errors import Invalid, NotFound, NotRefundable, RequestKeyReused
from guichet.domain.ids import new_id
from guichet.domain.orders import RefundOrder
from guichet.domain.outcomes import Outcome, Unknown
from guichet.domain.paging import Listing, Page
from guichet.domain.payments import Payment
from guichet.domain.refunds import OPEN_REFUND, REFUND, Refund
from guichet.failpoints import reach
from guichet.gateway import Gateway
from guichet.rails.port import RailUnavailable, RefundingRail
from guichet.services.attempts import collect_order
from guichet.services.offers import pays_out
from guichet.services.settlement import Move, write_moves
from guichet.store import attempts as attempt_store
from guichet.store import refunds as store

log = logging.getLogger(__name__)

_FIRST_CLAIM = 1


async def create_refund(
    gateway: Gateway,
    application_id: UUID,
    payment_id: UUID,
    amount_minor: int | None = None,
    request_key: str | None = None,
    request_hash: bytes | None = None,
    note: str | None = None,
) -> Refund:
    """Give ``amount_minor`` of a completed payment back (None: all that is left of it).

    The money is set aside in one transaction, then the rail is asked; the refund is answered as
    the rail left it, often still open. With a request key the call may be repeated; ``note`` says
    why it is made. Raises ``NotFound``, ``NotRefundable``, ``InsufficientFunds``, ``Invalid``
    (``amount``), ``RequestKeyReused``, ``Halted``.
    """
    gateway.access.refuse_when_halted()
    if amount_minor is not None and amount_minor <= 0:
        raise Invalid("amount", "positive")
    asked = _Asked(application_id, payment_id, amount_minor, request_key, request_hash, note)
    try:
        refund, is_new = await _set_aside(gateway, asked)
    except asyncpg.UniqueViolationError:  # the same key, at the same moment, for another payment
        raise RequestKeyReused from None
    if not is_new:
        return refund
    try:
        return await _ask_and_record(gateway, refund)
    except RailUnavailable:
        return refund  # the worker asks again
    finally:
        await _release(gateway, refund)


class _Asked(NamedTuple):
    application_id: UUID
    payment_id: UUID
    amount_minor: int | None
    request_key: str | None
    request_hash: bytes | None
    note: str | None


async def _set_aside(gateway: Gateway, asked: _Asked) -> tuple[Refund, bool]:
    """A new refund with its money set aside, its lease ours; or the one of the request key."""
    async with gateway.database.transaction() as tx:
        payment = await attempt_store.lock_payment(tx, asked.payment_id)
        if payment is None or payment.application_id != asked.application_id:
            raise NotFound("payment", str(asked.payment_id))
        if asked.request_key is not None:
            former = await store.by_request_key(tx, asked.application_id, asked.request_key)
            if former is not None:
                refund, request_hash = former
                if refund.payment_id != payment.id or request_hash != asked.request_hash:
                    raise RequestKeyReused
                return refund, False
        attempt = await attempt_store.placed(tx, payment.id)
        if attempt is None:
            raise NotRefundable("status", f"the payment is {payment.status}")
        now = gateway.clock.now()
        refund = _new_refund(payment, attempt, asked.amount_minor, now)._replace(note=asked.note)
        step = rules.reserve(payment, refund, _refund_window(gateway, attempt), now)
        lease_seconds = gateway.settings.lease_seconds
        await store.insert(tx, refund, asked.request_key, asked.request_hash, lease_seconds)
        move = Move(payment, step.payment, None, step.facts, refund=refund, refund_moved=True)
        await write_moves(gateway, tx, [move], now)
        reach("refund.uncommitted")
    reach("refund.set_aside")
    return refund, True


def _new_refund(
    payment: Payment, attempt: Attempt, amount_minor: int | None, now: datetime
) -> Refund:
    return Refund(
        id=new_id(now),
        payment_id=payment.id,
        attempt_id=attempt.id,
        application_id=payment.application_id,
        environment=payment.environment,
        rail=attempt.rail,
        amount_minor=payment.refundable_minor if amount_minor is None else amount_minor,
        currency=payment.currency,
        status=REFUND.start,
        reason=None,
        code=None,
        provider_reference=None,
        checks_count=0,
        next_check_at=now,
        claimed_until=None,
        claim=1,
        created_at=now,
        updated_at=now,
    )


def _refund_window(gateway: Gateway, attempt: Attempt) -> timedelta | None:
    try:
        rail = gateway.rails.get(attempt.rail, attempt.environment)
    except KeyError:  # not set up any more
        return None
    return rail.card.refund_window if pays_out(gateway, rail, attempt.account_id) else None


async def refresh_refund(gateway: Gateway, refund: Refund) -> Refund:
    """Ask the rail about an open refund whose lease the caller holds, and record what it says.

    Raises ``RailUnavailable`` when the provider cannot be asked now.
    """
    return await _ask_and_record(gateway, refund)


async def read_refund(gateway: Gateway, application_id: UUID, refund_id: UUID) -> Refund:
    """The application's refund; raises ``NotFound``."""
    async with gateway.database.connection() as connection:
        found = await store.read(connection, refund_id)
    if found is None or found.application_id != application_id:
        raise NotFound("refund", str(refund_id))
    return found


async def list_all_refunds(
    gateway: Gateway, application_id: UUID, statuses: Sequence[str] | None, page: Page
) -> Listing[Refund]:
    """One page of an application's refunds, newest first."""
    async with gateway.database.connection() as connection:
        rows, total = await store.list_page(connection, application_id, statuses, page)
    return Listing(rows, total)


async def list_refunds(gateway: Gateway, application_id: UUID, payment_id: UUID) -> list[Refund]:
    """The refunds of an application's payment, oldest first."""
    async with gateway.database.connection() as connection:
        found = await store.of_payment(connection, payment_id)
    return [refund for refund in found if refund.application_id == application_id]


async def _ask_and_record(gateway: Gateway, refund: Refund) -> Refund:
    async with gateway.database.connection() as connection:
        row = await attempt_store.read(connection, refund.attempt_id)
    if row is None:
        raise NotFound("attempt", str(refund.attempt_id))
    rail = gateway.rails.get(refund.rail, refund.environment)
    assert isinstance(rail, RefundingRail)
    order = RefundOrder(
        key=refund.key,
        money=refund.money,
        collected=await collect_order(gateway, row.payment, row.attempt, None),
        provider_reference=refund.provider_reference,
        # Only who made it holds its first lease, and asks once.
        asked_at=None if refund.claim == _FIRST_CLAIM else refund.created_at,
    )
    try:
        outcome: Outcome = await rail.refund(order)
    except RailUnavailable:
        raise
    except Exception as error:
        log.exception("rail failed")
        outcome = Unknown(detail=type(error).__name__)
    reach("refund.asked")
    after = await _record(gateway, refund.id, refund.payment_id, outcome, gateway.clock.now())
    reach("refund.recorded")
    return after


async def _record(
    gateway: Gateway, refund_id: UUID, payment_id: UUID, outcome: Outcome, now: datetime
) -> Refund:
    async with gateway.database.transaction() as tx:
        payment = await attempt_store.lock_payment(tx, payment_id)
        refund = await store.lock(tx, refund_id)
        if payment is None or refund is None:
            raise NotFound("refund", str(refund_id))
        step = rules.apply(payment, refund, outcome, now)
        moved = step.refund.status != refund.status
        move = Move(payment, step.payment, None, step.facts, refund=step.refund, refund_moved=moved)
        await write_moves(gateway, tx, [move], now)
    return step.refund


async def _release(gateway: Gateway, refund: Refund) -> None:
    async with gateway.database.connection() as connection:
        await store.release(connection, refund.id, refund.claim)


__all__ = [
    "OPEN_REFUND",
    "create_refund",
    "list_all_refunds",
    "list_refunds",
    "read_refund",
    "refresh_refund",
]
