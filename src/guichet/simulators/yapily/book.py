"""The simulator's own book: the truth about consents, payments and the money that moved.

Everything is in memory and gone when the process ends. Nothing here knows HTTP.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit
from uuid import NAMESPACE_URL, uuid5

from guichet.simulators.common.clock import Clock

from .records import AWAITING, Consent, Payment
from .scenarios import Moves, Scenario, Step

ONE_TIME_TOKEN_SECONDS = 300
_SHARE = {"exact": Decimal(1), "short": Decimal("0.9"), "over": Decimal("1.1")}
_WITHOUT_CENTS = frozenset({"CLP", "GNF", "ISK", "JPY", "KRW", "RWF", "UGX", "VND", "XAF", "XOF"})


class Conflict(Exception):
    """What was asked is not possible in the present state; the text says why."""


Listener = Callable[[Payment, bool, bool], None]


class Book:
    """All consents and payments of the simulator, and its clock.

    ``on_change(payment, status_changed, iso_changed)`` is called on each change of a payment.
    """

    def __init__(self, consent_seconds: int, on_change: Listener) -> None:
        self._consent_lifetime = timedelta(seconds=consent_seconds)
        self._on_change = on_change
        self._clock = Clock()
        self.reset()

    def reset(self) -> None:
        """Forgets everything and goes back to real time."""
        self._clock.reset()
        self.calls: Counter[str] = Counter()
        self.consents: dict[str, Consent] = {}
        self.payments: dict[str, Payment] = {}
        self.by_idempotency_id: dict[str, Payment] = {}
        self._by_user: dict[str, list[Consent]] = {}
        self._by_key: dict[str, Consent] = {}
        self._by_token: dict[str, Consent] = {}
        self._by_one_time_token: dict[str, Consent] = {}

    def now(self) -> datetime:
        """Simulated time: real time and whatever the control API added."""
        return self._clock.now()

    def advance(self, seconds: float) -> None:
        """Moves the clock forward and lets everything happen that falls due."""
        self._clock.advance(seconds)
        for consent in self.consents.values():
            self._expire_if_due(consent)
        for payment in self.payments.values():
            self._take_due_steps(payment)

    # Consents -----------------------------------------------------------------------------------

    def open_consent(
        self,
        institution_id: str,
        application_user_id: str | None,
        user_uuid: str | None,
        callback: str | None,
        payment_request: dict[str, Any],
        *,
        one_time: bool,
    ) -> Consent:
        now = self.now()
        user = user_uuid or str(uuid5(NAMESPACE_URL, f"user:{application_user_id}"))
        consent = Consent(
            institution_id=institution_id,
            application_user_id=application_user_id,
            user_uuid=user,
            callback=callback,
            one_time=one_time,
            payment_request=payment_request,
            created_at=now,
            expires_at=now + self._consent_lifetime,
        )
        self.consents[consent.id] = consent
        self._by_key[consent.key] = consent
        for name in {application_user_id, user} - {None}:
            self._by_user.setdefault(str(name), []).append(consent)
        return consent

    def consent(self, consent_id: str) -> Consent | None:
        return self._fresh(self.consents.get(consent_id))

    def consent_by_key(self, key: str) -> Consent | None:
        return self._fresh(self._by_key.get(key))

    def consent_by_token(self, token: str) -> Consent | None:
        return self._fresh(self._by_token.get(token))

    def consents_of(self, user: str) -> list[Consent]:
        """The consents of an application user id or a user's UUID, newest first."""
        return [self._renew(each) for each in reversed(self._by_user.get(user, []))]

    def all_consents(self) -> list[Consent]:
        """All consents, newest first."""
        return [self._renew(each) for each in reversed(self.consents.values())]

    def find_consent(self, name: str) -> Consent | None:
        """The newest consent by its id, the secret in its address, its application user or its
        payment's idempotency id.
        """
        if found := self.consent(name) or self.consent_by_key(name):
            return found
        if found := next(iter(self.consents_of(name)), None):
            return found
        return next((each for each in self.all_consents() if each.idempotency_id == name), None)

    def accept(self, consent: Consent, scenario: Scenario, payer: dict[str, Any] | None) -> str:
        """The payer says yes; answers the address to send the browser to.

        Raises ``Conflict`` if the consent was decided otherwise or has expired. A second yes is
        answered as the first one was.
        """
        self._fresh(consent)
        if consent.return_url is not None and consent.status in {"AUTHORIZED", "CONSUMED"}:
            return consent.return_url
        self._must_be_open(consent)
        consent.status = "AUTHORIZED"
        consent.authorised_at = self.now()
        consent.scenario = scenario
        consent.payer = payer
        consent.token = secrets.token_urlsafe(48)
        self._by_token[consent.token] = consent
        if consent.one_time:
            consent.one_time_token = secrets.token_urlsafe(32)
            self._by_one_time_token[consent.one_time_token] = consent
            proof = {"one-time-token": consent.one_time_token}
        else:
            proof = {"consent": consent.token}
        consent.return_url = _return_url(consent, proof)
        return consent.return_url

    def refuse(
        self, consent: Consent, status: str = "REJECTED", why: str = "The user declined the payment"
    ) -> str:
        """The payer (or, with FAILED, the bank) says no; answers the address to return to."""
        self._fresh(consent)
        if consent.return_url is not None and consent.status == status:
            return consent.return_url
        self._must_be_open(consent)
        consent.status = status
        source = "user" if status == "REJECTED" else "institution"
        consent.return_url = _return_url(consent, _problem("access_denied", source, why))
        return consent.return_url

    def expire(self, consent: Consent) -> str:
        """Time runs out on a consent that no payment has used."""
        if consent.status not in {AWAITING, "AUTHORIZED", "EXPIRED"}:
            raise Conflict(f"the consent is {consent.status}")
        consent.status = "EXPIRED"
        problem = _problem("expired", "user", "The authorisation expired before it was used")
        consent.return_url = _return_url(consent, problem)
        return consent.return_url

    def revoke(self, consent: Consent) -> bool:
        """Deletes a consent; False if it has been used and cannot be taken back."""
        if consent.status in {AWAITING, "AUTHORIZED"}:
            consent.status = "REVOKED"
            consent.return_url = _return_url(
                consent, _problem("access_denied", "yapily", "The authorisation was revoked")
            )
        return consent.status != "CONSUMED"

    def exchange(self, one_time_token: str) -> Consent | None:
        """The consent behind a one-time token, once and for a short time only."""
        consent = self._fresh(self._by_one_time_token.pop(one_time_token, None))
        if consent is None or consent.authorised_at is None:
            return None
        age = self.now() - consent.authorised_at
        return None if age > timedelta(seconds=ONE_TIME_TOKEN_SECONDS) else consent

    # Payments -----------------------------------------------------------------------------------

    def pay(self, consent: Consent) -> Payment:
        """Uses up the consent and lets the first step of its scenario happen."""
        now = self.now()
        payment = Payment(
            consent=consent,
            request=consent.payment_request,
            scenario=consent.scenario,
            created_at=now,
            changed_at=now,
            steps=list(consent.scenario.steps),
            hidden_reads=consent.scenario.hidden_reads,
        )
        consent.status = "CONSUMED"
        self.payments[payment.id] = payment
        self.by_idempotency_id[consent.idempotency_id] = payment
        self._step(payment, payment.steps.pop(0))
        return payment

    def read(self, payment: Payment) -> bool:
        """Counts one look at a payment; False while the bank pretends not to find it."""
        payment.reads += 1
        if payment.hidden_reads:
            payment.hidden_reads -= 1
            return False
        self._take_due_steps(payment)
        return True

    def settle(self, payment: Payment, amount: Decimal | None = None) -> None:
        """The money arrives, all of it unless ``amount`` says otherwise.

        With an ``amount`` it arrives even for a payment that had failed: late money.
        """
        if payment.status == "FAILED" and amount is None:
            raise Conflict("the payment has failed")
        if amount is not None and payment.movements:
            raise Conflict("the money has already moved")
        if not payment.movements:
            payment.movements.append((self.now(), payment.asked if amount is None else amount))
        self._step(payment, Step("COMPLETED", "ACCC"))
        payment.steps.clear()

    def fail(self, payment: Payment, reason: str) -> None:
        """The bank rejects a payment whose money has not moved."""
        if payment.moved:
            raise Conflict("the money has moved: take it back instead")
        self._step(payment, Step("FAILED", "RJCT", reason=reason))
        payment.steps.clear()

    def take_back(self, payment: Payment, reason: str) -> None:
        """The bank takes moved money back."""
        if not payment.moved:
            raise Conflict("no money has moved")
        self._step(payment, Step("FAILED", "RJCT", "back", reason))
        payment.steps.clear()

    def _take_due_steps(self, payment: Payment) -> None:
        while payment.steps:
            step = payment.steps[0]
            age = self.now() - payment.created_at
            by_reads = step.after_reads is not None and payment.reads >= step.after_reads
            by_time = step.after_seconds is not None and age >= timedelta(
                seconds=step.after_seconds
            )
            if not by_reads and not by_time:
                return
            self._step(payment, payment.steps.pop(0))

    def _step(self, payment: Payment, step: Step) -> None:
        status_changed = payment.status != step.status
        iso_changed = payment.iso_code != step.iso_code
        payment.status, payment.iso_code, payment.reason = step.status, step.iso_code, step.reason
        payment.changed_at = self.now()
        if (amount := _movement(payment, step.moves)) != 0:
            payment.movements.append((payment.changed_at, amount))
        if status_changed or iso_changed:
            self._on_change(payment, status_changed, iso_changed)

    def _must_be_open(self, consent: Consent) -> None:
        if consent.status != AWAITING:
            raise Conflict(f"the consent is {consent.status}")

    def _fresh(self, consent: Consent | None) -> Consent | None:
        return None if consent is None else self._renew(consent)

    def _renew(self, consent: Consent) -> Consent:
        self._expire_if_due(consent)
        return consent

    def _expire_if_due(self, consent: Consent) -> None:
        if consent.status in {AWAITING, "AUTHORIZED"} and self.now() >= consent.expires_at:
            consent.status = "EXPIRED"
            self.expire(consent)


def _movement(payment: Payment, moves: Moves) -> Decimal:
    if moves == "nothing":
        return Decimal(0)
    if moves == "back":
        return -payment.moved
    if moves == "exact":
        return payment.asked
    cents = Decimal(1 if payment.request["amount"]["currency"] in _WITHOUT_CENTS else "0.01")
    return (payment.asked * _SHARE[moves]).quantize(cents, ROUND_DOWN)


def _problem(error: str, source: str, why: str) -> dict[str, str]:
    return {"error": error, "error-source": source, "error-description": why}


def _return_url(consent: Consent, parameters: dict[str, str]) -> str:
    if consent.callback is None:
        return ""
    user = consent.application_user_id
    parameters |= {"application-user-id": user} if user else {}
    parameters |= {"user-uuid": consent.user_uuid, "institution": consent.institution_id}
    parts = urlsplit(consent.callback)
    query = "&".join(part for part in (parts.query, urlencode(parameters)) if part)
    return urlunsplit(parts._replace(query=query))
