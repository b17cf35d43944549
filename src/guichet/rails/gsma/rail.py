"""The connector to operators that speak GSMA's API: payers confirm on their phone, payees get
money on theirs.

How an order is carried out once at most, and found again, says ``orders``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from urllib.parse import quote

from guichet.domain.clock import Clock, SystemClock
from guichet.domain.currencies import EXPONENTS
from guichet.domain.institutions import Institution
from guichet.domain.orders import CollectOrder, ProviderAccount, RefundOrder, SendOrder
from guichet.domain.outcomes import Notice, Outcome, Reason, Refused, Reply, Unknown
from guichet.outbound.client import GuardedClient
from guichet.rails.accounts import Accounts
from guichet.rails.gsma import notices, wire
from guichet.rails.gsma.account import GsmaAccount, parse_account
from guichet.rails.gsma.api import GsmaApi
from guichet.rails.gsma.orders import GsmaAsk, GsmaOrders
from guichet.rails.mobile_money import digits_of
from guichet.rails.mobile_orders import VISIBILITY_SECONDS
from guichet.rails.port import Inbound, Rail, RailCard, RefundingRail, SendingRail

#: Where an operator sends the callbacks of an account's orders; None: nowhere.
CallbackUrl = Callable[[ProviderAccount | None], str | None]

#: GSMA says nothing of it: as long as Notch Pay's.
REFUND_WINDOW = timedelta(days=90)


class GsmaRail(Rail, RefundingRail, SendingRail):
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
        self.card = RailCard(
            name="gsma",
            currencies=frozenset(EXPONENTS),  # which of them an account has is its own to say
            authenticity="an unguessable address for each account; a callback is only a hint",
            event_types=notices.EVENT_TYPES,
            deduplicates=True,
            visibility_seconds=VISIBILITY_SECONDS,
            needs_account=default_account is None,
            refund_window=REFUND_WINDOW,
            sends=True,
        )
        self._accounts = Accounts(
            lambda settings: parse_account(settings, environment), default_account, "an operator"
        )
        self._callback_url = callback_url
        self._clock = clock or SystemClock()
        self._api = GsmaApi(client, timeout_seconds)
        self._orders = GsmaOrders(self._api, self._clock)

    async def begin(self, order: CollectOrder) -> Outcome:
        """Ask the payer's phone."""
        ask = self._collection(order)
        if isinstance(ask, Refused):
            return ask
        return await self._orders.post(ask)

    async def advance(self, order: CollectOrder, reply: Reply | None = None) -> Outcome:  # noqa: ARG002 - no browser comes back
        """Look; post again if the operator never took it and it is still wanted."""
        ask = self._collection(order)
        if isinstance(ask, Refused):
            return ask
        return await self._orders.settle(ask)

    async def cancel(self, order: CollectOrder) -> Outcome:
        """How it stands: a prompt that is on the payer's phone cannot be taken back."""
        return await self.advance(order)

    async def refund(self, order: RefundOrder) -> Outcome:
        """Reverse a payment, or adjust it by a part."""
        collected = order.collected
        account = self._accounts.of(collected.account)
        reference = collected.provider_reference or collected.memory.get("reference")
        reference = reference or await self._orders.reference_of(account, collected.key)
        if reference is None:
            return Unknown(detail="the payment to give back from is not found")
        whole = order.money == collected.money
        request = wire.reversal_of(order.money, order.key, collected.reference, whole=whole)
        path = f"/transactions/{quote(reference, safe='')}/reversals"
        callback_url = self._callback(account, collected.account)
        ask = GsmaAsk(
            key=order.key,
            money=order.money,
            path=path,
            account=account,
            order=request,
            callback_url=callback_url,
        )
        return await self._orders.settle(ask)

    async def send(self, order: SendOrder) -> Outcome:
        """Pay into a wallet from the merchant's account."""
        account = self._accounts.of(order.account)
        payee = digits_of(order.destination.account_number)
        if payee is None:
            return Refused(reason=Reason.REJECTED, code="identifierError")
        if order.money.currency != account.currency:
            return Refused(reason=Reason.REJECTED, code="currencyNotSupported")
        text = order.description or order.reference
        merchant = account.merchant_party
        request = wire.disbursement_of(order.money, order.key, text, payee, merchant)
        path = "/transactions/type/disbursement"
        callback_url = self._callback(account, order.account)
        ask = GsmaAsk(
            key=order.key,
            money=order.money,
            memory=order.memory,
            path=path,
            account=account,
            order=request,
            callback_url=callback_url,
        )
        return await self._orders.settle(ask)

    async def check(self, account: ProviderAccount | None, notice_url: str) -> list[str]:  # noqa: ARG002 - each order says where its callback goes
        """Ask whether the API is available."""
        status = await self._api.heartbeat(self._accounts.of(account))
        return [] if status == "available" else [f"the operator says that its API is {status}"]

    def hear(self, inbound: Inbound) -> Sequence[Notice]:
        """The order that a callback names; see ``notices``."""
        return notices.hear(inbound)

    async def institutions(self) -> Sequence[Institution]:
        """None: the payer's number says where the wallet is."""
        return []

    # Orders ---------------------------------------------------------------------------------------

    def _collection(self, order: CollectOrder) -> GsmaAsk | Refused:
        account = self._accounts.of(order.account)
        payer = digits_of(order.payer.phone)
        if payer is None:
            return Refused(reason=Reason.REJECTED, code="identifierError")
        if order.money.currency != account.currency:
            return Refused(reason=Reason.REJECTED, code="currencyNotSupported")
        merchant = account.merchant_party
        return GsmaAsk(
            key=order.key,
            money=order.money,
            memory=order.memory,
            collects=True,
            wanted=order.open and self._clock.now() < order.expires_at,
            received_minor=order.received_minor,
            path="/transactions/type/merchantpay",
            account=account,
            order=wire.payment_of(order.money, order.key, order.reference, payer, merchant),
            callback_url=self._callback(account, order.account),
        )

    def _callback(self, account: GsmaAccount, of: ProviderAccount | None) -> str | None:
        return self._callback_url(of) if account.callbacks == "on" else None
