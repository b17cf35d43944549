"""Giving money back: a ``devolução`` of a Pix under our own id, asked for once.

A PSP denies an id that was used before instead of answering with the first one's result, so the id
is looked up before it is used, and again after every doubt.
"""

from __future__ import annotations

import logging
import re

from guichet.domain.orders import RefundOrder
from guichet.domain.outcomes import (
    Done,
    Finality,
    Outcome,
    Reason,
    Refused,
    Unknown,
    Waiting,
)
from guichet.rails.pix import memory, wire
from guichet.rails.pix.api import Denied, Odd, PixApi, Uncertain
from guichet.rails.pix.receipts import is_end_to_end_id, left_minor
from guichet.rails.pix.sessions import Session
from guichet.rails.pix.statuses import Progress, code_in, progress, reason_of
from guichet.rails.port import RailUnavailable

_log = logging.getLogger(__name__)
_NO_BALANCE = re.compile(r"\bsaldo\b", re.IGNORECASE)
#: ISO 20022: an amount that is not allowed.
_NOT_ALLOWED_AMOUNT = "AM02"


class Refunds:
    """Gives back what came by charges."""

    def __init__(self, api: PixApi) -> None:
        self._api = api

    async def refund(self, session: Session, order: RefundOrder) -> Outcome:
        """What became of the refund, which is asked for if the PSP does not know its id."""
        try:
            payments = await self._payments(session, order)
            for pix in payments:
                found = await self._find(session, pix.end_to_end_id, order.key)
                if found is not None:
                    return _reported(order, found)
            chosen = _chosen(payments, order)
        except (Odd, wire.Unreadable) as odd:
            return _odd(str(odd))
        if chosen is None:
            return Refused(reason=Reason.REJECTED, code=_NOT_ALLOWED_AMOUNT)
        return await self._create(session, order, chosen)

    async def _create(self, session: Session, order: RefundOrder, end_to_end_id: str) -> Outcome:
        request = wire.RefundRequest(valor=wire.amount_text(order.money))
        try:
            made = await self._api.create_refund(session, end_to_end_id, order.key, request)
        except Denied as denied:
            return await self._denied(session, order, end_to_end_id, denied)
        except Uncertain as uncertain:
            return Unknown(detail=str(uncertain))
        return _reported(order, made)

    async def _denied(
        self, session: Session, order: RefundOrder, end_to_end_id: str, denied: Denied
    ) -> Outcome:
        """A no may mean that the id was used: by an earlier try of ours, still under way then."""
        try:
            found = await self._find(session, end_to_end_id, order.key)
        except (Uncertain, RailUnavailable):
            return Unknown(detail=str(denied))
        if found is not None:
            return _reported(order, found)
        _log.warning("a refund was refused: %s", denied)
        return Refused(reason=_reason(None, denied.text), code=denied.code)

    async def _payments(self, session: Session, order: RefundOrder) -> list[wire.Pix]:
        """The Pix that the money came by; of a single one its id is enough."""
        collected = order.collected
        ids = memory.end_to_end_ids(collected)
        if len(ids) == 1:
            return [wire.Pix(end_to_end_id=ids[0])]
        try:
            charge = await self._api.charge(session, collected.key)
        except Odd:
            raise
        except (Denied, Uncertain) as error:
            raise RailUnavailable(str(error)) from error
        payments = [pix for pix in charge.pix or () if is_end_to_end_id(pix.end_to_end_id)]
        if charge.txid != collected.key or not set(ids) <= {p.end_to_end_id for p in payments}:
            raise wire.Unreadable("the Pix that were reported are not shown any more")
        return sorted(payments, key=lambda pix: pix.end_to_end_id not in ids)

    async def _find(
        self, session: Session, end_to_end_id: str, refund_id: str
    ) -> wire.Refund | None:
        """The refund with this id, if there is one; raises ``Odd`` and ``RailUnavailable``."""
        try:
            return await self._api.refund(session, end_to_end_id, refund_id)
        except Denied as denied:
            if denied.is_absence:
                return None
            raise RailUnavailable(str(denied)) from denied
        except Odd:
            raise
        except Uncertain as error:
            raise RailUnavailable(str(error)) from error


def _chosen(payments: list[wire.Pix], order: RefundOrder) -> str | None:
    """The Pix to give back from: the first of which enough is left.

    Always the same one for the same refund as long as it can bear it, so that an earlier try that
    arrives late meets its own id there.
    """
    if len(payments) == 1:
        return payments[0].end_to_end_id
    currency = order.money.currency
    enough = (pix for pix in payments if left_minor(pix, currency) >= order.money.minor)
    first = next(enough, None)
    return first.end_to_end_id if first else None


def _reported(order: RefundOrder, refund: wire.Refund) -> Outcome:
    """The outcome that a refund's representation amounts to."""
    reference = refund.rtr_id if refund.rtr_id and is_end_to_end_id(refund.rtr_id) else None
    try:
        minor = wire.minor_of(refund.valor, order.money.currency)
    except wire.Unreadable as error:
        return _odd(str(error))
    if refund.id != order.key or minor != order.money.minor:
        return _odd("the refund is another one")
    match progress(refund.status):
        case Progress.UNDER_WAY:
            return Waiting(provider_reference=reference)
        case Progress.RETURNED:
            return Done(
                received=order.money, finality=Finality.SETTLED, provider_reference=reference
            )
        case Progress.FAILED:
            code = code_in(refund.motivo or "")
            return Refused(
                reason=_reason(code, refund.motivo or ""),
                code=code or refund.status,
                provider_reference=reference,
            )


def _reason(code: str | None, text: str) -> Reason:
    return Reason.INSUFFICIENT_FUNDS if _NO_BALANCE.search(text) else reason_of(code)


def _odd(detail: str) -> Unknown:
    _log.warning("odd answer about a refund: %s", detail)
    return Unknown(detail=detail)
