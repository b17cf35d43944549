"""Neopay's words for what the core calls rails, environments and states: total, both ways."""

from __future__ import annotations

from guichet.domain.outcomes import Reason
from guichet.domain.payments import PAYMENT

SERVICE_OF_RAIL = {"open_banking": "api", "pix": "pix"}
#: The rails whose payers pay by a code, ``qr_code``, instead of going to ``authorisationUrl``.
CODE_RAILS = frozenset({"pix"})
#: The word for whatever was paid by a payment link (contract 12b #15).
LINKS_SERVICE = "links"
RAIL_OF_SERVICE = {service: rail for rail, service in SERVICE_OF_RAIL.items()}

#: The documented filter example spells two words wrong, and must work (contract 6.2).
_DOCUMENTED_SERVICE_TYPOS = {"ap": "api"}
_DOCUMENTED_STATUS_TYPOS = {"pendingi": "pending"}

#: A payment that failed for one of these reasons was declined: by the payer or by their bank.
_DECLINED = frozenset({Reason.DECLINED, Reason.REJECTED})
_WORD_OF_STATUS = {
    "pending": "pending",
    "processing": "pending",
    "completed": "completed",
    "failed": "failed",
    "cancelled": "declined",
    "expired": "expired",
    "reversed": "failed",
}


def status_word(status: str, reason: str | None) -> str:
    """Neopay's word for a payment's state."""
    if status == "failed" and reason in _DECLINED:
        return "declined"
    return _WORD_OF_STATUS[status]


def _states_by_word() -> dict[str, tuple[tuple[str, str], ...]]:
    states: dict[str, list[tuple[str, str]]] = {}
    for status in PAYMENT.states:
        for reason in ("", *Reason):
            states.setdefault(status_word(status, reason), []).append((status, str(reason)))
    return {word: tuple(pairs) for word, pairs in states.items()}


_STATES = _states_by_word()
#: Every word that a payment's state has on the wire.
WORDS = tuple(_STATES)


def states_of(word: str) -> tuple[tuple[str, str], ...]:
    """The (status, reason) pairs behind Neopay's word, ``""`` being no reason; none if unknown."""
    word = word.lower()
    return _STATES.get(_DOCUMENTED_STATUS_TYPOS.get(word, word), ())


def rail_of(service: str) -> str | None:
    """The rail behind Neopay's service word; None if unknown."""
    word = service.lower()
    return RAIL_OF_SERVICE.get(_DOCUMENTED_SERVICE_TYPOS.get(word, word))
