"""No order and no repetition of outcomes moves money backwards or twice, and the books balance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from guichet.domain import attempts as attempt_rules
from guichet.domain import payments as payment_rules
from guichet.domain.attempts import OPEN_ATTEMPT, Attempt
from guichet.domain.ids import new_id
from guichet.domain.money import Money
from guichet.domain.outcomes import (
    Done,
    Finality,
    Outcome,
    Reason,
    Refused,
    TakenBack,
    Unknown,
    Waiting,
)
from guichet.domain.payments import OPEN_PAYMENT, Payment
from guichet.ledger import rules
from guichet.ledger.chart import CHART, AccountKey, Kind

NOW = datetime(2026, 11, 20, tzinfo=UTC)
AMOUNTS = st.integers(1, 99_999_999_99)


def payment_of(amount_minor: int, fee_minor: int) -> Payment:
    ids = [new_id(NOW) for _ in range(4)]
    return Payment(
        id=ids[0],
        application_id=ids[1],
        environment="sandbox",
        customer_id=ids[2],
        payee_id=ids[3],
        fee_rule_id=None,
        rail="open_banking",
        institution_id=20,
        link_id=None,
        country="GB",
        reference=None,
        amount_minor=amount_minor,
        currency="GBP",
        fee_minor=fee_minor,
        unreleased_minor=0,
        refunding_minor=0,
        refunded_minor=0,
        returned_minor=0,
        payer_code=None,
        details=None,
        status="pending",
        reason=None,
        notify_url=None,
        expires_at=NOW,
        created_at=NOW,
        updated_at=NOW,
        completed_at=None,
        release_at=None,
        version=1,
    )


def attempt_of(payment: Payment, number: int) -> Attempt:
    return Attempt(
        id=new_id(NOW),
        payment_id=payment.id,
        application_id=payment.application_id,
        environment=payment.environment,
        number=number,
        rail=payment.rail,
        institution_id=payment.institution_id,
        account_id=None,
        channel=None,
        payer_phone=None,
        status="starting",
        provider_reference=None,
        memory=None,
        next_step_url=None,
        next_step_code=None,
        reason=None,
        code=None,
        finality=0,
        received_minor=0,
        received_currency=None,
        placed_minor=0,
        returned_minor=0,
        checks_count=0,
        next_check_at=NOW,
        claimed_until=None,
        claim=1,
        created_at=NOW,
        updated_at=NOW,
    )


class World:
    """One payment with its attempts and the books, moved as ``services.settlement`` moves them."""

    def __init__(self, payment: Payment, delay: timedelta) -> None:
        self.payment = payment
        self.delay = delay
        self.attempts: list[Attempt] = []
        self.balances: dict[AccountKey, int] = {}
        self.entry_keys: list[str] = []
        self.begin()

    def begin(self) -> None:
        open_attempts = [a for a in self.attempts if a.status in OPEN_ATTEMPT]
        if self.payment.status in OPEN_PAYMENT and not open_attempts:
            self.attempts.append(attempt_of(self.payment, len(self.attempts) + 1))

    def report(self, index: int, outcome: Outcome) -> None:
        index %= len(self.attempts)
        before = self.attempts[index]
        after = attempt_rules.apply(before, outcome, NOW)
        step = payment_rules.follow(self.payment, before, after, self.delay, NOW)
        self.payment, self.attempts[index] = step.payment, step.attempt
        for fact in step.facts:
            allowed = set(rules.accounts_of(self.payment, fact))
            for entry in rules.entries(self.payment, step.attempt, fact, self.balance_of, NOW):
                self.entry_keys.append(entry.key)
                for posting in entry.postings:
                    assert posting.account in allowed
                    self.balances[posting.account] = (
                        self.balance_of(posting.account) + posting.effect_minor
                    )

    def balance_of(self, key: AccountKey) -> int:
        return self.balances.get(key, 0)

    def total(self, *codes: str) -> int:
        return sum(balance for key, balance in self.balances.items() if key.code in codes)

    def spend(self) -> None:
        """The merchant takes everything out that is available."""
        for key in self.balances:
            if key.code == "merchant_available":
                self.spent = self.balances[key]
                self.balances[key] = 0

    spent = 0

    def check(self) -> None:
        assets = self.total(*(c for c, a in CHART.items() if a.kind is Kind.ASSET))
        others = self.total(*(c for c, a in CHART.items() if a.kind is not Kind.ASSET))
        assert assets == others + self.spent
        assert len(set(self.entry_keys)) == len(self.entry_keys)
        assert all(b >= 0 for k, b in self.balances.items() if not CHART[k.code].may_overdraw)
        held = sum(a.received_minor - a.returned_minor for a in self.attempts)
        placed = sum(a.placed_minor for a in self.attempts)
        assert self.total("rail_float") == held
        assert self.total("suspense") == held - (placed - self.payment.returned_minor)
        assert sum(a.placed_minor > 0 for a in self.attempts) <= 1
        merchants = self.total("merchant_pending", "merchant_available", "fee_income") + self.spent
        due = placed - self.payment.returned_minor
        assert (self.payment.status == "completed") == (due > 0)
        assert merchants - self.total("merchant_receivable") == due
        assert self.total("merchant_pending") == self.payment.unreleased_minor
        assert sum(a.status in OPEN_ATTEMPT for a in self.attempts) <= 1


def outcomes(amount_minor: int) -> st.SearchStrategy[Outcome]:
    received = st.builds(
        Money,
        st.one_of(st.just(amount_minor), AMOUNTS),
        st.sampled_from(["GBP", "GBP", "GBP", "EUR"]),
    )
    return st.one_of(
        st.builds(Waiting),
        st.builds(Unknown, detail=st.just("no answer")),
        st.builds(Done, received=received, finality=st.sampled_from([*Finality][1:])),
        st.builds(Refused, reason=st.sampled_from(Reason)),
        st.builds(TakenBack),
        st.builds(TakenBack, returned=st.builds(Money, AMOUNTS, st.just("GBP"))),
    )


@settings(max_examples=500, deadline=None, derandomize=True)
@given(data=st.data(), amount_minor=AMOUNTS)
def test_any_history_keeps_the_books(data: st.DataObject, amount_minor: int) -> None:
    fee_minor = data.draw(st.integers(0, amount_minor))
    delay = data.draw(st.sampled_from([timedelta(), timedelta(hours=24)]))
    world = World(payment_of(amount_minor, fee_minor), delay)
    steps = st.tuples(st.integers(0, 5), outcomes(amount_minor))
    for index, outcome in data.draw(st.lists(steps, max_size=25)):
        world.report(index, outcome)
        world.check()
        world.begin()


@settings(max_examples=300, deadline=None, derandomize=True)
@given(data=st.data(), amount_minor=AMOUNTS)
def test_money_never_goes_backwards_without_being_taken_back(
    data: st.DataObject, amount_minor: int
) -> None:
    world = World(payment_of(amount_minor, 0), timedelta())
    world.report(0, Done(received=Money(amount_minor, "GBP")))
    reports = outcomes(amount_minor).filter(lambda outcome: not isinstance(outcome, TakenBack))
    for outcome in data.draw(st.lists(reports, max_size=15)):
        world.report(0, outcome)
        assert world.payment.status == "completed"
        assert world.total("rail_float") == world.attempts[0].received_minor >= amount_minor


@settings(max_examples=200, deadline=None, derandomize=True)
@given(amount_minor=AMOUNTS, data=st.data())
def test_reversal_after_the_merchant_took_the_money_makes_them_owe_it(
    amount_minor: int, data: st.DataObject
) -> None:
    fee_minor = data.draw(st.integers(0, amount_minor))
    world = World(payment_of(amount_minor, fee_minor), timedelta())
    world.report(0, Done(received=Money(amount_minor, "GBP")))
    world.spend()
    world.report(0, TakenBack())
    world.check()
    assert world.total("merchant_receivable") == amount_minor - fee_minor
