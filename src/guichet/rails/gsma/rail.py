"""The connector to operators that speak GSMA's API: payers confirm on their phone, payees get
money on theirs.

How an order is carried out once at most, and found again, says ``orders``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import quote

from guichet.domain.clock import Clock, SystemClock
from guichet.domain.currencies import EXPONENTS
from guichet.domain.orders import CollectOrder, ProviderAccount, RefundOrder, SendOrder
from guichet.domain.outcomes import Notice, Outcome, Reason, Refused, Unknown
from guichet.outbound.client import GuardedClient
from guichet.rails.gsma import notices, wire
from guichet.rails.gsma.account import GsmaAccount
from guichet.rails.gsma.api import GsmaApi
from guichet.rails.gsma.orders import GsmaAsk, GsmaOrders
from guichet.rails.gsma.sessions import sessions
from guichet.rails.mobile_money import digits_of
from guichet.rails.mobile_rail import MobileRail, card_of
from guichet.rails.port import Inbound, RefundingRail, SendingRail

#: Where an operator sends the callbacks of an account's orders; None: nowhere.
CallbackUrl = Callable[[ProviderAccount | None], str | None]


class GsmaRail(MobileRail[GsmaAsk], RefundingRail, SendingRail):
    """GSMA's API in one environment (``sandbox`` or ``live``), with each application's own account.

    ``default_account`` serves applications without an account; there is none in live.
    ``callback_url`` says where callbacks go.
    """

    def __init__(
        self,
        client: GuardedClient,
        environment: str,
        timeout_seconds: float,
        callback_url: CallbackUrl,
        default_account: GsmaAccount | None = None,
        clock: Clock | None = None,
    ) -> None:
        if environment == "live" and default_account is not None:
            raise ValueError("live money goes to accounts of the applications' own")
        card = card_of(
            "gsma",
            frozenset(EXPONENTS),  # which of them an account has is its own to say
            "an unguessable address for each account; a callback is only a hint",
            notices.EVENT_TYPES,
            needs_account=default_account is None,
        )
        self._sessions = sessions(client, environment, timeout_seconds, default_account)
        self._callback_url = callback_url
        clock = clock or SystemClock()
        self._api = GsmaApi(client, timeout_seconds)
        self._orders = GsmaOrders(self._api, clock)
        super().__init__(card, self._orders, clock)

    async def refund(self, order: RefundOrder) -> Outcome:
        """Reverse a payment, or adjust it by a part."""
        collected = order.collected
        session = self._sessions.of(collected.account)
        reference = collected.provider_reference or collected.memory.get("reference")
        reference = reference or await self._orders.reference_of(session, collected.key)
        if reference is None:
            return Unknown(detail="the payment to give back from is not found")
        whole = order.money == collected.money
        request = wire.reversal_of(order.money, order.key, collected.reference, whole=whole)
        path = f"/transactions/{quote(reference, safe='')}/reversals"
        callback_url = self._callback(session.account, collected.account)
        ask = GsmaAsk(
            key=order.key,
            money=order.money,
            path=path,
            session=session,
            order=request,
            callback_url=callback_url,
        )
        return await self._orders.settle(ask)

    async def send(self, order: SendOrder) -> Outcome:
        """Pay into a wallet from the merchant's account."""
        session = self._sessions.of(order.account)
        payee = digits_of(order.destination.account_number)
        if payee is None:
            return Refused(reason=Reason.REJECTED, code="identifierError")
        if order.money.currency != session.account.currency:
            return Refused(reason=Reason.REJECTED, code="currencyNotSupported")
        text = order.description or order.reference
        merchant = session.account.merchant_party
        request = wire.disbursement_of(order.money, order.key, text, payee, merchant)
        path = "/transactions/type/disbursement"
        callback_url = self._callback(session.account, order.account)
        ask = GsmaAsk(
            key=order.key,
            money=order.money,
            memory=order.memory,
            path=path,
            session=session,
            order=request,
            callback_url=callback_url,
        )
        return await self._orders.settle(ask)

    async def check(self, account: ProviderAccount | None, notice_url: str) -> list[str]:  # noqa: ARG002 - each order says where its callback goes
        """Ask whether the API is available."""
        status = await self._api.heartbeat(self._sessions.of(account))
        return [] if status == "available" else [f"the operator says that its API is {status}"]

    def hear(self, inbound: Inbound) -> Sequence[Notice]:
        """The order that a callback names; see ``notices``."""
        return notices.hear(inbound)

    # Orders ---------------------------------------------------------------------------------------

    def collection(self, order: CollectOrder) -> GsmaAsk | Refused:
        session = self._sessions.of(order.account)
        payer = digits_of(order.payer.phone)
        if payer is None:
            return Refused(reason=Reason.REJECTED, code="identifierError")
        if order.money.currency != session.account.currency:
            return Refused(reason=Reason.REJECTED, code="currencyNotSupported")
        merchant = session.account.merchant_party
        return GsmaAsk(
            key=order.key,
            money=order.money,
            memory=order.memory,
            collects=True,
            wanted=self.is_wanted(order),
            received_minor=order.received_minor,
            begun_at=order.begun_at,
            path="/transactions/type/merchantpay",
            session=session,
            order=wire.payment_of(order.money, order.key, order.reference, payer, merchant),
            callback_url=self._callback(session.account, order.account),
        )

    def _callback(self, account: GsmaAccount, of: ProviderAccount | None) -> str | None:
        return self._callback_url(of) if account.callbacks == "on" else None
