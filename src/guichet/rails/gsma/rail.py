"""The connector to operators that speak GSMA's API: payers confirm on their phone, payees get
money on theirs.

How an order is carried out once at most, and found again, says ``orders``.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import timedelta
from urllib.parse import quote
from uuid import UUID

from guichet.domain.clock import Clock, SystemClock
from guichet.domain.currencies import EXPONENTS
from guichet.domain.institutions import Institution
from guichet.domain.orders import CollectOrder, ProviderAccount, RefundOrder, SendOrder
from guichet.domain.outcomes import Notice, Outcome, Reason, Refused, Reply, Unknown
from guichet.outbound.client import GuardedClient
from guichet.rails.gsma import notices, wire
from guichet.rails.gsma.account import GsmaAccount, parse_account
from guichet.rails.gsma.api import GsmaApi
from guichet.rails.gsma.orders import VISIBILITY_SECONDS, Ask, Orders
from guichet.rails.mobile_money import InvalidAccount, digits_of
from guichet.rails.port import Inbound, Rail, RailCard, RailUnavailable, RefundingRail, SendingRail

#: Where an operator sends the callbacks of an account's orders; None: nowhere.
CallbackUrl = Callable[[ProviderAccount | None], str | None]

#: GSMA says nothing of it: as long as Notch Pay's.
REFUND_WINDOW = timedelta(days=90)

_ACCOUNTS_MAX = 256


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
        self._environment = environment
        self._default = default_account
        self._known: OrderedDict[UUID, tuple[dict[str, str], GsmaAccount]] = OrderedDict()
        self._callback_url = callback_url
        self._clock = clock or SystemClock()
        self._orders = Orders(GsmaApi(client, timeout_seconds), self._clock)

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
        account = self._account(collected.account)
        reference = collected.provider_reference or collected.memory.get("reference")
        reference = reference or await self._orders.reference_of(account, collected.key)
        if reference is None:
            return Unknown(detail="the payment to give back from is not found")
        whole = order.money == collected.money
        request = wire.reversal_of(order.money, order.key, collected.reference, whole=whole)
        path = f"/transactions/{quote(reference, safe='')}/reversals"
        callback_url = self._callback(account, collected.account)
        return await self._orders.settle(
            Ask(path, order.key, order.money, account, request, callback_url)
        )

    async def send(self, order: SendOrder) -> Outcome:
        """Pay into a wallet from the merchant's account."""
        account = self._account(order.account)
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
        return await self._orders.settle(
            Ask(path, order.key, order.money, account, request, callback_url, order.memory)
        )

    def hear(self, inbound: Inbound) -> Sequence[Notice]:
        """The order that a callback names; see ``notices``."""
        return notices.hear(inbound)

    async def institutions(self) -> Sequence[Institution]:
        """None: the payer's number says where the wallet is."""
        return []

    # Orders ---------------------------------------------------------------------------------------

    def _collection(self, order: CollectOrder) -> Ask | Refused:
        account = self._account(order.account)
        payer = digits_of(order.payer.phone)
        if payer is None:
            return Refused(reason=Reason.REJECTED, code="identifierError")
        if order.money.currency != account.currency:
            return Refused(reason=Reason.REJECTED, code="currencyNotSupported")
        merchant = account.merchant_party
        return Ask(
            "/transactions/type/merchantpay",
            order.key,
            order.money,
            account,
            wire.payment_of(order.money, order.key, order.reference, payer, merchant),
            self._callback(account, order.account),
            order.memory,
            collects=True,
            wanted=order.open and self._clock.now() < order.expires_at,
            received_minor=order.received_minor,
        )

    def _callback(self, account: GsmaAccount, of: ProviderAccount | None) -> str | None:
        return self._callback_url(of) if account.callbacks == "on" else None

    def _account(self, account: ProviderAccount | None) -> GsmaAccount:
        """The account, its settings read once; raises ``RailUnavailable`` if there is none."""
        if account is None:
            if self._default is None:
                raise RailUnavailable("no account at an operator")
            return self._default
        settings, known = self._known.get(account.id, (None, None))
        if known is None or settings != account.settings:
            try:
                known = parse_account(account.settings, self._environment)
            except InvalidAccount as error:
                raise RailUnavailable(f"the account cannot be used: {error}") from error
            self._known[account.id] = (dict(account.settings), known)
        self._known.move_to_end(account.id)
        if len(self._known) > _ACCOUNTS_MAX:
            self._known.popitem(last=False)
        return known
