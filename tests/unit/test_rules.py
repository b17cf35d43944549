"""Small rules: life cycles, fees, entries."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guichet.domain.attempts import ATTEMPT, OPEN_ATTEMPT
from guichet.domain.errors import ForbiddenTransition, GuichetError
from guichet.domain.fees import FeeRule, quote
from guichet.domain.lifecycle import Lifecycle
from guichet.domain.money import Money
from guichet.domain.payments import EVENT_OF_STATUS, OPEN_PAYMENT, PAYMENT
from guichet.ledger.chart import AccountKey
from guichet.ledger.entries import Entry, Posting, credit, debit

ID = UUID("99639165-04a9-4742-b51b-c9dcc4fbc3cb")
FLOAT = AccountKey("sandbox", "rail_float", None, "open_banking", "GBP")
PENDING = AccountKey("sandbox", "merchant_pending", ID, None, "GBP")
EUROS = AccountKey("sandbox", "merchant_pending", ID, None, "EUR")


def entry(*postings: Posting) -> Entry:
    return Entry("key", "event", "sandbox", ID, datetime(2026, 1, 1, tzinfo=UTC), postings)


@pytest.mark.parametrize(
    "postings",
    [
        (debit(FLOAT, 5), credit(PENDING, 4)),
        (debit(FLOAT, 5),),
        (debit(FLOAT, 5), credit(EUROS, 5)),
        (debit(FLOAT, 0), credit(PENDING, 0)),
        (debit(FLOAT, -5), credit(PENDING, -5)),
    ],
)
def test_unbalanced_entry_cannot_be_made(postings: tuple[Posting, ...]) -> None:
    with pytest.raises(ValueError, match="key"):
        entry(*postings)


def test_debit_grows_an_asset_and_shrinks_a_liability() -> None:
    assert (debit(FLOAT, 5).effect_minor, debit(PENDING, 5).effect_minor) == (5, -5)


def test_move_that_is_not_an_edge_is_refused() -> None:
    with pytest.raises(ForbiddenTransition):
        PAYMENT.check("reversed", "completed")


@pytest.mark.parametrize("lifecycle", [PAYMENT, ATTEMPT])
def test_every_state_can_be_reached(lifecycle: Lifecycle) -> None:
    reached = {lifecycle.start}
    for _ in lifecycle.states:
        reached |= {target for source in reached for target in lifecycle.edges.get(source, ())}
    assert reached == set(lifecycle.states)


def test_every_payment_status_has_its_event() -> None:
    assert set(EVENT_OF_STATUS) == set(PAYMENT.states)


def test_open_states_are_states() -> None:
    assert set(PAYMENT.states) >= OPEN_PAYMENT
    assert set(ATTEMPT.states) >= OPEN_ATTEMPT


@given(st.integers(1, 10**12), st.integers(0, 10_000), st.integers(0, 10**6))
def test_fee_is_never_more_than_the_payment(minor: int, bps: int, fixed: int) -> None:
    assert 0 <= quote(FeeRule(ID, bps, fixed), Money(minor, "GBP")) <= minor


@pytest.mark.parametrize(("minor", "fee"), [(100, 1), (149, 1), (150, 2), (50, 1), (49, 0)])
def test_fee_percentage_is_rounded_half_up(minor: int, fee: int) -> None:
    assert quote(FeeRule(ID, 100, 0), Money(minor, "GBP")) == fee


def test_fee_keeps_its_bounds() -> None:
    rule = FeeRule(ID, 100, 0, min_minor=20, max_minor=500)

    assert [quote(rule, Money(minor, "GBP")) for minor in (100, 10_000, 10**9)] == [20, 100, 500]


def test_error_without_a_message_says_its_first_line() -> None:
    assert str(GuichetError()) == "Something went wrong."
