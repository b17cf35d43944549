"""The connector to MTN Mobile Money: payers confirm on their phone, payees get money on theirs.

How an order is carried out once at most, and read, says ``orders``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from guichet.domain.clock import Clock, SystemClock
from guichet.domain.institutions import Institution
from guichet.domain.orders import CollectOrder, ProviderAccount, RefundOrder, SendOrder
from guichet.domain.outcomes import Notice, Outcome, Reason, Refused, Reply
from guichet.outbound.client import GuardedClient
from guichet.rails.mobile_money import digits_of, uuid_of
from guichet.rails.mobile_orders import VISIBILITY_SECONDS
from guichet.rails.mtn import notices, wire
from guichet.rails.mtn.account import CURRENCIES, MtnAccount
from guichet.rails.mtn.api import MtnApi
from guichet.rails.mtn.orders import MtnAsk, MtnOrders
from guichet.rails.mtn.sessions import Session, sessions
from guichet.rails.port import (
    Inbound,
    Rail,
    RailCard,
    RailUnavailable,
    RefundingRail,
    SelectiveRail,
    SendingRail,
)

#: Where MTN sends the callbacks of an account's orders; None: nowhere.
CallbackUrl = Callable[[ProviderAccount | None], str | None]

#: MTN publishes none: as long as Notch Pay's.
REFUND_WINDOW = timedelta(days=90)


class MtnRail(Rail, RefundingRail, SendingRail, SelectiveRail):
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
        self.card = RailCard(
            name="mtn",
            currencies=frozenset(CURRENCIES.values()),
            authenticity="an unguessable address for each account; a callback is only a hint",
            event_types=notices.EVENT_TYPES,
            deduplicates=True,
            visibility_seconds=VISIBILITY_SECONDS,
            needs_account=default_account is None,
            refund_window=REFUND_WINDOW,
            sends=True,
        )
        self._sessions = sessions(client, environment, timeout_seconds, default_account)
        self._callback_url = callback_url
        self._clock = clock or SystemClock()
        self._orders = MtnOrders(MtnApi(client, timeout_seconds), self._clock)

    async def begin(self, order: CollectOrder) -> Outcome:
        """Ask the payer's phone; the payer has five minutes."""
        ask = self._collection(order)
        if isinstance(ask, Refused):
            return ask
        return await self._orders.post(ask)

    async def advance(self, order: CollectOrder, reply: Reply | None = None) -> Outcome:  # noqa: ARG002 - no browser comes back
        """Look; post again if MTN never took it and it is still wanted."""
        ask = self._collection(order)
        if isinstance(ask, Refused):
            return ask
        return await self._orders.settle(ask)

    async def cancel(self, order: CollectOrder) -> Outcome:
        """How it stands: a prompt that is on the payer's phone cannot be taken back."""
        return await self.advance(order)

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

    async def institutions(self) -> Sequence[Institution]:
        """None: the payer's number says where the wallet is."""
        return []

    # Orders ---------------------------------------------------------------------------------------

    def _collection(self, order: CollectOrder) -> MtnAsk | Refused:
        session = self._sessions.of(order.account)
        payer = digits_of(order.payer.phone)
        if payer is None:
            return Refused(reason=Reason.REJECTED, code="PAYER_NOT_FOUND")
        if order.money.currency != session.account.currency:
            return Refused(reason=Reason.REJECTED, code="INVALID_CURRENCY")
        in_time = self._clock.now() < order.expires_at
        return MtnAsk(
            key=order.key,
            money=order.money,
            memory=order.memory,
            collects=True,
            wanted=order.open and in_time,
            received_minor=order.received_minor,
            resource="requesttopay",
            session=session,
            order=wire.order_of(order.money, order.key, order.reference, payer=payer),
            callback_url=self._callback(session, order.account),
            party=payer,
        )

    def _callback(self, session: Session, account: ProviderAccount | None) -> str | None:
        return self._callback_url(account) if session.account.callbacks == "on" else None
