"""What a charge that was read amounts to, as far as it says it by itself."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from guichet.domain.money import Money
from guichet.domain.orders import CollectOrder
from guichet.domain.outcomes import Done, Finality, Outcome, Reason, Refused, TakenBack, Unknown
from guichet.rails.pix import memory, wire
from guichet.rails.pix.api import Denied
from guichet.rails.pix.receipts import Receipts, add_up

_log = logging.getLogger(__name__)


def money_came(order: CollectOrder, payments: Sequence[wire.Pix]) -> Outcome:
    """The outcome of a charge that was paid by ``payments``, whatever its state.

    New money is told before old money that was taken back: otherwise a payment whose first money
    was taken back whole would be over before its second was counted. The outcome is then not the
    last word (accepted, not settled), so that the core looks again.
    """
    currency = order.money.currency
    try:
        receipts = add_up(payments, order.key, currency)
    except wire.Unreadable as error:
        return odd(order, str(error))
    if receipts.received_minor < order.received_minor:
        return odd(order, "less money is shown than was reported")
    kept, reference = _kept(order, receipts)
    is_news = receipts.received_minor > order.received_minor
    is_taken = receipts.taken_minor > order.returned_minor
    if is_taken and not is_news:
        return TakenBack(
            returned=Money(receipts.taken_minor, currency),
            code=receipts.taken_as,
            memory=kept,
            provider_reference=reference,
        )
    return Done(
        received=Money(receipts.received_minor, currency),
        finality=Finality.ACCEPTED if is_taken else Finality.SETTLED,
        memory=kept,
        provider_reference=reference,
    )


def asks_for_ours(order: CollectOrder, charge: wire.Charge) -> bool:
    """Whether the charge asks for the order's amount; raises ``Unreadable``."""
    return wire.minor_of(charge.valor.original, order.money.currency) == order.money.minor


def is_same_key(answered: str | None, ours: str) -> bool:
    """Whether both are the same key of the DICT, however it is punctuated."""
    return answered is None or _bare(answered) == _bare(ours)


def may_be_paid(order: CollectOrder) -> bool:
    """Whether a payer may have seen the charge's code."""
    return memory.SHOWN in order.memory or order.received_minor > 0


def remembering(order: CollectOrder, more: dict[str, str]) -> CollectOrder:
    """The order with more in its memory."""
    return replace(order, memory={**order.memory, **more})


def refused(denied: Denied) -> Refused:
    """The PSP took no charge: the request was wrong, or we may not ask now."""
    _log.warning("a charge was refused: %s", denied)
    wrong = denied.status in (400, 422)
    return Refused(reason=Reason.REJECTED if wrong else Reason.NOT_STARTED, code=denied.code)


def odd(order: CollectOrder, detail: str) -> Unknown:
    """An answer of which nothing can be made but a line in the log."""
    _log.warning("odd answer about a charge: %s", detail)
    return Unknown(detail=detail, memory=order.memory)


def _kept(order: CollectOrder, receipts: Receipts) -> tuple[dict[str, str], str]:
    """The memory with the Pix that came, and the one that was reported first."""
    known = memory.end_to_end_ids(order)
    ids = list(dict.fromkeys([*known, *receipts.end_to_end_ids]))
    return {**order.memory, memory.E2EIDS: " ".join(ids)}, ids[0]


def _bare(key: str) -> str:
    return "".join(each for each in key.casefold() if each.isalnum() or each == "@")
