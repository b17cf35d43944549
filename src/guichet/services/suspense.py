"""Money in suspense: a person says what it is for, or that it was given back.

Nothing else takes money out of suspense but its rail, which may take it back.
"""

from __future__ import annotations

from uuid import UUID

from guichet.domain import attempts as attempt_rules
from guichet.domain import payments as payment_rules
from guichet.domain.attempts import Attempt
from guichet.domain.errors import Invalid, NotFound
from guichet.domain.money import Money
from guichet.domain.outcomes import TakenBack
from guichet.domain.payments import Payment
from guichet.gateway import Gateway
from guichet.services.settlement import Move, write_moves
from guichet.store import attempts as store
from guichet.store.database import Connection
from guichet.store.suspense import Unplaced, unplaced

__all__ = ["Unplaced", "assign_suspense", "list_suspense", "return_suspense"]


async def list_suspense(gateway: Gateway, application_id: UUID | None) -> list[Unplaced]:
    """What lies in suspense, of one application or of all, oldest first."""
    async with gateway.database.connection() as connection:
        return await unplaced(connection, application_id)


async def assign_suspense(gateway: Gateway, attempt_id: UUID) -> Payment:
    """Complete the payment of an attempt with the money that the attempt has in suspense.

    What is more than the payment's amount stays there. Raises ``NotFound``, ``NotPayable`` for a
    payment that is paid, ``Invalid`` for money of another currency (``currency``) or too little
    of it (``amount``), and ``Halted``.
    """
    gateway.access.refuse_when_halted()
    now = gateway.clock.now()
    async with gateway.database.transaction() as tx:
        payment, attempt = await _locked(tx, attempt_id)
        delay = gateway.access.settlement_delay(payment.application_id)
        step = payment_rules.place(payment, attempt, delay, now)
        move = Move(payment, step.payment, step.attempt, step.facts, step.late)
        await write_moves(gateway, tx, [move], now)
    return step.payment


async def return_suspense(gateway: Gateway, attempt_id: UUID, minor: int | None = None) -> Money:
    """Record that money in suspense was given back through its rail, by hand; all of it unless
    ``minor`` says how much. A payment of which nothing is left so fails.

    When the rail tells of the same money later, nothing changes. Raises ``NotFound`` and
    ``Invalid`` (``amount``) for more than there is.
    """
    now = gateway.clock.now()
    async with gateway.database.transaction() as tx:
        payment, attempt = await _locked(tx, attempt_id)
        there_minor = payment_rules.unplaced_minor(payment, attempt)
        returned_minor = there_minor if minor is None else minor
        if attempt.received_currency is None or not 0 < returned_minor <= there_minor:
            raise Invalid("amount", "range")
        total = Money(attempt.returned_minor + returned_minor, attempt.received_currency)
        after = attempt_rules.apply(attempt, TakenBack(returned=total), now)
        delay = gateway.access.settlement_delay(payment.application_id)
        step = payment_rules.follow(payment, attempt, after, delay, now)
        move = Move(payment, step.payment, step.attempt, step.facts, step.late)
        await write_moves(gateway, tx, [move], now)
    return Money(returned_minor, total.currency)


async def _locked(tx: Connection, attempt_id: UUID) -> tuple[Payment, Attempt]:
    for row in await store.lock_many(tx, [attempt_id]):
        return row.payment, row.attempt
    raise NotFound("attempt", str(attempt_id))
