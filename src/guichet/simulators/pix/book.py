"""The simulator's own book: the truth about charges, payments, returns and the money that moved.

Everything is in memory and gone when the process ends. Nothing here knows HTTP.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

from guichet.simulators.common.clock import Clock

from .agenda import Agenda
from .money import cents_of
from .payers import BY_CPF, Payer, Returns, Scenario, amount_by
from .records import (
    ACTIVE,
    NOT_RETURNED,
    PAID,
    REMOVED_BY_RECEIVER,
    RETURNED,
    RETURNING,
    Charge,
    Payment,
    Receiver,
    Rejection,
    Return,
)

RETURN_WINDOW = timedelta(days=90)
CLAIM_WINDOW = timedelta(days=80)
ROBOT_SECONDS = 2.0
CLAIM_SECONDS = 5.0
_NATURES = {"fraud": "MED_FRAUDE", "operational": "MED_OPERACIONAL"}


class Conflict(Exception):
    """What was asked is not possible in the present state; the text says why."""


class Rejected(Exception):
    """The network rejected a payment with a code (``reasons.REASONS``)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class Habits:
    """What the standard leaves to each PSP.

    ``repeated_txid``: a PUT on a charge that exists changes it (as Banco Central means it) or is
    refused. ``copy_and_paste``: answers carry ``pixCopiaECola``. ``returns``: what becomes of a
    return when the payer's scenario does not say.
    """

    repeated_txid: Literal["change", "refuse"] = "change"
    copy_and_paste: bool = True
    returns: Returns = "settle"


Listener = Callable[[Payment], None]


