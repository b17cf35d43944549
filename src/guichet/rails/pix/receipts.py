"""What the Pix of a charge come to: money in, and money that was taken back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from guichet.domain.money import Money
from guichet.domain.outcomes import Held
from guichet.rails.pix import wire
from guichet.rails.pix.statuses import Progress, is_taken, progress

_END_TO_END_ID = re.compile(r"[A-Za-z0-9]{32}")


@dataclass(frozen=True, slots=True)
class Receipts:
    """All that came for a charge so far.

    ``taken_minor`` of it was taken back by the scheme (MED), the last time as ``taken_as``; what
    we gave back ourselves is not among it.
    """

    received_minor: int
    taken_minor: int
    taken_as: str | None
    end_to_end_ids: tuple[str, ...]


def add_up(payments: Sequence[wire.Pix], txid: str, currency: str) -> Receipts:
    """The sum of the Pix of the charge ``txid``; raises ``Unreadable`` if anything is odd.

    A Pix that is listed twice counts once.
    """
    received: dict[str, int] = {}
    taken: dict[tuple[str, str], int] = {}
    taken_as = None
    for pix in payments:
        if not is_end_to_end_id(pix.end_to_end_id):
            raise wire.Unreadable("a Pix without an end-to-end id")
        if pix.txid not in (None, txid):
            raise wire.Unreadable("a Pix of another charge")
        minor = wire.minor_of(pix.valor, currency)
        if minor == 0 or received.setdefault(pix.end_to_end_id, minor) != minor:
            raise wire.Unreadable("a Pix of no amount, or of two")
        for refund in pix.devolucoes or ():
            if is_taken(refund.natureza) and progress(refund.status) is Progress.RETURNED:
                minor = wire.minor_of(refund.valor, currency)
                taken[pix.end_to_end_id, refund.id] = minor
                taken_as = refund.natureza
    return Receipts(sum(received.values()), sum(taken.values()), taken_as, tuple(received))


def held(payments: Sequence[wire.Pix], txid: str, currency: str) -> Held:
    """All that came for the charge ``txid``, and all that went back; raises ``Unreadable``."""
    came = add_up(payments, txid, currency)
    returned = {
        (pix.end_to_end_id, refund.id): wire.minor_of(refund.valor, currency)
        for pix in payments
        for refund in pix.devolucoes or ()
        if progress(refund.status) is Progress.RETURNED
    }
    return Held(Money(came.received_minor, currency), sum(returned.values()))


def left_minor(pix: wire.Pix, currency: str) -> int:
    """What of the Pix can still be given back; raises ``Unreadable``."""
    gone = {
        refund.id: wire.minor_of(refund.valor, currency)
        for refund in pix.devolucoes or ()
        if progress(refund.status) is not Progress.FAILED
    }
    return wire.minor_of(pix.valor, currency) - sum(gone.values())


def is_end_to_end_id(text: str) -> bool:
    """Whether the text has the shape of an end-to-end id."""
    return _END_TO_END_ID.fullmatch(text) is not None
