"""What happens to a request, chosen by the wallet's number.

Each operator has test numbers: its ``first`` one and those that follow. The tables for people are
in ``docs/simulators.md``; the first six, and the older ones, are Notch Pay's own sandbox numbers,
and 46733123450 and onwards are MTN's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from guichet.simulators.common.faults import Fault

from .operators import Operator

Ends = Literal["completes", "fails", "waits", "asks", "late"]


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a number makes happen.

    ``ends``: at once (``completes``, ``fails`` with ``reason``), when the control API decides
    (``waits``), when the customer answers on the phone (``asks``), or by itself on the third look
    or a minute later (``late``). ``fault``: what becomes of the answer to the first order
    (``before``: the operator never got it, a repeated one is carried out). ``hidden_looks``: how
    many looks find nothing. ``callbacks``: copies of the callback. ``refunds``: what becomes of
    money given back to the number. ``wallet``: whether the number has one, and may use it.
    """

    does: str
    fait: str
    ends: Ends = "completes"
    reason: str | None = None
    fault: Fault | None = None
    hidden_looks: int = 0
    callbacks: int = 1
    refunds: Ends = "completes"
    wallet: Literal["open", "blocked", "none"] = "open"


#: What a number means by its distance from the operator's first one.
NUMBERED = (
    Scenario("Completes", "Aboutit"),
    Scenario("Not enough money", "Solde insuffisant", "fails", "NOT_ENOUGH_FUNDS"),
    Scenario("Fails", "Échoue", "fails", "INTERNAL_PROCESSING_ERROR"),
    Scenario("Expires", "Expire", "fails", "EXPIRED"),
    Scenario("The customer cancels", "Le client annule", "fails", "APPROVAL_REJECTED"),
    Scenario("Never ends", "Ne finit jamais", "waits"),
    Scenario("Completes, no callback ever", "Aboutit, sans rappel", callbacks=0),
    Scenario("Completes, the answer is lost", "Aboutit, réponse perdue", fault=Fault("drop")),
    Scenario(
        "The order is lost; a repeated one completes",
        "Ordre perdu ; répété, il aboutit",
        fault=Fault("drop", "before"),
    ),
    Scenario("Completes, but answers 500", "Aboutit, répond 500", fault=Fault("error", status=500)),
    Scenario(
        "Answers 503; a repeated order completes",
        "Répond 503 ; répété, il aboutit",
        fault=Fault("error", "before", status=503),
    ),
    Scenario("Completes after a while", "Aboutit après un moment", "late"),
    Scenario("Completes, two callbacks", "Aboutit, deux rappels", callbacks=2),
    Scenario("Completes, three looks find nothing", "Aboutit, introuvable", hidden_looks=3),
    Scenario("Limit reached", "Plafond atteint", "fails", "PAYER_LIMIT_REACHED"),
    Scenario("Has no wallet", "Sans compte", "fails", "PAYER_NOT_FOUND", wallet="none"),
    Scenario("The wallet is blocked", "Compte bloqué", "fails", "NOT_ALLOWED", wallet="blocked"),
    Scenario("Completes, the answer is broken", "Aboutit, réponse abîmée", fault=Fault("garble")),
    Scenario("Completes; refunds fail", "Aboutit ; remboursement échoue", refunds="fails"),
    Scenario("Completes; refunds never end", "Aboutit ; remboursement en cours", refunds="waits"),
)
COMPLETES = NUMBERED[0]
ON_THE_PHONE = Scenario("Answer on the phone", "Répondre au téléphone", "asks")
LATE = NUMBERED[11]
#: These numbers, counted from the operator's first one, wait for the customer's answer.
PHONES = range(100, 200)

#: Older documents of Notch Pay.
_OLDER = {
    "237674481721": COMPLETES,
    "237656019261": COMPLETES,
    "237674000000": NUMBERED[2],
    "237656000000": NUMBERED[2],
}


