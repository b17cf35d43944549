"""Random histories of money in and out, sixteen at once over two gateways on one database.

Each walker does by chance what merchants, payers, rails and workers do: payments, refunds,
transfers, bulks and payouts, approvals, late, doubled and contradictory reports, releases and
expiries, each call sometimes twice at once, and old requests again. What must hold is asked in
``test_histories``.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import product
from random import Random
from typing import Any, TypeVar
from uuid import UUID

from gateways import caller_of
from guichet.domain.bulk_transfers import Mode
from guichet.domain.clock import MovableClock
from guichet.domain.errors import (
    DuplicateReference,
    InsufficientFunds,
    NotCancellable,
    NotRefundable,
    RequestInProgress,
)
from guichet.domain.money import Money
from guichet.domain.outcomes import Done, Outcome, Reason, Refused, TakenBack, Unknown, Waiting
from guichet.domain.payments import NewPayment, Payment
from guichet.domain.refunds import Refund
from guichet.domain.transfers import Transfer
from guichet.gateway import Gateway
from guichet.services.bulk_transfers import Bulk, create_bulk
from guichet.services.refunds import create_refund
from guichet.services.settlement import record_outcome
from guichet.services.transfers import (
    approve_transfer,
    cancel_transfer,
    create_transfer,
    record_transfer,
    refuse_transfer,
)
from guichet.store import attempts, queue
from guichet.store.audit import findings
from guichet.worker import tasks
from services.charging import charge, create
from services.sending import bulk_of, wanted
from torture.fickle import Collected, FicklePsp

WALKERS = 16

Item = TypeVar("Item")
#: What merchants are refused; everything else that is raised is a surprise.
_PLANNED = (
    DuplicateReference,
    InsufficientFunds,
    NotCancellable,
    NotRefundable,
    RequestInProgress,
)


@dataclass
class World:
    """What the walkers share, and what they saw."""

    gateways: Sequence[Gateway]
    psp: FicklePsp
    clock: MovableClock
    applications: Sequence[UUID]
    transfers: list[Transfer] = field(default_factory=list)
    did: Counter[str] = field(default_factory=Counter)
    surprises: list[BaseException] = field(default_factory=list)
    #: What the audit found on the way.
    found: list[str] = field(default_factory=list)
    #: Requests that were answered, by what they made: each may be sent again.
    answered: list[tuple[UUID, Callable[[Gateway], Awaitable[Any]]]] = field(default_factory=list)
    #: Calls that were made twice, at once or later, and came to two different things.
    doubled: list[tuple[Any, ...]] = field(default_factory=list)

    @property
    def collected(self) -> list[Collected]:
        return list(self.psp.collected.values())

    async def attempt(self, *calls: Awaitable[Any]) -> list[Any]:
        """Make the calls at once; what they answered, refusals left out."""
        answers = await asyncio.gather(*calls, return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, _PLANNED):
                self.surprises.append(answer)
        return [answer for answer in answers if not isinstance(answer, BaseException)]


class Walker:
    """One of those who do things by chance."""

    def __init__(self, world: World, chance: Random) -> None:
        self._world = world
        self._chance = chance
        self._made = 0

    async def walk(self, steps: int) -> None:
        actions: dict[Callable[[], Awaitable[None]], int] = {
            self.pay: 30,
            self.report: 40,
            self.refund: 15,
            self.send: 15,
            self.send_many: 5,
            self.replay: 8,
            self.decide: 8,
            self.come_back: 4,
            self.work: 10,
            self.audit: 2,
        }
        for _ in range(steps):
            (act,) = self._chance.choices(list(actions), list(actions.values()))
            self._world.did[act.__name__] += 1
            await act()

    def _gateway(self) -> Gateway:
        return self._chance.choice(self._world.gateways)

    def _gateways(self) -> Sequence[Gateway]:
        """One or, for what is done twice at once, two."""
        return self._world.gateways if self._chance.random() < 0.3 else [self._gateway()]

    def _one_of(self, items: Sequence[Item]) -> Item | None:
        return self._chance.choice(items) if items else None

    def _key(self) -> str:
        self._made += 1
        return f"{id(self)} {self._made}"

    async def pay(self) -> None:
        """A new payment; most are paid at once."""
        application = self._chance.choice(self._world.applications)
        currency, most = self._chance.choice((("GBP", 20_000), ("XAF", 500_000)))
        new = charge(self._key(), currency=currency, minor=self._chance.randint(1, most))
        views = await self._world.attempt(
            *(create(gateway, new, application) for gateway in self._gateways())
        )
        ids = {view.payment.id for view in views}
        if len(ids) != 1:
            self._world.doubled.append(("payment", *ids))
            return
        (payment_id,) = ids
        self._world.answered.append((payment_id, lambda one: _paid(one, new, application)))
        async with self._gateway().database.connection() as connection:
            attempt = await attempts.latest(connection, payment_id)
        if attempt is None:
            return  # a worker's clock jumped, and the payment was too old to begin
        paid_in = "EUR" if len(self._world.collected) % 12 == 0 else currency
        made = Collected(attempt.payment_id, attempt.id, application, new.money, paid_in)
        self._world.psp.collected[attempt.id] = made
        if self._chance.random() < 0.7:
            made.received_minor = new.money.minor
            await self._report(made, made.paid)

    async def report(self) -> None:
        """Something happens at the rail, or nothing; it tells what is, what was, or nonsense."""
        order = self._one_of(self._world.collected)
        if order is None:
            return
        before = order.ordered.minor
        match self._chance.choice(("more", "less", "back", "back", "all back", "old", "no")):
            case "more":
                order.received_minor = max(order.received_minor, before) + self._chance.choice(
                    (0, 0, 0, 1, before)
                )
            case "less" if not order.received_minor:
                order.received_minor = self._chance.randint(1, before)
            case "back" if order.received_minor > order.returned_minor:
                order.returned_minor = self._chance.randint(
                    order.returned_minor + 1, order.received_minor
                )
            case "all back":
                order.returned_minor = order.received_minor
            case "old" if order.told:
                await self._report(order, self._chance.choice(order.told))
                return
            case "no" if not order.received_minor:
                reason = self._chance.choice((Reason.DECLINED, Reason.TIMED_OUT))
                word = self._chance.choice(
                    (Waiting(), Unknown(detail="no answer"), Refused(reason=reason))
                )
                await self._report(order, word)
                return
        await self._report(order, order.outcome)

    async def _report(self, order: Collected, outcome: Outcome) -> None:
        if isinstance(outcome, Done | TakenBack):
            order.told.append(outcome)
        await self._world.attempt(
            *(record_outcome(gateway, order.attempt_id, outcome) for gateway in self._gateways())
        )

    async def refund(self) -> None:
        order = self._one_of(self._world.collected)
        if order is None:
            return
        minor = self._chance.choice((None, self._chance.randint(1, order.ordered.minor)))
        given: tuple[Any, ...] = (order.application_id, order.payment_id, minor)
        given += (self._key(), b"hash")
        made: list[Refund] = await self._world.attempt(
            *(create_refund(gateway, *given) for gateway in self._gateways())
        )
        if len({each.id for each in made}) > 1:
            self._world.doubled.append(("refund", *made))
        elif made:
            self._world.answered.append((made[0].id, lambda one: create_refund(one, *given)))

    async def send(self) -> None:
        """A transfer or a payout, of which some wait for a second person."""
        gateway = self._gateway()
        caller = caller_of(gateway, self._chance.choice(self._world.applications))
        application = replace(caller.application, approves_transfers=self._chance.random() < 0.3)
        currency = self._chance.choice(("GBP", "XAF"))
        minor = self._chance.choice(
            (
                await available(self._gateway(), application.id, currency),
                self._chance.randint(1, 20_000),
            )
        )
        new = wanted(
            money=Money(minor or 1, currency),
            reference=self._key(),
            purpose=self._chance.choice(("transfer", "transfer", "payout")),
        )
        made: list[Transfer] = await self._world.attempt(
            *(create_transfer(each, application, new) for each in self._gateways())
        )
        if len(made) > 1:
            self._world.doubled.append(("transfer", *made))
        self._world.transfers += made

    async def send_many(self) -> None:
        """A bulk; what is asked twice at once is one if all of it must go or nothing."""
        application = caller_of(
            self._gateway(), self._chance.choice(self._world.applications)
        ).application
        rows = [
            wanted(money=Money(self._chance.randint(1, 9_000), "GBP"), reference=self._key())
            for _ in range(self._chance.randint(1, 5))
        ]
        mode = self._chance.choice(list(Mode))
        new = bulk_of(*rows, mode=mode)
        made: list[Bulk] = await self._world.attempt(
            *(create_bulk(gateway, application, new) for gateway in self._gateways())
        )
        kept = [bulk for bulk in made if bulk.is_kept]
        if mode is Mode.ALL_OR_NOTHING and len({bulk.head.id for bulk in kept}) > 1:
            self._world.doubled.append(("bulk", *kept))
        found = {transfer.id: transfer for bulk in kept for transfer in bulk.transfers}
        self._world.transfers += found.values()

    async def replay(self) -> None:
        """A request that was answered before is sent again, whatever happened since."""
        former = self._one_of(self._world.answered)
        if former is None:
            return
        made_id, again = former
        answers = await self._world.attempt(*(again(gateway) for gateway in self._gateways()))
        if any(answer.id != made_id for answer in answers):
            self._world.doubled.append(("replay", made_id, *answers))

    async def decide(self) -> None:
        """Checkers and makers decide about one transfer, all at once."""
        waiting = [each for each in self._world.transfers if each.approval == "wanted"]
        transfer = self._one_of(waiting)
        if transfer is None:
            return
        application = caller_of(self._gateway(), transfer.application_id).application
        decisions = self._chance.sample((approve_transfer, cancel_transfer, refuse_transfer), 2)
        decided = await self._world.attempt(
            *(decide(self._gateway(), application, transfer.id) for decide in decisions)
        )
        if len(decided) > 1:
            self._world.doubled.append(("decision", *decided))

    async def come_back(self) -> None:
        """Money that had arrived comes back, and that is told again and again."""
        book = self._world.psp.sent
        arrived = [each for each in self._world.transfers if each.key in book]
        transfer = self._one_of(arrived)
        if transfer is None:
            return
        self._world.psp.come_back.setdefault(transfer.key, book[transfer.key])
        await self._world.attempt(
            *(record_transfer(each, transfer.id, TakenBack()) for each in self._gateways())
        )

    async def work(self) -> None:
        """A worker makes its round, some time later."""
        self._world.clock.move(timedelta(minutes=self._chance.choice((1, 30, 600))))
        await round_of_work(self._world, self._gateway(), limit=8)

    async def audit(self) -> None:
        async with self._gateway().database.connection() as connection:
            self._world.found += [f"{found}" for found in await findings(connection)]


async def _paid(gateway: Gateway, new: NewPayment, application_id: UUID) -> Payment:
    return (await create(gateway, new, application_id)).payment


async def round_of_work(world: World, gateway: Gateway, limit: int) -> int:
    """What is due is done, in part; how much that was, looks at what payers may never pay aside."""
    now, lease_seconds = gateway.clock.now(), gateway.settings.lease_seconds
    done = 0
    for claim, handle in (
        (queue.claim_checks, tasks.check_attempt),
        (queue.claim_expiries, tasks.expire),
        (queue.claim_refunds, tasks.check_refund),
        (queue.claim_transfers, tasks.check_transfer),
        (queue.claim_releases, tasks.release),
    ):
        due: Sequence[Any] = await claim(gateway.database, now, limit, lease_seconds)
        await world.attempt(*(handle(gateway, each) for each in due))
        done += 0 if handle in (tasks.check_attempt, tasks.expire) else len(due)
    return done


async def settle(world: World) -> None:
    """Everything comes to its end: the rail tells all it knows, workers finish what is open. Then
    merchants send away what they have, and the rail takes back some of what they were paid.
    """
    world.psp.is_kind = True
    gateway = world.gateways[0]
    await tell_all(world)
    for transfer in world.transfers:
        application = caller_of(gateway, transfer.application_id).application
        if transfer.approval == "wanted":
            await world.attempt(approve_transfer(gateway, application, transfer.id))
    await finish(world)
    purposes = ("transfer", "payout")
    for application_id, currency, purpose in product(world.applications, ("GBP", "XAF"), purposes):
        application = caller_of(gateway, application_id).application
        minor = await available(gateway, application_id, currency) * 9 // 10  # there is a fee
        if minor:
            new = wanted(money=Money(minor, currency), purpose=purpose)
            await world.attempt(create_transfer(gateway, application, new))
    for order in world.collected[::6]:
        order.returned_minor = order.received_minor
    await tell_all(world)
    await finish(world)


async def tell_all(world: World) -> None:
    """The rail repeats all that happened."""
    gateway = world.gateways[0]
    for order in world.collected:
        if order.received_minor:
            await record_outcome(gateway, order.attempt_id, order.paid)
        if order.returned_minor:
            await record_outcome(gateway, order.attempt_id, order.outcome)


async def finish(world: World) -> None:
    """Workers do all there is, however long it waits; then the rail repeats what came back."""
    for _ in range(20):
        world.clock.move(timedelta(days=1))
        if not await round_of_work(world, world.gateways[0], limit=1000):
            break
    for transfer in world.transfers:
        if transfer.key in world.psp.come_back:
            await record_transfer(world.gateways[0], transfer.id, TakenBack())


async def available(gateway: Gateway, application_id: UUID, currency: str) -> int:
    """What the application can spend."""
    async with gateway.database.connection() as connection:
        minor: int | None = await connection.fetchval(
            "SELECT balance_minor FROM ledger_accounts WHERE application_id = $1"
            " AND currency = $2 AND code = 'merchant_available'",
            *(application_id, currency),
        )
    return minor or 0


async def walk_all(world: World, seed: int, steps: int) -> None:
    """All walkers at once, each so many steps, then the end."""
    await asyncio.gather(
        *(Walker(world, Random(f"{seed} {number}")).walk(steps) for number in range(WALKERS))
    )
    await settle(world)
