"""What time does to payments: expiry of the unpaid, release of the paid."""

from __future__ import annotations

from uuid import UUID

from guichet.domain import payments as rules
from guichet.domain.attempts import OPEN_ATTEMPT
from guichet.domain.outcomes import Reason
from guichet.domain.payments import OPEN_PAYMENT
from guichet.gateway import Gateway
from guichet.services.attempts import cancel_attempt
from guichet.services.settlement import Move, write_moves
from guichet.store import attempts as store


async def expire_payment(gateway: Gateway, payment_id: UUID) -> None:
    """Expire a payment whose time is over, unless its money may be under way.

    Without an open attempt it is closed at once. A waiting attempt is cancelled at the rail first;
    one whose outcome is unknown keeps the payment open. Money that came but could not be placed
    waits for a person. Raises ``RailUnavailable`` when the rail cannot be asked now.
    """
    now = gateway.clock.now()
    async with gateway.database.transaction() as tx:
        payment = await store.lock_payment(tx, payment_id)
        if payment is None or payment.status not in OPEN_PAYMENT or payment.expires_at > now:
            return
        if payment.reason_is_money:
            await store.stop_expiry(tx, payment_id)
            return
        attempt = await store.latest(tx, payment_id)
        if attempt is None or attempt.status not in OPEN_ATTEMPT:
            reason = Reason.TIMED_OUT if attempt else Reason.ABANDONED
            expired = rules.moved(payment, "expired", reason, now)
            await write_moves(gateway, tx, [Move(payment, expired, None, ())], now)
            return
        claim = None
        if attempt.status == "waiting":
            claim = await store.claim(tx, attempt.id, gateway.settings.lease_seconds)
    if claim is not None:
        await cancel_attempt(gateway, payment, attempt, claim)


async def release_payment(gateway: Gateway, payment_id: UUID) -> None:
    """Make a completed payment's money available to its merchant, if its time has come."""
    now = gateway.clock.now()
    async with gateway.database.transaction() as tx:
        payment = await store.lock_payment(tx, payment_id)
        if payment is None or payment.release_at is None or payment.release_at > now:
            return
        after, released = rules.release(payment, now)
        await write_moves(gateway, tx, [Move(payment, after, None, (released,))], now)