def _mtn(reasons: str) -> dict[str, Scenario]:
    """MTN's sandbox numbers from 46733123450 on, by the words for what happens to each."""
    table = {}
    for index, word in enumerate(reasons.split()):
        scenario = {"ONGOING": NUMBERED[5], "DELAYED": LATE}.get(word)
        text = word.replace("_", " ").capitalize()
        table[str(46733123450 + index)] = scenario or Scenario(text, text, "fails", word)
    return table


#: https://momodeveloper.mtn.com/api-documentation/testing (Sandbox Use Cases).
MTN_PAYERS = _mtn(
    "INTERNAL_PROCESSING_ERROR APPROVAL_REJECTED EXPIRED ONGOING DELAYED PAYER_NOT_FOUND"
    " PAYEE_NOT_ALLOWED_TO_RECEIVE NOT_ALLOWED NOT_ALLOWED_TARGET_ENVIRONMENT"
    " INVALID_CALLBACK_URL_HOST INVALID_CURRENCY INTERNAL_PROCESSING_ERROR SERVICE_UNAVAILABLE"
    " COULD_NOT_PERFORM_TRANSACTION INTERNAL_PROCESSING_ERROR"
)
MTN_PAYEES = _mtn(
    "INTERNAL_PROCESSING_ERROR APPROVAL_REJECTED EXPIRED ONGOING DELAYED NOT_ENOUGH_FUNDS"
    " PAYER_LIMIT_REACHED PAYEE_NOT_FOUND NOT_ALLOWED NOT_ALLOWED_TARGET_ENVIRONMENT"
    " INVALID_CALLBACK_URL_HOST INVALID_CURRENCY INTERNAL_PROCESSING_ERROR SERVICE_UNAVAILABLE"
)
#: What ``referenceIdToRefund`` 1 to 13 makes of a refund; 1 is not found at all.
MTN_REFUNDS = {
    str(index): each
    for index, each in enumerate(
        _mtn(
            "RESOURCE_NOT_FOUND INTERNAL_PROCESSING_ERROR APPROVAL_REJECTED EXPIRED ONGOING"
            " DELAYED NOT_ALLOWED NOT_ALLOWED_TARGET_ENVIRONMENT INVALID_CALLBACK_URL_HOST"
            " INVALID_CURRENCY INTERNAL_PROCESSING_ERROR SERVICE_UNAVAILABLE"
            " COULD_NOT_PERFORM_TRANSACTION"
        ).values(),
        start=1,
    )
}
#: How the question whether an account holder is active is answered: an error, or inactive.
MTN_HOLDERS = {
    "46733123450": "RESOURCE_NOT_FOUND",
    "46733123451": "INACTIVE",
    "46733123452": "NOT_ALLOWED",
    "46733123453": "NOT_ALLOWED_TARGET_ENVIRONMENT",
    "46733123454": "INTERNAL_PROCESSING_ERROR",
    "46733123455": "SERVICE_UNAVAILABLE",
    "notfound@email.com": "RESOURCE_NOT_FOUND",
    "notactive@email.com": "INACTIVE",
    "notallowed@email.com": "NOT_ALLOWED",
    "notallowedtargetenvironment@email.com": "NOT_ALLOWED_TARGET_ENVIRONMENT",
    "internalprocessingerror@email.com": "INTERNAL_PROCESSING_ERROR",
    "serviceunavailable@email.com": "SERVICE_UNAVAILABLE",
}


def numbers_of(operator: Operator) -> list[tuple[str, Scenario]]:
    """The operator's test numbers with what they do."""
    first = int(operator.first)
    numbers = [(str(first + index), each) for index, each in enumerate(NUMBERED)]
    return [*numbers, (str(first + PHONES.start), ON_THE_PHONE)]


def scenario_of(operator: Operator, number: str, plain: Scenario) -> Scenario:
    """What a wallet's number makes happen; ``plain``: what all numbers do that mean nothing."""
    if number in _OLDER:
        return _OLDER[number]
    if len(number) == len(operator.first) and number.isdigit():
        distance = int(number) - int(operator.first)
        if 0 <= distance < len(NUMBERED):
            return NUMBERED[distance]
        if distance in PHONES:
            return ON_THE_PHONE
    return plain
