"""The connector to MTN Mobile Money: payers confirm on their phone, payees get money on theirs.

How an order is carried out once at most, and read, says ``orders``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from guichet.domain.clock import Clock, SystemClock
from guichet.domain.orders import CollectOrder, ProviderAccount, RefundOrder, SendOrder
from guichet.domain.outcomes import Notice, Outcome, Reason, Refused
from guichet.outbound.client import GuardedClient
from guichet.rails.mobile_money import digits_of, uuid_of
from guichet.rails.mobile_rail import MobileRail, card_of
from guichet.rails.mtn import notices, wire
from guichet.rails.mtn.account import CURRENCIES, MtnAccount
from guichet.rails.mtn.api import MtnApi
from guichet.rails.mtn.orders import MtnAsk, MtnOrders
from guichet.rails.mtn.sessions import Session, sessions
from guichet.rails.port import (
    Inbound,
    RailUnavailable,
    RefundingRail,
    SelectiveRail,
    SendingRail,
)

#: Where MTN sends the callbacks of an account's orders; None: nowhere.
CallbackUrl = Callable[[ProviderAccount | None], str | None]


class MtnRail(MobileRail[MtnAsk], RefundingRail, SendingRail, SelectiveRail):
    """MTN's API in one environment (``sandbox`` or ``live``), with each application's own account.

    ``default_account`` serves applications without an account; there is none in live.
    ``callback_url`` says where callbacks go.
    """

    def __init__(
        self,
        client: GuardedClient,
        environment: str,
        timeout_seconds: float,
        callback_url: CallbackUrl,
        default_account: MtnAccount | None = None,
        clock: Clock | None = None,
    ) -> None:
        if environment == "live" and default_account is not None:
            raise ValueError("live money goes to accounts of the applications' own")
        card = card_of(
            "mtn",
            frozenset(CURRENCIES.values()),
            "an unguessable address for each account; a callback is only a hint",
            notices.EVENT_TYPES,
            needs_account=default_account is None,
        )
        self._sessions = sessions(client, environment, timeout_seconds, default_account)
        self._callback_url = callback_url
        clock = clock or SystemClock()
        self._orders = MtnOrders(MtnApi(client, timeout_seconds), clock)
        super().__init__(card, self._orders, clock)

    async def refund(self, order: RefundOrder) -> Outcome:
        """Give money of a payment back from the disbursement account."""
        collected = order.collected
        session = self._sessions.of(collected.account)
        reference = uuid_of(collected.key)
        request = wire.order_of(order.money, order.key, collected.reference, refunds=reference)
        callback_url = self._callback(session, collected.account)
        ask = MtnAsk(
            key=order.key,
            money=order.money,
            resource="refund",
            session=session,
            order=request,
            callback_url=callback_url,
        )
        return await self._orders.settle(ask)

    async def send(self, order: SendOrder) -> Outcome:
        """Pay into a wallet from the disbursement account."""
        session = self._sessions.of(order.account)
        payee = digits_of(order.destination.account_number)
        if payee is None:
            return Refused(reason=Reason.REJECTED, code="PAYEE_NOT_FOUND")
        if order.money.currency != session.account.currency:
            return Refused(reason=Reason.REJECTED, code="INVALID_CURRENCY")
        text = order.description or order.reference
        request = wire.order_of(order.money, order.key, text, payee=payee)
        callback_url = self._callback(session, order.account)
        ask = MtnAsk(
            key=order.key,
            money=order.money,
            memory=order.memory,
            resource="transfer",
            session=session,
            order=request,
            callback_url=callback_url,
            party=payee,
        )
        return await self._orders.settle(ask)

    def pays_out(self, account: ProviderAccount | None) -> bool:
        """Whether the account has credentials for disbursement."""
        try:
            self._sessions.of(account).door("disbursement")
        except RailUnavailable:
            return False
        return True

    async def check(self, account: ProviderAccount | None, notice_url: str) -> list[str]:  # noqa: ARG002 - each order says where its callback goes
        """Ask for a token of each product that the account has."""
        session = self._sessions.of(account)
        for door in session.doors:
            await door.token()
        if not self.pays_out(account):
            return ["it has no disbursement: money can neither be sent nor given back"]
        return []

    def hear(self, inbound: Inbound) -> Sequence[Notice]:
        """The order that a callback names; see ``notices``."""
        return notices.hear(inbound)

    # Orders ---------------------------------------------------------------------------------------

    def collection(self, order: CollectOrder) -> MtnAsk | Refused:
        session = self._sessions.of(order.account)
        payer = digits_of(order.payer.phone)
        if payer is None:
            return Refused(reason=Reason.REJECTED, code="PAYER_NOT_FOUND")
        if order.money.currency != session.account.currency:
            return Refused(reason=Reason.REJECTED, code="INVALID_CURRENCY")
        return MtnAsk(
            key=order.key,
            money=order.money,
            memory=order.memory,
            collects=True,
            wanted=self.is_wanted(order),
            received_minor=order.received_minor,
            begun_at=order.begun_at,
            resource="requesttopay",
            session=session,
            order=wire.order_of(order.money, order.key, order.reference, payer=payer),
            callback_url=self._callback(session, order.account),
            party=payer,
        )

    def _callback(self, session: Session, account: ProviderAccount | None) -> str | None:
        return self._callback_url(account) if session.account.callbacks == "on" else None