class Book:
    """All receivers, charges and payments, and the clock.

    ``on_change(payment)`` is called when a Pix arrives and when a return of it ends.
    """

    def __init__(self, return_seconds: float, on_change: Listener) -> None:
        self._return_seconds = return_seconds
        self._on_change = on_change
        self._clock = Clock()
        self._agenda = Agenda(self._clock)
        self.receivers: dict[str, Receiver] = {}
        self.reset()

    def reset(self) -> None:
        """Forgets everything but the receivers and goes back to real time."""
        self._clock.reset()
        self._agenda.clear()
        self.habits = Habits()
        self.calls: Counter[str] = Counter()
        self.charges: dict[tuple[str, str], Charge] = {}
        self.payments: dict[str, Payment] = {}
        self.rejections: list[Rejection] = []
        self._by_token: dict[str, Charge] = {}

    def now(self) -> datetime:
        """Simulated time: real time and whatever the control API added."""
        return self._clock.now()

    def advance(self, seconds: float) -> None:
        """Moves the clock forward and lets everything happen that falls due."""
        self._clock.advance(seconds)
        self._agenda.run_due()

    def receiver_of_key(self, key: str) -> Receiver | None:
        return next((each for each in self.receivers.values() if each.key == key), None)

    # Charges ------------------------------------------------------------------------------------

    def charge(self, receiver: Receiver, txid: str) -> Charge | None:
        return self.charges.get((receiver.client_id, txid))

    def charge_at(self, token: str) -> Charge | None:
        """The charge that a location shows."""
        return self._by_token.get(token)

    def find_charge(self, txid: str) -> Charge | None:
        """The newest charge with this txid, whoever's it is."""
        found = [each for each in self.charges.values() if each.txid == txid]
        return found[-1] if found else None

    def charges_of(self, receiver: Receiver) -> Iterator[Charge]:
        """A receiver's charges, oldest first."""
        return (each for each in self.charges.values() if each.receiver is receiver)

    def open_charge(self, receiver: Receiver, txid: str, terms: dict[str, Any]) -> Charge:
        charge = Charge(receiver, txid, terms, len(self.charges) + 1, self.now())
        self.charges[receiver.client_id, txid] = charge
        self._by_token[charge.token] = charge
        scenario = BY_CPF.get(terms.get("devedor", {}).get("cpf"))
        if scenario is not None:
            self._agenda.after(ROBOT_SECONDS, partial(self._pay_by_itself, charge, scenario))
        return charge

    def revise(self, charge: Charge, terms: dict[str, Any]) -> None:
        """Gives a charge other terms: a new revision, unless nothing differs."""
        if terms == charge.terms:
            return
        charge.history.append((charge.terms, charge.status))
        charge.terms = terms

    def remove(self, charge: Charge, status: str = REMOVED_BY_RECEIVER) -> None:
        """Takes an active charge away, which is a revision too."""
        if charge.status != ACTIVE:
            raise Conflict(f"the charge is {charge.status}")
        charge.history.append((charge.terms, charge.status))
        charge.status = status

    def expires_at(self, charge: Charge) -> datetime:
        seconds = charge.terms["calendario"]["expiracao"]
        return charge.created_at + timedelta(seconds=seconds)

    def has_expired(self, charge: Charge) -> bool:
        return self.now() >= self.expires_at(charge)

    # Payments -----------------------------------------------------------------------------------

    def pay_charge(
        self,
        charge: Charge,
        payer: Payer,
        scenario: Scenario,
        *,
        amount_minor: int | None = None,
        times: int | None = None,
        late: bool = False,
        information: str | None = None,
    ) -> list[Payment]:
        """The payer pays a charge; answers what arrived, a list that grows while money is slow.

        ``late`` pays although the charge has expired, was removed or is paid. Raises ``Conflict``
        if it cannot be paid, ``Rejected`` if the network rejects the payment.
        """
        if not late and charge.status != ACTIVE:
            raise Conflict(f"the charge is {charge.status}")
        if not late and self.has_expired(charge):
            raise Conflict("the charge has expired")
        asked = cents_of(charge.terms["valor"]["original"]) or 0
        amount = amount_by(scenario, asked) if amount_minor is None else amount_minor
        self._reject_if_told(scenario, charge.txid, amount)
        arrive = partial(
            self._arrive, charge.receiver, charge, charge.txid, amount, payer, scenario, information
        )
        return self._pay(scenario, times, arrive)

    def pay_key(
        self,
        receiver: Receiver,
        payer: Payer,
        scenario: Scenario,
        amount_minor: int,
        txid: str | None = None,
        information: str | None = None,
    ) -> list[Payment]:
        """The payer pays to a key, as a static code asks; see ``pay_charge``."""
        amount = amount_by(scenario, amount_minor)
        self._reject_if_told(scenario, txid, amount)
        arrive = partial(self._arrive, receiver, None, txid, amount, payer, scenario, information)
        return self._pay(scenario, None, arrive)

    def _reject_if_told(self, scenario: Scenario, txid: str | None, amount_minor: int) -> None:
        if scenario.rejected is not None:
            self.rejections.append(Rejection(txid, amount_minor, scenario.rejected, self.now()))
            raise Rejected(scenario.rejected)

    def _pay(
        self, scenario: Scenario, times: int | None, arrive: Callable[[list[Payment]], None]
    ) -> list[Payment]:
        arrived: list[Payment] = []
        for _ in range(scenario.times if times is None else times):
            self._agenda.after(scenario.waits_seconds, partial(arrive, arrived))
        return arrived

    def _arrive(
        self,
        receiver: Receiver,
        charge: Charge | None,
        txid: str | None,
        amount_minor: int,
        payer: Payer,
        scenario: Scenario,
        information: str | None,
        arrived: list[Payment],
    ) -> None:
        payment = Payment(
            receiver, charge, txid, amount_minor, self.now(), payer, scenario, information
        )
        self.payments[payment.end_to_end_id] = payment
        arrived.append(payment)
        if charge is not None:
            charge.payments.append(payment)
            if charge.status == ACTIVE:
                charge.status = PAID
        self._on_change(payment)
        if scenario.claim is not None:
            self._agenda.after(CLAIM_SECONDS, partial(self._claim_rest, payment, scenario.claim))

    def _pay_by_itself(self, charge: Charge, scenario: Scenario) -> None:
        if charge.status == ACTIVE and not self.has_expired(charge):
            debtor = charge.terms["devedor"]
            self.pay_charge(charge, Payer(debtor["nome"], debtor["cpf"]), scenario)

    def payments_of(self, receiver: Receiver) -> Iterator[Payment]:
        """What a receiver was paid, oldest first."""
        return (each for each in self.payments.values() if each.receiver is receiver)

    # Returns ------------------------------------------------------------------------------------

    def request_return(
        self, payment: Payment, return_id: str, amount_minor: int, description: str | None
    ) -> Return:
        """The receiver gives money back; the caller has checked id, amount and window."""
        found = Return(return_id, amount_minor, "ORIGINAL", self.now(), description=description)
        payment.returns[return_id] = found
        habit = payment.scenario.returns or self.habits.returns
        if habit == "settle":
            self._agenda.after(self._return_seconds, partial(self._end, payment, found, RETURNED))
        elif habit == "refuse":
            end = partial(self._end, payment, found, NOT_RETURNED, "AC06")
            self._agenda.after(self._return_seconds, end)
        return found

    def settle_return(self, payment: Payment, found: Return) -> None:
        """A return reaches the payer."""
        self._must_be_under_way(found)
        self._end(payment, found, RETURNED)

    def fail_return(self, payment: Payment, found: Return, code: str) -> None:
        """A return comes back: the money stays with the receiver."""
        self._must_be_under_way(found)
        self._end(payment, found, NOT_RETURNED, code)

    def claim(self, payment: Payment, kind: str, amount_minor: int | None = None) -> Return:
        """MED: the payer's bank pulls money back; all that is left unless an amount is given.

        ``kind`` is ``fraud`` or ``operational``. Raises ``Conflict`` if so much is not left, or if
        the payment is older than the 80 days in which a payer may claim.
        """
        amount = payment.returnable_minor if amount_minor is None else amount_minor
        if not 0 < amount <= payment.returnable_minor:
            raise Conflict("more than what is left of the payment cannot be claimed")
        if self.now() - payment.paid_at > CLAIM_WINDOW:
            raise Conflict("the payment is more than 80 days old")
        found = Return(f"MED{secrets.token_hex(12)}", amount, _NATURES[kind], self.now())
        payment.returns[found.id] = found
        self._end(payment, found, RETURNED)
        return found

    def _claim_rest(self, payment: Payment, kind: str) -> None:
        if payment.returnable_minor:
            self.claim(payment, kind)

    def _must_be_under_way(self, found: Return) -> None:
        if found.status != RETURNING:
            raise Conflict(f"the return is {found.status}")

    def _end(self, payment: Payment, found: Return, status: str, reason: str | None = None) -> None:
        if found.status != RETURNING:
            return
        found.status, found.reason = status, reason
        if status == RETURNED:
            found.settled_at = self.now()
        self._on_change(payment)
