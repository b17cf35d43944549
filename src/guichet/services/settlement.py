"""The one function that moves money state, and the group commit around it.

``record_outcome`` takes what a rail reported of an attempt; attempt, payment, ledger, events and
deliveries are moved together or not at all. Outcomes that arrive together share a transaction, in
which each is applied in turn to the rows as the former one left them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from guichet.domain import attempts as attempt_rules
from guichet.domain import payments as payment_rules
from guichet.domain.attempts import Attempt
from guichet.domain.errors import NotFound
from guichet.domain.events import (
    BALANCE_AVAILABLE,
    PAYMENT_CANCELLED,
    PAYMENT_COMPLETED,
    PAYMENT_EXPIRED,
    PAYMENT_FAILED,
    PAYMENT_PARTIALLY_REVERSED,
    PAYMENT_REVERSED,
    REFUND_COMPLETED,
    REFUND_FAILED,
    Event,
)
from guichet.domain.ids import new_ids
from guichet.domain.outcomes import Outcome
from guichet.domain.payments import Fact, Payment, Released, Reversed
from guichet.domain.refunds import EVENT_OF_STATUS as EVENT_OF_REFUND
from guichet.domain.refunds import Refund
from guichet.failpoints import reach
from guichet.gateway import Gateway
from guichet.ledger import rules
from guichet.store import attempts as store
from guichet.store import refunds as refund_store
from guichet.store import scope
from guichet.store.attempts import NewDelivery
from guichet.store.batcher import Batcher
from guichet.store.database import Connection

#: The events of which a payment's ``notify_url`` is told: everything a merchant can act on.
ANNOUNCED = frozenset(
    {
        PAYMENT_COMPLETED,
        PAYMENT_FAILED,
        PAYMENT_CANCELLED,
        PAYMENT_EXPIRED,
        PAYMENT_REVERSED,
        PAYMENT_PARTIALLY_REVERSED,
        REFUND_COMPLETED,
        REFUND_FAILED,
    }
)


class Report(NamedTuple):
    """An outcome of an attempt, with the rail's memory already sealed.

    ``acting`` are the applications that its reporter acts for: the batch acts for no others.
    """

    attempt_id: UUID
    outcome: Outcome
    memory: bytes | None
    acting: frozenset[UUID]


class Move(NamedTuple):
    """A payment before and after one step, what the books record of it, and by which attempt.

    ``refund`` is the one it belongs to, if any; ``refund_moved`` says that its status changed.
    """

    before: Payment
    after: Payment
    attempt: Attempt | None
    facts: tuple[Fact, ...]
    late: bool = False
    refund: Refund | None = None
    refund_moved: bool = False


class Recorder:
    """Records outcomes for one process: one writer, as many outcomes a commit as have gathered."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.batcher: Batcher[Report, Attempt] = Batcher(
            self._record, writers=1, limit=gateway.settings.queue_limit
        )

    async def record(self, attempt_id: UUID, outcome: Outcome) -> Attempt:
        """Apply ``outcome``; returns the attempt after it, once committed. Raises ``NotFound``."""
        memory = None
        if outcome.memory is not None:
            memory = self._gateway.vault.seal(json.dumps(outcome.memory).encode())
        return await self.batcher.submit(Report(attempt_id, outcome, memory, scope.acting()))

    @property
    def longest_wait_seconds(self) -> float:
        """How long the report that came first has been waiting."""
        return self.batcher.longest_wait_seconds

    async def drain(self) -> None:
        """Wait until everything under way is recorded."""
        await self.batcher.drain()

    async def _record(self, reports: Sequence[Report]) -> list[Attempt | Exception]:
        now = self._gateway.clock.now()
        reporters = frozenset[UUID]().union(*(report.acting for report in reports))
        with scope.acting_for(*reporters):
            return await self._record_together(reports, now)

    async def _record_together(
        self, reports: Sequence[Report], now: datetime
    ) -> list[Attempt | Exception]:
        async with self._gateway.database.transaction() as tx:
            rows = await store.lock_many(tx, (report.attempt_id for report in reports))
            reach("outcome.locked")
            payments = {row.payment.id: row.payment for row in rows}
            attempts = {row.attempt.id: row.attempt for row in rows}
            answers: list[Attempt | Exception] = []
            moves = []
            for report in reports:
                if report.attempt_id not in attempts:
                    answers.append(NotFound("attempt", str(report.attempt_id)))
                    continue
                move = self._decide(payments, attempts[report.attempt_id], report, now)
                payments[move.after.id] = move.after
                assert move.attempt is not None
                attempts[move.attempt.id] = move.attempt
                moves.append(move)
                answers.append(move.attempt)
            await write_moves(self._gateway, tx, moves, now)
            reach("outcome.uncommitted")
        reach("outcome.committed")
        return answers

    def _decide(
        self, payments: dict[UUID, Payment], attempt: Attempt, report: Report, now: datetime
    ) -> Move:
        payment = payments[attempt.payment_id]
        after = attempt_rules.apply(attempt, report.outcome, now)
        if report.memory is not None and after is not attempt:
            after = after._replace(memory=report.memory)
        delay = self._gateway.access.settlement_delay(payment.application_id)
        step = payment_rules.follow(payment, attempt, after, delay, now)
        return Move(payment, step.payment, step.attempt, step.facts, step.late)


