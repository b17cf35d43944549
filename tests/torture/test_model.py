"""Random walks over the services on a real database, step by step against a model in memory."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TypeVar
from uuid import UUID

import asyncpg
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from conftest import DatabaseUrls
from gateways import APPLICATION_ID, OTHER_APPLICATION_ID, caller_of, running_gateway
from guichet.domain.clock import MovableClock
from guichet.domain.errors import NotPayable, RequestKeyReused
from guichet.domain.money import Money
from guichet.domain.outcomes import Done, Outcome, Reason, Refused, TakenBack, Unknown, Waiting
from guichet.domain.payments import Payment
from guichet.gateway import Gateway
from guichet.rails.registry import Registry
from guichet.services.checkout import start_attempt
from guichet.services.closing import expire_payment, release_payment
from guichet.services.payments import create_payment
from guichet.services.settlement import record_outcome
from guichet.store.audit import findings
from orders import order
from torture.steps import Do, walk
from worker.parts import ScriptedRail

Answer = TypeVar("Answer")

#: How many walks, and how long each: more before a release (docs/reliability.md).
RUNS = int(os.environ.get("MODEL_RUNS", "500"))
STEPS = int(os.environ.get("MODEL_STEPS", "50"))
#: So many processes may share them.
_PARTS = 10

_OPEN = ("pending", "processing")
_LATER = timedelta(days=2)  # beyond the lifetime of a payment, and the delay of a release


@dataclass
class Try:
    """An attempt as the model knows it."""

    id: UUID
    status: str = "waiting"
    received: int = 0
    placed: int = 0
    returned: int = 0


@dataclass
class Model:
    """A payment as the model knows it; amounts in minor units."""

    id: UUID
    key: str
    application_id: UUID
    amount: int
    #: Whether there is something to be released some time after it was paid.
    is_delayed: bool
    status: str = "pending"
    is_short: bool = False
    is_old: bool = False
    is_released: bool = True
    release_is_due: bool = False
    ever_completed: bool = False
    tries: list[Try] = field(default_factory=list)

    def become(self, status: str) -> None:
        self.status, self.is_short = status, False

    def report(self, attempt: Try, outcome: Outcome) -> None:
        is_open = attempt.status in ("waiting", "unknown")
        match outcome:
            case Waiting() | Unknown() if is_open:
                attempt.status = "waiting" if isinstance(outcome, Waiting) else "unknown"
                if self.status == "pending":
                    self.become("processing")
            case Refused(reason=reason) if is_open:
                lapsed = reason is Reason.TIMED_OUT
                attempt.status = "lapsed" if lapsed else "refused"
                if self.status in _OPEN:
                    retry = reason is Reason.NOT_STARTED
                    self.become("expired" if lapsed else "pending" if retry else "failed")
            case Done(received=money) if attempt.status not in ("done", "reversed"):
                attempt.status, attempt.received = "done", money.minor
                if money.minor < self.amount:
                    if self.status in _OPEN:
                        self.become("processing")
                        self.is_short = True
                elif self.status not in ("completed", "reversed"):
                    attempt.placed = self.amount
                    self.become("completed")
                    self.ever_completed = True
                    self.is_released = not self.is_delayed
            case Done(received=money):
                attempt.received = max(attempt.received, money.minor)
            case TakenBack() if attempt.received > attempt.returned:
                is_first = attempt.status == "done"
                attempt.status, attempt.returned = "reversed", attempt.received
                if attempt.placed and is_first:
                    self.become("reversed")
                    self.is_released = True
                elif self.is_short and self.status in _OPEN:
                    self.become("failed")


AMOUNTS = st.integers(1, 99_999_999)
_WORDS = ("waiting", "unknown", "paid", "short", "over")
_WORDS_OF_NO = ("declined", "not started", "timed out", "taken back")
#: Of which attempt, and what.
REPORTS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(_WORDS + _WORDS_OF_NO)), min_size=1, max_size=4
)


class Walk(RuleBasedStateMachine):
    """One walk; all walks share the gateway and its database."""

    def __init__(self, do: Do, gateway: Gateway, clock: MovableClock) -> None:
        super().__init__()
        self._do, self._gateway, self._clock = do, gateway, clock
        self._payments: list[Model] = []

    def _pick(self, number: int, wanted: Callable[[Model], bool] = lambda _: True) -> Model:
        """One of those that are wanted, if there are any: walks by chance alone seldom arrive."""
        choice = [payment for payment in self._payments if wanted(payment)] or self._payments
        return choice[number % len(choice)]

    @initialize(minor=AMOUNTS, other=st.booleans())
    def begin(self, minor: int, other: bool) -> None:
        self.create(minor, other, reports=[(0, "paid")])

    @rule(minor=AMOUNTS, other=st.booleans(), reports=st.none() | REPORTS)
    def create(self, minor: int, other: bool, reports: list[tuple[int, str]] | None) -> None:
        application_id = OTHER_APPLICATION_ID if other else APPLICATION_ID
        key = f"{id(self)} {len(self._payments)} {self._clock.now().timestamp()}"
        made = self._do(self._create(application_id, key, minor))
        is_delayed = other and made.fee_minor < minor
        self._payments.append(Model(made.id, key, application_id, minor, is_delayed))
        if reports is not None:
            self.start(-1)
            self._report(self._payments[-1], reports)

    async def _create(self, application_id: UUID, key: str, minor: int) -> Payment:
        caller = caller_of(self._gateway, application_id)
        new = order(minor=minor, request_key=key, request_hash=str(minor).encode())
        return (await create_payment(self._gateway, caller, new)).payment

    @precondition(lambda self: self._payments)
    @rule(number=st.integers(0, 9), same=st.booleans())
    def repeat(self, number: int, same: bool) -> None:
        payment = self._pick(number)
        again = (payment.application_id, payment.key, payment.amount + (not same))
        if same:
            assert self._do(self._create(*again)).id == payment.id
        else:
            with pytest.raises(RequestKeyReused):
                self._do(self._create(*again))

    @precondition(lambda self: self._payments)
    @rule(number=st.integers(0, 9))
    def start(self, number: int) -> None:
        payment = self._pick(number)
        token = self._gateway.vault.token("checkout", payment.id.bytes)
        call = start_attempt(self._gateway, payment.id, token, None)
        under_way = bool(payment.tries) and payment.tries[-1].status in ("waiting", "unknown")
        if payment.status not in _OPEN or payment.is_short or (payment.is_old and not under_way):
            with pytest.raises(NotPayable):
                self._do(call)
            return
        attempt = self._do(call).attempt
        assert attempt is not None
        if under_way:
            assert attempt.id == payment.tries[-1].id
        else:
            assert attempt.id not in [each.id for each in payment.tries]
            payment.tries.append(Try(attempt.id))
            payment.become("processing")

    @precondition(lambda self: any(payment.tries for payment in self._payments))
    @rule(number=st.integers(0, 9), reports=REPORTS)
    def report(self, number: int, reports: list[tuple[int, str]]) -> None:
        """The rail reports on attempts of one payment, old ones too."""
        started = [payment for payment in self._payments if payment.tries]
        self._report(started[number % len(started)], reports)

    def _report(self, payment: Model, reports: list[tuple[int, str]]) -> None:
        for which, word in reports:
            attempt = payment.tries[which % len(payment.tries)]
            outcome = _outcome(word, payment.amount)
            self._do(record_outcome(self._gateway, attempt.id, outcome))
            payment.report(attempt, outcome)

    def _let_time_pass(self) -> None:
        self._clock.move(_LATER)
        for payment in self._payments:
            payment.is_old = True
            payment.release_is_due = not payment.is_released

    @precondition(lambda self: self._payments)
    @rule(number=st.integers(0, 9), later=st.booleans())
    def expire(self, number: int, later: bool) -> None:
        if later:
            self._let_time_pass()
        payment = self._pick(number, lambda one: one.status in _OPEN)
        self._do(expire_payment(self._gateway, payment.id))
        if not payment.is_old or payment.status not in _OPEN or payment.is_short:
            return
        last = payment.tries[-1] if payment.tries else None
        if last is not None and last.status == "unknown":
            return
        if last is not None and last.status == "waiting":
            last.status = "lapsed"
        payment.become("expired")

    @precondition(lambda self: self._payments)
    @rule(number=st.integers(0, 9), later=st.booleans())
    def release(self, number: int, later: bool) -> None:
        if later:
            self._let_time_pass()
        payment = self._pick(number, lambda one: not one.is_released)
        self._do(release_payment(self._gateway, payment.id))
        if payment.release_is_due and payment.status == "completed":
            payment.is_released = True
            payment.release_is_due = False

    @invariant()
    def agrees(self) -> None:
        if self._payments:
            self._do(self._compare())

    async def _compare(self) -> None:
        ids = [payment.id for payment in self._payments]
        async with self._gateway.database.connection() as connection:
            rows = await connection.fetch(
                "SELECT id, status, amount_minor, unreleased_minor > 0 AS waits FROM payments"
                " WHERE id = ANY($1::uuid[])",
                ids,
            )
            tries = await connection.fetch(
                "SELECT id, status, received_minor, placed_minor FROM attempts"
                " WHERE payment_id = ANY($1::uuid[])",
                ids,
            )
        ours = {row["id"]: (row["status"], row["amount_minor"], row["waits"]) for row in rows}
        assert ours == {
            each.id: (each.status, each.amount, not each.is_released) for each in self._payments
        }
        assert {tuple(row) for row in tries} == {
            (attempt.id, attempt.status, attempt.received, attempt.placed)
            for payment in self._payments
            for attempt in payment.tries
        }

    def teardown(self) -> None:
        self._do(self._close())

    async def _close(self) -> None:
        async with self._gateway.database.connection() as connection:
            assert await findings(connection) == []
            rows = await connection.fetch(
                "SELECT p.id, (SELECT count(*) FROM ledger_entries e WHERE e.subject_id = p.id"
                " AND e.event = 'payment.completed') AS entries, (SELECT count(*) FROM events e"
                " WHERE e.subject_id = p.id AND e.status = 'completed'"
                " AND e.previous_status <> 'completed') AS events"
                " FROM payments p WHERE id = ANY($1::uuid[])",
                [payment.id for payment in self._payments],
            )
        once = {payment.id: int(payment.ever_completed) for payment in self._payments}
        assert {row["id"]: row["entries"] for row in rows} == once
        assert {row["id"]: row["events"] for row in rows} == once


def _outcome(word: str, minor: int) -> Outcome:
    outcomes: dict[str, Outcome] = {
        "waiting": Waiting(),
        "unknown": Unknown(detail="no answer"),
        "paid": Done(received=Money(minor, "GBP")),
        "short": Done(received=Money(minor - 1, "GBP")) if minor > 1 else Waiting(),
        "over": Done(received=Money(minor + 1, "GBP")),
        "declined": Refused(reason=Reason.DECLINED),
        "not started": Refused(reason=Reason.NOT_STARTED),
        "timed out": Refused(reason=Reason.TIMED_OUT),
        "taken back": TakenBack(code="FOCR"),
    }
    return outcomes[word]


@pytest.mark.parametrize("part", range(_PARTS))
def test_services_and_model_agree_on_every_walk(seeded: DatabaseUrls, part: int) -> None:
    clock = MovableClock()

    async def delay_releases() -> None:
        owner = await asyncpg.connect(seeded.owner_url)
        await owner.execute(
            "UPDATE applications SET settlement_delay_hours = 24 WHERE id = $1",
            OTHER_APPLICATION_ID,
        )
        await owner.close()

    do = Do()
    try:
        do(delay_releases())
        opened = running_gateway(seeded.serving_url, clock=clock)
        gateway = do(_entered(opened))
        try:
            walk(partial(Walk, do, gateway, clock), RUNS // _PARTS, STEPS, part)
        finally:
            do(_left(opened))
    finally:
        do.close()


async def _entered(opened: AbstractAsyncContextManager[Gateway]) -> Gateway:
    gateway = await opened.__aenter__()
    gateway.rails = Registry({("open_banking", "sandbox"): ScriptedRail()})
    return gateway


async def _left(opened: AbstractAsyncContextManager[Gateway]) -> None:
    await opened.__aexit__(None, None, None)
