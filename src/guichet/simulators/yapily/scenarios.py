"""What the bank does with a payment, chosen by the name that the payer logs in with.

A scenario is a list of steps and what happens to the answer of the call that creates the payment.
The first step happens at once, each further one when the payment has been read ``after_reads``
times or ``after_seconds`` of simulated time have passed, whichever is first; a step with neither
waits for the control API. The table for people is in ``docs/simulators.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from guichet.simulators.common.faults import Fault

from .reasons import REASONS

Moves = Literal["exact", "short", "over", "back", "nothing"]
_HOUR = 3600
_DAY = 24 * _HOUR


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a payment: Yapily's status, the ISO status beside it, what money moves."""

    status: str
    iso_code: str
    moves: Moves = "nothing"
    reason: str | None = None
    after_reads: int | None = None
    after_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a test user makes happen.

    ``fault``: what becomes of the answer to the first POST /payments (``when="before"``: the bank
    never got the order, a repeated call is carried out). ``hidden_reads``: how many reads of the
    details find nothing. ``notices``: how many copies of each webhook are sent.
    """

    user: str
    does: str
    steps: tuple[Step, ...]
    fault: Fault | None = None
    hidden_reads: int = 0
    notices: int = 1


_PAID = Step("COMPLETED", "ACCC", moves="exact")
_ACCEPTED = Step("COMPLETED", "ACSC", moves="exact")
_PENDING = Step("PENDING", "ACSP")
_SETTLED = Step("COMPLETED", "ACCC", after_reads=2, after_seconds=_HOUR)
_LATE = Step("COMPLETED", "ACCC", moves="exact", after_reads=3, after_seconds=_HOUR)
_RETURNED = Step("FAILED", "RJCT", "back", "FOCR", after_reads=2, after_seconds=_DAY)


def _rejected(code: str, does: str) -> Scenario:
    return Scenario(code, f"{does}: rejected", (Step("FAILED", "RJCT", reason=code),))


OUTCOMES = (
    Scenario("mits", "Pays, settled at once", (_PAID,)),
    Scenario("accepted", "Pays; accepted first, settled on the second look", (_ACCEPTED, _SETTLED)),
    Scenario("slow", "Stays pending, pays on the third look", (_PENDING, _LATE)),
    Scenario("pending", "Stays pending until it is settled by hand", (_PENDING,)),
    Scenario("takenback", "Pays, then the bank takes the money back", (_ACCEPTED, _RETURNED)),
    Scenario("short", "Pays a tenth less", (Step("COMPLETED", "ACCC", moves="short"),)),
    Scenario("over", "Pays a tenth more", (Step("COMPLETED", "ACCC", moves="over"),)),
    Scenario("timeout", "Pays, connection cut before the answer", (_PAID,), Fault("drop")),
    Scenario("hang", "Pays, the answer never comes", (_PAID,), Fault("hold")),
    Scenario("lost", "Connection cut, nothing paid", (_PAID,), Fault("drop", "before")),
    Scenario("error502-moved", "Pays, but answers 502", (_PAID,), Fault("error")),
    Scenario("error502", "Answers 502, nothing paid", (_PAID,), Fault("error", "before")),
    Scenario("garbled", "Pays, the answer is broken", (_PAID,), Fault("garble")),
    Scenario("notfound", "Pays, cannot be found for three looks", (_PAID,), hidden_reads=3),
    Scenario("silent", "Pays, sends no webhook", (_PAID,), notices=0),
    Scenario("twice", "Pays, sends every webhook twice", (_PAID,), notices=2),
)

SCENARIOS = {
    each.user.lower(): each
    for each in (*OUTCOMES, *(_rejected(code, does) for code, does in REASONS.items()))
}


def scenario_of(user: str) -> Scenario | None:
    """The scenario of a login name, upper or lower case; None for a name nobody has."""
    return SCENARIOS.get(user.strip().lower())


def password_is_right(user: str, password: str) -> bool:
    """Everybody's password is ``mits`` or their own name."""
    return password.strip().lower() in {"mits", user.strip().lower()}