async def record_outcome(gateway: Gateway, attempt_id: UUID, outcome: Outcome) -> Attempt:
    """The only way in for what a rail reports; see ``Recorder.record``."""
    return await gateway.recorder.record(attempt_id, outcome)


async def write_moves(
    gateway: Gateway, tx: Connection, moves: Sequence[Move], now: datetime
) -> None:
    """Write what the moves changed: rows, ledger, events and deliveries. The rows are locked."""
    before = {move.before.id: move.before for move in reversed(moves)}
    payments = {move.after.id: move.after for move in moves}
    attempts = {move.attempt.id: move.attempt for move in moves if move.attempt}
    changed = [payment for id_, payment in payments.items() if payment is not before[id_]]
    await store.update(tx, changed, list(attempts.values()))
    await refund_store.update(tx, [move.refund for move in moves if move.refund])
    await _book(gateway, tx, moves, now)
    await _announce(tx, moves, now)


async def _book(gateway: Gateway, tx: Connection, moves: Iterable[Move], now: datetime) -> None:
    facts = [(_by_its_rail(move), move.attempt, fact) for move in moves for fact in move.facts]
    if not facts:
        return
    keys = [key for payment, _, fact in facts for key in rules.accounts_of(payment, fact)]
    book = await gateway.journal.open(tx, keys)
    for payment, attempt, fact in facts:
        for entry in rules.entries(payment, attempt, fact, book.balance_of, now):
            book.post(entry)
    await book.write(tx)


def _by_its_rail(move: Move) -> Payment:
    """The payment as the books see it: its money lies at the rail that moves it."""
    mover = move.attempt or move.refund
    if mover is None or mover.rail == move.after.rail:
        return move.after
    return move.after._replace(rail=mover.rail)


async def _announce(tx: Connection, moves: Sequence[Move], now: datetime) -> None:
    events: list[Event] = []
    deliveries: list[NewDelivery] = []
    ids = iter(new_ids(now, 2 * len(moves)))
    for move in moves:
        event = _event(move, next(ids), now)
        if event is None:
            continue
        events.append(event)
        url = move.after.notify_url
        if url and event.type in ANNOUNCED:
            deliveries.append(NewDelivery(next(ids), event.id, event.application_id, url, now))
    await store.tell(tx, events, deliveries)


def _event(move: Move, event_id: UUID, now: datetime) -> Event | None:
    payment, former = move.after, move.before
    subject_type, subject_id = "payment", payment.id
    if payment.status != former.status:
        type_ = payment_rules.EVENT_OF_STATUS[payment.status]
    elif any(isinstance(fact, Released) for fact in move.facts):
        type_ = BALANCE_AVAILABLE
    elif any(isinstance(fact, Reversed) for fact in move.facts):
        type_ = PAYMENT_PARTIALLY_REVERSED
    elif move.refund is not None and move.refund_moved and move.refund.status in EVENT_OF_REFUND:
        # Version and status are those of its payment, which Neopay tells of.
        type_ = EVENT_OF_REFUND[move.refund.status]
        subject_type, subject_id = "refund", move.refund.id
    else:
        return None
    return Event(
        id=event_id,
        application_id=payment.application_id,
        type=type_,
        subject_type=subject_type,
        subject_id=subject_id,
        version=payment.version,
        status=payment.status,
        previous_status=former.status,
        reason=payment.reason,
        late=move.late,
        occurred_at=now,
    )
