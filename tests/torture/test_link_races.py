"""Payers and merchants at one payment link at the same time: what comes of it has a legal order.

Two gateways share the database, so that nothing is settled inside a single process.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from itertools import count, cycle
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from conftest import DatabaseUrls
from gateways import caller_of, running_gateway
from guichet.domain.errors import Invalid, LinkNotPayable, NotPayable
from guichet.domain.links import Link
from guichet.gateway import Gateway
from guichet.services.checkout import reserve_attempt
from guichet.services.link_payments import pay_link
from guichet.services.links import close_link, publish_link, read_link, unpublish_link
from services.selling import NONCE, form, payments_of, published

ROUNDS = 20
AT_ONCE = 30

_Turns = Iterator[Gateway]


@pytest.fixture
async def turns(seeded: DatabaseUrls) -> AsyncIterator[_Turns]:
    """The two gateways, in turn."""
    async with (
        running_gateway(seeded.serving_url) as one,
        running_gateway(seeded.serving_url) as other,
    ):
        yield cycle((one, other))


async def test_thirty_payers_of_a_link_with_room_for_one_make_one_payment(turns: _Turns) -> None:
    for _ in range(ROUNDS // 2):
        link = await published(next(turns), payments_limit=1)
        answers = await asyncio.gather(
            *(pay_link(next(turns), link.slug, form(nonce=f"{NONCE}{n}")) for n in range(AT_ONCE)),
            return_exceptions=True,
        )
        refused = [answer.state for answer in answers if isinstance(answer, LinkNotPayable)]
        assert refused == ["used_up"] * (AT_ONCE - 1)
        assert await payments_of(next(turns), link) == 1


async def test_one_form_sent_thirty_times_makes_one_payment(turns: _Turns) -> None:
    for number in range(ROUNDS // 2):
        link = await published(next(turns), payments_limit=None if number % 2 else 1)
        views = await asyncio.gather(
            *(pay_link(next(turns), link.slug, form()) for _ in range(AT_ONCE))
        )
        assert len({view.payment.id for view in views}) == 1
        assert await payments_of(next(turns), link) == 1


async def test_form_sent_with_another_bank_while_its_payment_begins_has_one_outcome(
    turns: _Turns,
) -> None:
    """Either the payment is begun and stays, or it makes way and cannot be begun."""
    for number in range(ROUNDS):
        link = await published(next(turns), payments_limit=1)
        first = (await pay_link(next(turns), link.slug, form())).payment
        calls: list[Awaitable[object]] = [
            reserve_attempt(next(turns), first.id),
            pay_link(next(turns), link.slug, form(institution_key="7")),
        ]
        if number % 2:
            calls.reverse()
        results = await asyncio.gather(*calls, return_exceptions=True)
        begun, again = reversed(results) if number % 2 else results
        replaced = isinstance(begun, NotPayable)
        assert not isinstance(again, BaseException)
        assert (again.payment.id != first.id) == replaced  # type: ignore[attr-defined]
        assert await payments_of(next(turns), link) == 1 + replaced


# --- who waits for whom --------------------------------------------------------------------------


async def _wait_for_locks(gateway: Gateway, count: int, unless: asyncio.Task[Any]) -> None:
    """Until ``count`` sessions of this database wait for a lock, or the task is done."""
    async with gateway.database.connection() as connection:
        while not unless.done():
            waiting: int = await connection.fetchval(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if waiting >= count:
                return
            await asyncio.sleep(0.005)


async def test_closing_waits_for_a_payment_that_is_being_begun(turns: _Turns) -> None:
    gateway = next(turns)
    link = await published(gateway)
    payment = (await pay_link(gateway, link.slug, form())).payment
    async with gateway.database.transaction() as tx:
        await tx.execute("SELECT FROM payments WHERE id = $1 FOR UPDATE", payment.id)
        begun = asyncio.create_task(reserve_attempt(next(turns), payment.id))
        await _wait_for_locks(next(turns), 1, begun)
        closed = asyncio.create_task(close_link(gateway, caller_of(gateway), link.id))
        await _wait_for_locks(next(turns), 2, closed)
        assert not closed.done()
    assert await begun is not None
    assert (await closed).status == "closed"


async def test_closing_waits_for_a_payment_that_is_being_made(turns: _Turns) -> None:
    gateway = next(turns)
    link = await published(gateway, customer_data="name")
    await pay_link(gateway, link.slug, form(name="Jane"))
    async with gateway.database.transaction() as tx:
        await tx.execute("SELECT FROM customers FOR UPDATE")
        again = form(name="Janet", nonce=f"{NONCE}_again")
        paid = asyncio.create_task(pay_link(next(turns), link.slug, again))
        await _wait_for_locks(next(turns), 1, paid)
        closed = asyncio.create_task(close_link(gateway, caller_of(gateway), link.id))
        await _wait_for_locks(next(turns), 2, closed)
        assert not closed.done()
    assert (await paid).payment.status == "pending"
    assert (await closed).status == "closed"


async def test_limit_that_comes_while_payers_wait_is_not_overrun(turns: _Turns) -> None:
    """They found no limit and wanted the link together; now they must be counted one by one."""
    gateway = next(turns)
    link, other = await published(gateway), await published(gateway)
    # Their connections are open: what is waited for is the lock, for two seconds at most.
    await asyncio.gather(
        *(pay_link(next(turns), other.slug, form(nonce=f"{NONCE}{n}")) for n in range(10))
    )
    async with gateway.database.transaction() as tx:
        await tx.execute("UPDATE links SET payments_limit = 1 WHERE id = $1", link.id)
        payers = [
            asyncio.create_task(pay_link(next(turns), link.slug, form(nonce=f"{NONCE}{n}")))
            for n in range(5)
        ]
        await _wait_for_locks(next(turns), len(payers), payers[0])
    answers = await asyncio.gather(*payers, return_exceptions=True)
    assert sum(isinstance(answer, LinkNotPayable) for answer in answers) == len(payers) - 1
    assert await payments_of(gateway, link) == 1


# --- one legal order -----------------------------------------------------------------------------


class State(NamedTuple):
    """A link with room for four payments, two of them made and perhaps begun, as a model."""

    status: str = "published"
    taken: int = 2
    begun: frozenset[str] = frozenset()


class Call(NamedTuple):
    """A call, and what it answered."""

    name: str
    answer: str

    def after(self, state: State) -> State | None:
        """The state after the call, if in ``state`` it answers what it did answer."""
        answer, following = _MODEL[self.name](state)
        return following if answer == self.answer else None


def _move(state: State, status: str) -> tuple[str, State]:
    if state.status == "closed" != status:
        return "closed", state
    return status, state._replace(status=status)


def _pay(state: State) -> tuple[str, State]:
    if state.status != "published":
        return state.status, state
    if state.taken >= 4:
        return "used_up", state
    return "done", state._replace(taken=state.taken + 1)


def _begin(state: State, payment: str) -> tuple[str, State]:
    if state.status == "published" or payment in state.begun:
        return "done", state._replace(begun=state.begun | {payment})
    return state.status, state


_MODEL: dict[str, Callable[[State], tuple[str, State]]] = {
    "publish": lambda state: _move(state, "published"),
    "unpublish": lambda state: _move(state, "draft"),
    "close": lambda state: _move(state, "closed"),
    "pay": _pay,
    "begin one": lambda state: _begin(state, "one"),
    "begin two": lambda state: _begin(state, "two"),
}


def has_legal_order(actors: Sequence[Sequence[Call]], end: State, state: State) -> bool:
    """Whether some order of all calls, that of each actor's own kept, explains every answer and
    leads from ``state`` to ``end``.
    """
    if not any(actors):
        return state == end
    for index, calls in enumerate(actors):
        following = calls[0].after(state) if calls else None
        if following is not None:
            others = [*actors[:index], calls[1:], *actors[index + 1 :]]
            if has_legal_order(others, end, following):
                return True
    return False


class Stage:
    """A link, two payments of it, and the calls that are made about them."""

    def __init__(self, turns: _Turns, link: Link, payments: dict[str, UUID]) -> None:
        self._turns = turns
        self._link = link
        self._payments = payments
        self._nonces = count()

    async def act(self, *names: str) -> list[Call]:
        """Make the calls one after the other."""
        return [Call(name, await self._answer(name)) for name in names]

    async def end(self) -> State:
        """The state that the database is in."""
        gateway = next(self._turns)
        link = await read_link(gateway, caller_of(gateway), self._link.id)
        async with gateway.database.connection() as connection:
            rows = await connection.fetch("SELECT payment_id FROM attempts")
        begun = {row["payment_id"] for row in rows}
        names = [name for name, payment_id in self._payments.items() if payment_id in begun]
        return State(link.status, await payments_of(gateway, link), frozenset(names))

    async def _answer(self, name: str) -> str:
        gateway = next(self._turns)
        caller, link_id = caller_of(gateway), self._link.id
        try:
            match name.split():
                case ["publish"]:
                    return (await publish_link(gateway, caller, link_id)).status
                case ["unpublish"]:
                    return (await unpublish_link(gateway, caller, link_id)).status
                case ["close"]:
                    return (await close_link(gateway, caller, link_id)).status
                case ["pay"]:
                    nonce = f"{NONCE}_{next(self._nonces)}"
                    await pay_link(gateway, self._link.slug, form(nonce=nonce))
                case ["begin", payment]:
                    await reserve_attempt(gateway, self._payments[payment])
        except LinkNotPayable as error:
            return error.state
        except Invalid as error:
            return error.rule
        return "done"


async def test_publishing_closing_paying_and_beginning_at_once_have_a_legal_order(
    turns: _Turns,
) -> None:
    for number in range(ROUNDS):
        gateway = next(turns)
        link = await published(gateway, payments_limit=4)
        payments = {
            name: (await pay_link(gateway, link.slug, form(nonce=NONCE + name))).payment.id
            for name in ("one", "two")
        }
        stage = Stage(turns, link, payments)
        actors = [
            stage.act("unpublish", "pay", "publish", "pay"),
            stage.act("pay", "begin one"),
            stage.act("publish", "unpublish", "publish"),
            stage.act("pay", "close", "begin two", "pay"),
            stage.act("begin one", "unpublish", "pay"),
        ]
        shift = number % len(actors)
        answers = await asyncio.gather(*actors[shift:], *actors[:shift])
        end = await stage.end()
        assert has_legal_order(answers, end, State()), (answers, end)


def test_an_order_that_is_not_legal_is_found() -> None:
    paid_though_closed = [[Call("close", "closed"), Call("pay", "done")]]
    assert not has_legal_order(paid_though_closed, State("closed", 3), State())
    assert has_legal_order([paid_though_closed[0][::-1]], State("closed", 3), State())
    assert not has_legal_order([[Call("pay", "done")]] * 3, State(taken=5), State())
