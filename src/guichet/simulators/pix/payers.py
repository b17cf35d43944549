"""What a payer makes happen, chosen by name in the wallet or the control API, or by CPF.

A charge whose ``devedor.cpf`` is a test CPF pays itself a moment after it was created. The tables
for people are in ``docs/simulators.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .banks import DEFAULT_BANK, Bank
from .reasons import REASONS

Share = Literal["exact", "less", "more"]
Returns = Literal["settle", "stay", "refuse"]
Claim = Literal["fraud", "operational"]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way to pay.

    ``share``: how much of the amount is paid. ``times``: how many times. ``rejected``: the code
    that the network rejects it with. ``waits_seconds``: how long the money is under way.
    ``notices``: copies of each webhook about it. ``returns``: what becomes of our returns of this
    Pix. ``claim``: the kind of MED claim that takes the money back a moment after.
    """

    name: str
    does: str
    fazer: str
    share: Share = "exact"
    times: int = 1
    rejected: str | None = None
    waits_seconds: float = 0
    notices: int = 1
    returns: Returns | None = None
    claim: Claim | None = None
    cpf: str | None = None


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays, and from which bank."""

    name: str = "Maria Souza"
    cpf: str = "90000000175"
    bank: Bank = DEFAULT_BANK


OUTCOMES = (
    Scenario("exact", "Pays exactly", "Paga o valor exato", cpf="80000000167"),
    Scenario("less", "Pays a tenth less", "Paga um décimo a menos", "less", cpf="80000000248"),
    Scenario("more", "Pays a tenth more", "Paga um décimo a mais", "more", cpf="80000000329"),
    Scenario("twice", "Pays twice", "Paga duas vezes", times=2, cpf="80000000400"),
    Scenario(
        "slow",
        "The money arrives half a minute later",
        "O dinheiro chega meio minuto depois",
        waits_seconds=30,
        cpf="80000000590",
    ),
    Scenario(
        "silent",
        "Pays, the shop gets no notice",
        "Paga, a loja não é avisada",
        notices=0,
        cpf="80000000671",
    ),
    Scenario(
        "repeated",
        "Pays, the shop gets every notice twice",
        "Paga, a loja é avisada duas vezes",
        notices=2,
        cpf="80000000752",
    ),
    Scenario(
        "return-stays",
        "Pays; a return stays under way",
        "Paga; a devolução fica em processamento",
        returns="stay",
        cpf="80000000833",
    ),
    Scenario(
        "return-refused",
        "Pays; a return fails",
        "Paga; a devolução não é realizada",
        returns="refuse",
        cpf="80000000914",
    ),
    Scenario(
        "med-fraud",
        "Pays; the bank takes all back for fraud",
        "Paga; o MED devolve tudo por fraude",
        claim="fraud",
        cpf="80000001058",
    ),
    Scenario(
        "med-operational",
        "Pays; the bank takes all back for an error",
        "Paga; o MED devolve tudo por falha operacional",
        claim="operational",
        cpf="80000001139",
    ),
)

SCENARIOS = {
    each.name.lower(): each
    for each in (
        *OUTCOMES,
        *(
            Scenario(code, english, portuguese, rejected=code)
            for code, (english, portuguese) in REASONS.items()
        ),
    )
}
EXACT = SCENARIOS["exact"]
BY_CPF = {each.cpf: each for each in OUTCOMES if each.cpf is not None}


def scenario_of(name: str) -> Scenario | None:
    """A scenario by its name, upper or lower case."""
    return SCENARIOS.get(name.strip().lower())


def amount_by(scenario: Scenario, amount_minor: int) -> int:
    """What the payer pays of an amount, never nothing; a tenth is a centavo at least."""
    tenth = max(amount_minor // 10, 1)
    paid = amount_minor + {"exact": 0, "less": -tenth, "more": tenth}[scenario.share]
    return max(paid, 1)
