"""One payment with everything that can happen to it, moved in memory as the services move it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial

from guichet.domain import attempts as attempt_rules
from guichet.domain import payments as payment_rules
from guichet.domain import refunds as refund_rules
from guichet.domain.attempts import OPEN_ATTEMPT, Attempt
from guichet.domain.errors import InsufficientFunds, NotRefundable
from guichet.domain.ids import new_id
from guichet.domain.money import Money
from guichet.domain.outcomes import Done, Outcome, Reason, Refused, TakenBack
from guichet.domain.payments import OPEN_PAYMENT, Fact, Payment
from guichet.domain.refunds import REFUND, Refund
from guichet.ledger import rules as ledger_rules
from guichet.ledger.chart import CHART, AccountKey, Kind, account

NOW = datetime(2026, 11, 20, tzinfo=UTC)


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


def refund_of(payment: Payment, amount_minor: int) -> Refund:
    ids = [new_id(NOW) for _ in range(2)]
    return Refund(
        id=ids[0],
        payment_id=payment.id,
        attempt_id=ids[1],
        application_id=payment.application_id,
        environment=payment.environment,
        rail=payment.rail,
        amount_minor=amount_minor,
        currency=payment.currency,
        status=REFUND.start,
        reason=None,
        code=None,
        provider_reference=None,
        checks_count=0,
        next_check_at=NOW,
        claimed_until=None,
        claim=1,
        created_at=NOW,
        updated_at=NOW,
    )


class World:
    """One payment, its attempts, its refunds and the books, moved as the services move them."""

    def __init__(self, payment: Payment, delay: timedelta) -> None:
        self.payment = payment
        self.delay = delay
        self.attempts: list[Attempt] = []
        self.refunds: list[Refund] = []
        self.balances: dict[AccountKey, int] = {}
        self.entry_keys: list[str] = []
        self.spent = 0
        self.begin()

    def begin(self) -> None:
        open_attempts = [a for a in self.attempts if a.status in OPEN_ATTEMPT]
        if self.payment.status in OPEN_PAYMENT and not open_attempts:
            self.attempts.append(attempt_of(self.payment, len(self.attempts) + 1))

    def report(self, index: int, outcome: Outcome) -> None:
        """The rail reports on an attempt."""
        index %= len(self.attempts)
        before = self.attempts[index]
        after = attempt_rules.apply(before, outcome, NOW)
        step = payment_rules.follow(self.payment, before, after, self.delay, NOW)
        self.book(step.payment, step.attempt, step.facts)
        self.payment, self.attempts[index] = step.payment, step.attempt

    def refund(self, amount_minor: int) -> None:
        """The merchant wants money given back; nothing happens where that cannot be."""
        refund = refund_of(self.payment, amount_minor)
        try:
            step = refund_rules.reserve(self.payment, refund, timedelta(days=90), NOW)
            self.book(step.payment, None, step.facts)
        except (NotRefundable, InsufficientFunds):
            return
        self.payment = step.payment
        self.refunds.append(step.refund)

    def report_refund(self, index: int, outcome: Outcome) -> None:
        """The rail reports on a refund."""
        if self.refunds:
            index %= len(self.refunds)
            step = refund_rules.apply(self.payment, self.refunds[index], outcome, NOW)
            self.book(step.payment, None, step.facts)
            self.payment, self.refunds[index] = step.payment, step.refund

    def release(self) -> None:
        """The settlement delay is over."""
        if self.payment.release_at is not None:
            after, released = payment_rules.release(self.payment, NOW)
            self.book(after, None, (released,))
            self.payment = after

    def earn(self, minor: int) -> None:
        """Other payments bring the merchant money."""
        payment = self.payment
        key = account(
            "merchant_available",
            payment.environment,
            payment.currency,
            payment.application_id,
            payment.rail,
        )
        self.balances[key] = _balance_of(self.balances, key) + minor
        self.spent -= minor

    def spend(self) -> None:
        """The merchant takes everything out that is available."""
        for key in self.balances:
            if key.code == "merchant_available":
                self.spent += self.balances[key]
                self.balances[key] = 0

    def book(self, payment: Payment, attempt: Attempt | None, facts: tuple[Fact, ...]) -> None:
        """All of the entries or, where one cannot be, none."""
        balances = dict(self.balances)
        keys = []
        for fact in facts:
            allowed = set(ledger_rules.accounts_of(payment, fact))
            balance_of = partial(_balance_of, balances)
            for entry in ledger_rules.entries(payment, attempt, fact, balance_of, NOW):
                keys.append(entry.key)
                for posting in entry.postings:
                    assert posting.account in allowed
                    balances[posting.account] = balance_of(posting.account) + posting.effect_minor
        self.balances = balances
        self.entry_keys += keys

    def total(self, *codes: str) -> int:
        return sum(balance for key, balance in self.balances.items() if key.code in codes)

    def refunds_minor(self, *statuses: str) -> int:
        return sum(refund.amount_minor for refund in self.refunds if refund.status in statuses)

    def check(self) -> None:
        self.check_books()
        self.check_money()

    def check_books(self) -> None:
        assets = self.total(*(c for c, a in CHART.items() if a.kind is Kind.ASSET))
        others = self.total(*(c for c, a in CHART.items() if a.kind is not Kind.ASSET))
        assert assets == others + self.spent
        assert len(set(self.entry_keys)) == len(self.entry_keys)
        assert all(b >= 0 for k, b in self.balances.items() if not CHART[k.code].may_overdraw)
        assert self.total("merchant_pending") == self.payment.unreleased_minor
        assert (self.payment.release_at is not None) == (self.payment.unreleased_minor > 0)
        assert self.total("refunds_in_flight") == self.payment.refunding_minor
        assert self.payment.refunding_minor == self.refunds_minor("initiated", "sent")
        assert self.payment.refunded_minor == self.refunds_minor("completed")
        assert self.payment.refunding_minor + self.payment.refunded_minor <= (
            self.payment.amount_minor
        )

    def check_money(self) -> None:
        """Each sum that came is where it belongs."""
        held = sum(a.received_minor - a.returned_minor for a in self.attempts)
        placed = sum(a.placed_minor for a in self.attempts)
        due = placed - self.payment.returned_minor
        assert self.total("rail_float") == held - self.payment.refunded_minor
        assert self.total("suspense") == held - due
        assert sum(a.placed_minor > 0 for a in self.attempts) <= 1
        assert sum(a.status in OPEN_ATTEMPT for a in self.attempts) <= 1
        assert (self.payment.status == "completed") == (due > 0)
        merchants = self.total("merchant_pending", "merchant_available", "refunds_in_flight")
        merchants += self.spent + self.payment.refunded_minor - self.total("merchant_receivable")
        assert self.total("fee_income") == (self.payment.fee_minor if due else 0)
        assert merchants + self.total("fee_income") == due


def _balance_of(balances: Mapping[AccountKey, int], key: AccountKey) -> int:
    return balances.get(key, 0)


class Provider:
    """A provider that never gives away more than it has: what a refund took, nobody takes back."""

    def __init__(self, world: World) -> None:
        self.world = world

    @property
    def there_minor(self) -> int:
        return self.world.total("rail_float")

    def take_back(self, minor: int) -> None:
        """All that was taken back so far becomes more by ``minor``, or by what is still there."""
        (attempt,) = self.world.attempts
        total_minor = attempt.returned_minor + min(minor, self.there_minor)
        self.world.report(0, TakenBack(returned=Money(total_minor, "GBP")))

    def pay_out(self, index: int) -> None:
        """A refund that is under way succeeds if the money is there, else fails."""
        if self.world.refunds:
            refund = self.world.refunds[index % len(self.world.refunds)]
            enough = refund.amount_minor <= self.there_minor
            yes, no = Done(received=refund.money), Refused(reason=Reason.INSUFFICIENT_FUNDS)
            self.world.report_refund(index, yes if enough else no)

    def receive(self, minor: int) -> None:
        """More money comes by the same order."""
        (attempt,) = self.world.attempts
        self.world.report(0, Done(received=Money(attempt.received_minor + minor, "GBP")))
