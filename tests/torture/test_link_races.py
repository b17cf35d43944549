"""Payers and merchants at one payment link at the same time: what comes of it has a legal order.

Two gateways share the database, so that nothing is settled inside a single process.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from itertools import cycle
from typing import NamedTuple, Self

import pytest

from conftest import DatabaseUrls
from gateways import caller_of, running_gateway
from guichet.domain.errors import Invalid, LinkNotPayable, NotPayable
from guichet.domain.links import Link
from guichet.gateway import Gateway
from guichet.services.checkout import reserve_attempt
from guichet.services.link_payments import pay_link
from guichet.services.links import (
    close_link,
    publish_link,
    read_link,
    unpublish_link,
    update_link,
)
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
    outcomes = set()
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
        outcomes.add(replaced)
        assert not isinstance(again, BaseException)
        assert (again.payment.id != first.id) == replaced  # type: ignore[attr-defined]
        assert await payments_of(next(turns), link) == 1 + replaced
    assert outcomes == {True, False}


# --- one legal order -----------------------------------------------------------------------------


class State(NamedTuple):
    """A link with room for three payments, one of them made and perhaps begun, as a model."""

    status: str = "published"
    taken: int = 1
    begun: bool = False


class Call(NamedTuple):
    """A call, and what it answered."""

    name: str
    answer: str

    def after(self, state: State) -> State | None:
        """The state after the call, if in ``state`` it answers what it did answer."""
        answer, following = _MODEL[self.name](state)
        return following if answer == self.answer else None

    @classmethod
    async def of(cls, name: str, call: Awaitable[object]) -> Self:
        """Make the call."""
        try:
            made = await call
        except LinkNotPayable as error:
            return cls(name, error.state)
        except Invalid as error:
            return cls(name, error.rule)
        return cls(name, made.status if isinstance(made, Link) else "done")


def _move(state: State, status: str) -> tuple[str, State]:
    if state.status == "closed" != status:
        return "closed", state
    return status, state._replace(status=status)


def _pay(state: State) -> tuple[str, State]:
    if state.status != "published":
        return state.status, state
    if state.taken >= 3:
        return "used_up", state
    return "done", state._replace(taken=state.taken + 1)


def _begin(state: State) -> tuple[str, State]:
    if state.status == "published" or state.begun:
        return "done", state._replace(begun=True)
    return state.status, state


_MODEL = {
    "publish": lambda state: _move(state, "published"),
    "unpublish": lambda state: _move(state, "draft"),
    "close": lambda state: _move(state, "closed"),
    "pay": _pay,
    "begin": _begin,
}


def has_legal_order(calls: Sequence[Call], end: State, state: State) -> bool:
    """Whether some order of the calls explains every answer and ends in ``end``."""
    if not calls:
        return state == end
    for index, call in enumerate(calls):
        following = call.after(state)
        if following is not None:
            others = [*calls[:index], *calls[index + 1 :]]
            if has_legal_order(others, end, following):
                return True
    return False


async def test_publishing_closing_paying_and_beginning_at_once_have_a_legal_order(
    turns: _Turns,
) -> None:
    seen = set()
    for number in range(ROUNDS):
        gateway = next(turns)
        caller = caller_of(gateway)
        link = await published(gateway, payments_limit=3)
        first = (await pay_link(gateway, link.slug, form())).payment
        calls = [
            Call.of("unpublish", unpublish_link(next(turns), caller, link.id)),
            *(
                Call.of("pay", pay_link(next(turns), link.slug, form(nonce=f"{NONCE}{n}")))
                for n in range(4)
            ),
            Call.of("begin", reserve_attempt(next(turns), first.id)),
            Call.of("publish", publish_link(next(turns), caller, link.id)),
            Call.of("close", close_link(next(turns), caller, link.id)),
        ]
        shift = number % len(calls)
        answers = await asyncio.gather(*calls[shift:], *calls[:shift])
        end = State(
            (await read_link(gateway, caller, link.id)).status,
            await payments_of(gateway, link),
            await _is_begun(gateway, link),
        )
        assert has_legal_order(answers, end, State()), (answers, end)
        seen.add(tuple(sorted(answers)))
    assert len(seen) > 1  # the rounds did not all go the same way


async def _is_begun(gateway: Gateway, link: Link) -> bool:
    async with gateway.database.connection() as connection:
        count: int = await connection.fetchval(
            "SELECT count(*) FROM attempts a JOIN payments p ON p.id = a.payment_id"
            " WHERE p.link_id = $1",
            link.id,
        )
    return count > 0


async def test_limit_that_comes_and_goes_is_never_overrun(turns: _Turns) -> None:
    """Payers who found no limit lock the link together, those who found one alone."""
    for _ in range(ROUNDS // 2):
        gateway = next(turns)
        link = await published(gateway)
        payers = [pay_link(next(turns), link.slug, form(nonce=f"{NONCE}{n}")) for n in range(12)]
        limits = [_limit(next(turns), link, to) for to in (2, None, 2)]
        calls = [limits[0], *payers[:6], limits[1], *payers[6:], limits[2]]
        await asyncio.gather(*calls, return_exceptions=True)
        await _limit(gateway, link, 2)
        before = await payments_of(gateway, link)
        late = [pay_link(next(turns), link.slug, form(nonce=f"{NONCE}_{n}")) for n in range(6)]
        answers = await asyncio.gather(*late, return_exceptions=True)
        made = [answer for answer in answers if not isinstance(answer, LinkNotPayable)]
        assert len(made) == max(2 - before, 0)


async def _limit(gateway: Gateway, link: Link, to: int | None) -> None:
    caller = caller_of(gateway)
    await update_link(gateway, caller, link.id, lambda it: it._replace(payments_limit=to))


def test_an_order_that_is_not_legal_is_found() -> None:
    paid_though_closed = [Call("close", "closed"), Call("pay", "done"), Call("publish", "closed")]
    assert has_legal_order(paid_though_closed, State("closed", 2), State())
    assert not has_legal_order(paid_though_closed, State("closed", 2), State("draft"))
    assert not has_legal_order([Call("pay", "done")] * 3, State(taken=4), State())
