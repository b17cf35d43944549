"""What each queue's work is: claims of one shape, one handler each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID

from guichet.domain.attempts import Attempt, look_again_at
from guichet.domain.refunds import Refund
from guichet.domain.refunds import look_again_at as look_again_at_refund
from guichet.domain.transfers import Transfer
from guichet.domain.transfers import look_again_at as look_again_at_transfer
from guichet.gateway import Gateway
from guichet.logs import REQUEST_ID
from guichet.rails.port import RailUnavailable
from guichet.services.attempts import refresh_attempt
from guichet.services.closing import expire_payment, release_payment
from guichet.services.deliveries import LOST, deliver
from guichet.services.notices import handle_notice
from guichet.services.reconciliation import reconcile
from guichet.services.refunds import refresh_refund
from guichet.services.transfers import refresh_transfer
from guichet.store import queue
from guichet.store.database import Database
from guichet.store.queue import ClaimedPayment, Queue
from guichet.store.scope import acting_for
from guichet.worker.lanes import Work

Item = TypeVar("Item")

#: A payment that could not be expired or released is looked at again after this.
_LOOK_AGAIN = timedelta(seconds=30)


def _claimed(
    claim: Callable[[Database, datetime, int, float], Awaitable[Sequence[Item]]],
) -> Callable[[Gateway, int], Awaitable[Sequence[Item]]]:
    async def claim_due(gateway: Gateway, limit: int) -> Sequence[Item]:
        now = gateway.clock.now()
        return await claim(gateway.database, now, limit, gateway.settings.lease_seconds)

    return claim_due


async def check_attempt(gateway: Gateway, attempt: Attempt) -> str:
    """Ask the provider about a claimed attempt."""
    outcome = "asked"
    try:
        await refresh_attempt(gateway, attempt.id, claim=attempt.claim)
    except RailUnavailable:
        outcome = "unavailable"
    finally:
        again_at = look_again_at(attempt, gateway.clock.now(), None)
        held = await queue.finish_check(gateway.database, attempt, again_at)
    return outcome if held else LOST


async def expire(gateway: Gateway, claimed: ClaimedPayment) -> str:
    """Close a claimed payment whose time is over, if nothing of it can still be paid."""
    outcome = "looked"
    try:
        await expire_payment(gateway, claimed.payment.id)
    except RailUnavailable:
        outcome = "unavailable"
    finally:
        again_at = gateway.clock.now() + _LOOK_AGAIN
        held = await queue.finish_expiry(gateway.database, claimed, again_at)
    return outcome if held else LOST


async def release(gateway: Gateway, claimed: ClaimedPayment) -> str:
    """Make a claimed payment's money available to its merchant."""
    try:
        await release_payment(gateway, claimed.payment.id)
    finally:
        again_at = gateway.clock.now() + _LOOK_AGAIN
        held = await queue.finish_release(gateway.database, claimed, again_at)
    return "released" if held else LOST


async def check_refund(gateway: Gateway, refund: Refund) -> str:
    """Ask the provider about a claimed refund."""
    outcome = "asked"
    try:
        await refresh_refund(gateway, refund)
    except RailUnavailable:
        outcome = "unavailable"
    finally:
        again_at = look_again_at_refund(refund, gateway.clock.now(), None)
        held = await queue.finish_refund(gateway.database, refund, again_at)
    return outcome if held else LOST


async def check_transfer(gateway: Gateway, transfer: Transfer) -> str:
    """Ask the provider about a claimed transfer."""
    outcome = "asked"
    try:
        await refresh_transfer(gateway, transfer)
    except RailUnavailable:
        outcome = "unavailable"
    finally:
        again_at = look_again_at_transfer(transfer, gateway.clock.now(), None)
        held = await queue.finish_transfer(gateway.database, transfer, again_at)
    return outcome if held else LOST


class _Owned(Protocol):
    @property
    def application_id(self) -> UUID: ...


_OwnedItem = TypeVar("_OwnedItem", bound=_Owned)


def _acting(
    handle: Callable[[Gateway, _OwnedItem], Awaitable[str]],
) -> Callable[[Gateway, _OwnedItem], Awaitable[str]]:
    """``handle``, acting for the application whose piece of work it is."""

    async def act(gateway: Gateway, item: _OwnedItem) -> str:
        with acting_for(item.application_id):
            return await handle(gateway, item)

    return act


_MoneyOut = TypeVar("_MoneyOut", Refund, Transfer)


def _of_its_request(
    kind: Queue, handle: Callable[[Gateway, _MoneyOut], Awaitable[str]]
) -> Callable[[Gateway, _MoneyOut], Awaitable[str]]:
    """``handle``, its lines and events in the name of the request that began the piece of work."""

    async def go_on(gateway: Gateway, item: _MoneyOut) -> str:
        REQUEST_ID.set(await queue.request_of(gateway.database, kind, item))
        return await handle(gateway, item)

    return _acting(go_on)


#: Every kind of work, with how many pieces one worker holds at once.
ALL_WORK: tuple[Work[Any], ...] = (
    Work(Queue.NOTICES, 16, _claimed(queue.claim_notices), handle_notice),
    Work(Queue.CHECKS, 32, _claimed(queue.claim_checks), _acting(check_attempt)),
    Work(Queue.EXPIRIES, 8, _claimed(queue.claim_expiries), _acting(expire)),
    Work(Queue.RELEASES, 8, _claimed(queue.claim_releases), _acting(release)),
    Work(
        Queue.REFUNDS,
        8,
        _claimed(queue.claim_refunds),
        _of_its_request(Queue.REFUNDS, check_refund),
    ),
    Work(
        Queue.TRANSFERS,
        32,
        _claimed(queue.claim_transfers),
        _of_its_request(Queue.TRANSFERS, check_transfer),
    ),
    Work(Queue.RECONCILIATIONS, 2, _claimed(queue.claim_reconciliations), reconcile),
    Work(Queue.DELIVERIES, 64, _claimed(queue.claim_deliveries), _acting(deliver)),
)
