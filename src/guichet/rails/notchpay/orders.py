"""Payments and transfers at Notch Pay, each under our key as the merchant's ``reference``.

A reference is taken once, so an order in doubt is looked up by it and may be posted again while it
is wanted. A payment takes two steps: it is made, which asks nobody, and processed with a channel
and a phone, which asks its payer, once at most: only a payment that is ``pending`` can be.

Memory, beside that of ``mobile_orders``: ``reference``, Notch Pay's own; ``asked``, the Unix time
of the last processing whose fate we did not learn; ``prompted``, that one was taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from guichet.domain.clock import Clock
from guichet.domain.outcomes import Outcome, Reason, Refused, Unknown, Waiting
from guichet.rails.mobile_money import Uncertain
from guichet.rails.mobile_orders import Ask, Denied, Found, Orders, Progress
from guichet.rails.notchpay import wire
from guichet.rails.notchpay.account import NotchpayAccount
from guichet.rails.notchpay.api import NotchpayApi
from guichet.rails.notchpay.statuses import PAYMENTS, TRANSFERS, code_of, progress, reason_of
from guichet.rails.port import RailUnavailable

REFERENCE, ASKED, PROMPTED = "reference", "asked", "prompted"

#: So long after we gave up waiting a processing may still be on its way; what is in doubt is to be
#: settled a minute after the provider is well again (docs/reliability.md, G5).
_PROCESSING_SECONDS = 30
_REFERENCE_CHARACTERS_MAX = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentAsk(Ask):
    """A payment; ``phone`` are digits with the country's code."""

    account: NotchpayAccount
    environment: str
    channel: str
    phone: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferAsk(Ask):
    """A transfer and what is posted for it."""

    account: NotchpayAccount
    environment: str
    order: wire.NewTransfer


class Payments(Orders[PaymentAsk]):
    """Payments: made, processed, read, cancelled."""

    carrier = "Notch Pay"

    def __init__(self, api: NotchpayApi, clock: Clock) -> None:
        super().__init__(clock)
        self._api = api

    async def find(self, ask: PaymentAsk) -> Found | None:
        """The payment, by Notch Pay's reference once we know it."""
        reference = ask.memory.get(REFERENCE, ask.key)
        order = await self._api.find(ask.account, "payments", reference, ask.key)
        return None if order is None else _found(order, ask, PAYMENTS)

    async def place(self, ask: PaymentAsk) -> Found:
        """Make the payment; nobody is asked by that."""
        order = wire.NewPayment(
            amount=wire.amount_of(ask.money),
            currency=ask.money.currency,
            phone=ask.phone,
            reference=ask.key,
            locked_channel=ask.channel,
            description=wire.description_of(ask.description) or None,
        )
        return _found(await self._api.create(ask.account, "payments", order), ask, PAYMENTS)

    async def post(self, ask: PaymentAsk) -> Outcome:
        """Make the payment and ask its payer."""
        outcome = await super().post(ask)
        if not isinstance(outcome, Waiting):
            return outcome
        memory = outcome.memory or {}
        if memory.get(REFERENCE) is None or PROMPTED in memory or ASKED in memory:
            return outcome
        return await self._process(replace(ask, memory=memory))

    async def decide(self, ask: PaymentAsk, found: Found) -> Outcome:
        """Ask the payer of a payment that nobody was asked for, or cancel it if it is not wanted.

        A payment that a processing with a lost answer left pending is left in peace for a while.
        """
        if found.progress is not Progress.UNTOUCHED or found.oddity is not None:
            return self.reported(ask, found)
        ask = replace(ask, memory=self.remembered(ask, found))
        if not ask.wanted:
            return await self._cancel(ask, found)
        is_on_its_way = self.now() < int(ask.memory.get(ASKED, "0")) + _PROCESSING_SECONDS
        if PROMPTED in ask.memory or is_on_its_way:
            return self.reported(ask, found)
        return await self._process(ask)

    async def _process(self, ask: PaymentAsk) -> Outcome:
        reference, memory = ask.memory[REFERENCE], dict(ask.memory)
        order = wire.Processing(channel=ask.channel, data={"phone": ask.phone})
        try:
            taken = await self._api.process(ask.account, reference, order)
        except RailUnavailable as error:
            return Unknown(detail=str(error), memory=memory, provider_reference=reference)
        except Uncertain as uncertain:
            memory[ASKED] = str(self.now())
            return Unknown(detail=str(uncertain), memory=memory, provider_reference=reference)
        except Denied as denied:
            return await self._not_processed(ask, denied)
        memory[PROMPTED] = str(self.now())
        return self.reported(replace(ask, memory=memory), _found(taken, ask, PAYMENTS))

    async def _not_processed(self, ask: PaymentAsk, denied: Denied) -> Outcome:
        """A no to processing: to a payment that moved on, or for good to one that is pending."""
        memory = dict(ask.memory)
        try:
            found = await self.find(ask)
        except RailUnavailable:
            found = None
        if found is None:
            return Unknown(detail=str(denied), memory=memory)
        if found.progress is not Progress.UNTOUCHED or found.oddity is not None:
            return self.reported(ask, found)
        if ASKED in memory or PROMPTED in memory:
            return Unknown(detail=str(denied), memory=memory)
        refused = self.refused(denied)
        return replace(refused, memory=memory, provider_reference=memory[REFERENCE])

    async def _cancel(self, ask: PaymentAsk, found: Found) -> Outcome:
        """Withdraw a pending payment; what has moved on meanwhile is reported."""
        reference, memory = ask.memory[REFERENCE], dict(ask.memory)
        try:
            await self._api.cancel(ask.account, "payments", reference)
        except Denied as denied:
            now_found = await self.find(ask)
            if now_found is None or now_found.progress is Progress.UNTOUCHED:
                return Unknown(detail=str(denied), memory=memory)
            return self.reported(ask, now_found)
        except Uncertain as uncertain:
            return Unknown(detail=str(uncertain), memory=memory)
        return Refused(
            reason=Reason.TIMED_OUT,
            code="canceled",
            memory=memory,
            provider_reference=found.reference,
        )


class Transfers(Orders[TransferAsk]):
    """Transfers: posted and read."""

    carrier = "Notch Pay"

    def __init__(self, api: NotchpayApi, clock: Clock) -> None:
        super().__init__(clock)
        self._api = api

    async def find(self, ask: TransferAsk) -> Found | None:
        """The transfer, by Notch Pay's reference once we know it."""
        reference = ask.memory.get(REFERENCE, ask.key)
        order = await self._api.find(ask.account, "transfers", reference, ask.key)
        return None if order is None else _found(order, ask, TRANSFERS)

    async def place(self, ask: TransferAsk) -> Found:
        """Post the transfer."""
        order = await self._api.create(ask.account, "transfers", ask.order)
        return _found(order, ask, TRANSFERS)


def _found(
    order: wire.Order, ask: PaymentAsk | TransferAsk, words: Mapping[str, Progress]
) -> Found:
    """The order as it stands, compared with the one that we asked for."""
    reference = order.reference[:_REFERENCE_CHARACTERS_MAX]
    is_sandbox = ask.environment != "live"
    oddity = None
    if not order.is_named(ask.key):
        oddity = "the order is another one"
    elif order.is_sandbox not in {None, is_sandbox}:
        oddity = "the order is of another environment"
    return Found(
        progress=progress(order.status, words),
        oddity=oddity,
        reference=reference,
        amount=order.amount_text,
        currency=order.currency,
        reason=reason_of(order.status, order.why),
        code=code_of(order.status, order.why),
        memory={} if oddity else {REFERENCE: reference},
    )
