"""What a rail reports about an attempt, and what the payer has to do next.

A rail reports facts; it never decides what they mean for the payment. ``Unknown`` is the important
one: a time-out is not a failure, and only a later look at the provider may leave it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from guichet.domain.money import Money


class Finality(IntEnum):
    """How certain received money is: the payer's bank said yes, or the money is on our account."""

    NONE = 0
    ACCEPTED = 1
    SETTLED = 2


class Reason(StrEnum):
    """Why an attempt or a payment did not end in money, in ISO 20022's sense but readable."""

    DECLINED = "declined"  # the payer refused
    REJECTED = "rejected"  # the payer's bank or the scheme refused (account closed, blocked…)
    INSUFFICIENT_FUNDS = "insufficient_funds"  # AM04
    TIMED_OUT = "timed_out"  # the payer did not act in time
    ABANDONED = "abandoned"  # the payer never began
    NOT_STARTED = "not_started"  # the provider took no order: the payer may try again
    WITHDRAWN = "withdrawn"  # the payee's side withdrew it
    PROVIDER_ERROR = "provider_error"  # the provider says it failed, without saying why
    SHORT = "short"  # less money came than was asked for
    CURRENCY = "currency"  # money of another currency came


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the payer's browser to ``url``."""

    url: str


@dataclass(frozen=True, slots=True)
class ShowCode:
    """Show the payer a code to pay with: a BR Code's text, as a QR picture and to copy."""

    text: str


NextStep = Redirect | ShowCode


@dataclass(frozen=True, slots=True, kw_only=True)
class _Report:
    """What every outcome may carry.

    ``provider_reference``: the provider's own id of the payment, once it has one.
    ``memory``: what the rail wants back on the next call (ids and tokens; sealed at rest). It
    replaces the former memory; None keeps it.
    """

    provider_reference: str | None = None
    memory: dict[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting(_Report):
    """Nothing is decided yet. ``look_again_seconds`` is the rail's own advice on polling."""

    next_step: NextStep | None = None
    look_again_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Done(_Report):
    """The money is here (or the payer's bank says it will be): ``received`` is all that really
    came so far. A later report may say that more came.
    """

    received: Money
    finality: Finality = Finality.SETTLED


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(_Report):
    """The attempt is known dead: no money moved and none will.

    ``code`` is the provider's or ISO 20022's own code (``AC04``), kept as evidence.
    """

    reason: Reason
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown(_Report):
    """The provider may or may not have acted. ``detail`` is for the operator, without secrets."""

    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack(_Report):
    """Money reported as received was taken back by the rail: a late failure, a claw-back.

    ``returned`` is all that was taken back so far; None: everything that came. Refunds that we
    asked for are not among it.
    """

    returned: Money | None = None
    code: str | None = None


Outcome = Waiting | Done | Refused | Unknown | TakenBack


@dataclass(frozen=True, slots=True)
class Reply:
    """What the payer's browser brought back from the provider: never proof, only a hint.

    ``parameters`` are the query's names and values as they came (first value of each name).
    """

    parameters: dict[str, str]


@dataclass(frozen=True, slots=True)
class Held:
    """All that came for an order, and all of it that went back since, whoever gave or took it."""

    received: Money
    returned_minor: int


@dataclass(frozen=True, slots=True)
class Notice:
    """One operation that a provider's notice names, by whichever handle the provider used."""

    attempt_key: str | None = None
    provider_reference: str | None = None
