"""Refunds at Notch Pay, which knows no reference of ours by which a repetition would be seen.

So a refund is posted once, at once; when nobody knows whether that arrived, it is looked for in
the list of refunds by our key, which stands in its ``reason``. It is posted again only if a whole
list, read after the time in which it would have appeared, shows none, and none of the same payment
that might be it.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from guichet.domain.clock import Clock
from guichet.domain.orders import RefundOrder
from guichet.domain.outcomes import Done, Outcome, Reason, Refused, Unknown, Waiting
from guichet.rails.mobile_money import Uncertain, Unreadable, exact_money
from guichet.rails.mobile_orders import VISIBILITY_SECONDS, Denied, Progress
from guichet.rails.notchpay import wire
from guichet.rails.notchpay.account import NotchpayAccount
from guichet.rails.notchpay.api import NotchpayApi
from guichet.rails.notchpay.statuses import REFUNDS, code_of, progress, reason_of

_ID_CHARACTERS_MAX = 256
#: How the reasons of our refunds begin; the key follows.
_OURS = "Guichet refund "

_log = logging.getLogger(__name__)


class Refunds:
    """Gives money back and says what became of that."""

    def __init__(self, api: NotchpayApi, clock: Clock) -> None:
        self._api = api
        self._clock = clock

    async def settle(self, account: NotchpayAccount, order: RefundOrder) -> Outcome:
        """Post a refund that is new, look at one that is not."""
        if order.provider_reference is not None:
            found = await self._api.read_refund(account, order.provider_reference)
            if found is None:
                return Unknown(detail="Notch Pay took the refund and does not find it")
            return self._reported(order, found)
        payment = await self._payment(account, order)
        if payment is None:
            return Unknown(detail="the payment to give back from is not found")
        if order.asked_at is None:
            return await self._post(account, order, payment)
        found = None
        async for each in self._api.refunds(account):
            if each.has_in_reason(order.key):
                return self._reported(order, each)
            if _may_be(each, order, payment):
                found = each
        if found is not None:
            return _odd("a refund of this payment may be this one")
        if self._clock.now() < order.asked_at + timedelta(seconds=VISIBILITY_SECONDS):
            return Unknown(detail="the refund is not found yet")
        return await self._post(account, order, payment)

    async def _payment(self, account: NotchpayAccount, order: RefundOrder) -> str | None:
        """Notch Pay's reference of the payment to give back from."""
        known, key = order.collected.provider_reference, order.collected.key
        if known is not None:
            return known
        found = await self._api.find(account, "payments", key, key)
        return found.reference if found is not None and found.is_named(key) else None

    async def _post(self, account: NotchpayAccount, order: RefundOrder, payment: str) -> Outcome:
        asked = wire.NewRefund(
            payment=payment, amount=wire.amount_of(order.money), reason=f"{_OURS}{order.key}"
        )
        try:
            found = await self._api.refund(account, asked)
        except Uncertain as uncertain:
            return Unknown(detail=str(uncertain))
        except Denied as denied:
            _log.warning("Notch Pay refused a refund: %s", denied)
            return Refused(reason=denied.reason or Reason.NOT_STARTED, code=denied.code)
        return self._reported(order, found)

    def _reported(self, order: RefundOrder, found: wire.Refund) -> Outcome:
        reference = found.id[:_ID_CHARACTERS_MAX]
        try:
            money = exact_money(
                wire.amount_text(found.amount), found.currency or order.money.currency
            )
        except Unreadable as error:
            return _odd(str(error))
        if money != order.money:
            return _odd("the refund is of another amount")
        match progress(found.status, REFUNDS):
            case Progress.COMPLETED:
                return Done(received=money, provider_reference=reference)
            case Progress.FAILED:
                return Refused(
                    reason=reason_of(found.status, found.why),
                    code=code_of(found.status, found.why),
                    provider_reference=reference,
                )
            case _:
                return Waiting(provider_reference=reference)


def _may_be(found: wire.Refund, order: RefundOrder, payment: str) -> bool:
    """Whether a refund that does not say whose it is may be this one: by payment and amount."""
    if found.has_in_reason(_OURS):
        return False
    is_of_another = str(found.payment).startswith("trx") and found.payment != payment
    try:
        money = exact_money(wire.amount_text(found.amount), order.money.currency)
    except Unreadable:
        money = order.money
    return not is_of_another and money == order.money


def _odd(detail: str) -> Unknown:
    _log.warning("odd answer of Notch Pay: %s", detail)
    return Unknown(detail=detail)
