"""The connector to Notch Pay: an aggregator collects from wallets, and pays into them, for us.

How an order is carried out once at most, and found again, says ``orders``; why refunds are another
matter, ``refunds``.
"""

from __future__ import annotations

from collections.abc import Sequence

from guichet.domain.channels import CHANNELS
from guichet.domain.clock import Clock, SystemClock
from guichet.domain.orders import CollectOrder, ProviderAccount, RefundOrder, SendOrder
from guichet.domain.outcomes import Notice, Outcome, Reason, Refused
from guichet.outbound.client import GuardedClient
from guichet.rails.accounts import Accounts
from guichet.rails.mobile_money import digits_of
from guichet.rails.mobile_rail import MobileRail, card_of
from guichet.rails.notchpay import notices, wire
from guichet.rails.notchpay.account import NotchpayAccount, parse_account
from guichet.rails.notchpay.api import NotchpayApi
from guichet.rails.notchpay.orders import PaymentAsk, Payments, TransferAsk, Transfers
from guichet.rails.notchpay.refunds import Refunds
from guichet.rails.port import (
    Inbound,
    RailUnavailable,
    RefundingRail,
    SelectiveRail,
    SendingRail,
)


class NotchpayRail(MobileRail[PaymentAsk], RefundingRail, SendingRail, SelectiveRail):
    """Notch Pay's API in one environment (``sandbox`` or ``live``), with each application's own
    account.

    ``default_account`` serves applications without an account; there is none in live.
    """

    def __init__(
        self,
        client: GuardedClient,
        environment: str,
        timeout_seconds: float,
        default_account: NotchpayAccount | None = None,
        clock: Clock | None = None,
    ) -> None:
        if environment == "live" and default_account is not None:
            raise ValueError("live money goes to accounts of the applications' own")
        card = card_of(
            "notchpay",
            frozenset(channel.currency for channel in CHANNELS.values()),
            "HMAC-SHA256 of the body with the account's hash key; only a hint",
            notices.EVENT_TYPES,
            needs_account=default_account is None,
        )
        self._environment = environment
        self._accounts = Accounts(
            lambda settings: parse_account(settings, environment), default_account, "Notch Pay"
        )
        clock = clock or SystemClock()
        self._api = NotchpayApi(client, timeout_seconds)
        self._transfers = Transfers(self._api, clock)
        self._refunds = Refunds(self._api, clock)
        super().__init__(card, Payments(self._api, clock), clock)

    async def refund(self, order: RefundOrder) -> Outcome:
        """Give money of a payment back."""
        account = self._accounts.of(order.collected.account)
        if not account.private_key:
            raise RailUnavailable("the account has no private key")
        return await self._refunds.settle(account, order)

    async def send(self, order: SendOrder) -> Outcome:
        """Pay into a wallet from the account's balance."""
        account = self._accounts.of(order.account)
        if not account.private_key:
            raise RailUnavailable("the account has no private key")
        payee = digits_of(order.destination.account_number)
        if payee is None:
            return Refused(reason=Reason.REJECTED, code="INVALID_PHONE")
        transfer = wire.NewTransfer(
            amount=wire.amount_of(order.money),
            currency=order.money.currency,
            channel=order.destination.channel,
            beneficiary_data={
                "name": order.destination.name,
                "phone": f"+{payee}",
                "account_number": f"+{payee}",
                "country": order.destination.country,
            },
            reference=order.key,
            description=wire.description_of(order.description or order.reference),
        )
        ask = TransferAsk(
            key=order.key,
            money=order.money,
            memory=order.memory,
            account=account,
            environment=self._environment,
            order=transfer,
        )
        return await self._transfers.settle(ask)

    def pays_out(self, account: ProviderAccount | None) -> bool:
        """Whether the account has a private key."""
        try:
            return bool(self._accounts.of(account).private_key)
        except RailUnavailable:
            return False

    def hear(self, inbound: Inbound) -> Sequence[Notice]:
        """The order that a webhook names; see ``notices``."""
        try:
            hash_key = self._accounts.of(inbound.account).hash_key
        except RailUnavailable:
            hash_key = ""
        return notices.hear(inbound, hash_key)

    # The account ----------------------------------------------------------------------------------

    async def check(self, account: ProviderAccount | None, notice_url: str) -> list[str]:
        """Ask for the balance (without a private key, for nothing at all) and the channels."""
        known = self._accounts.of(account)
        await self._api.check(known)
        doubts = []
        if not known.private_key:
            doubts.append("there is no private key: money can neither be sent nor given back")
        if not known.hash_key:
            doubts.append("there is no hash key: no notice is believed")
        elif known.private_key and not await self._is_registered(known, notice_url):
            doubts.append(f"Notch Pay does not send its notices to {notice_url}")
        offered = {each.id for each in await self._api.channels(known) if each.active}
        missing = sorted(channel for channel in CHANNELS if channel not in offered)
        if missing:
            doubts.append(f"Notch Pay does not offer {', '.join(missing)}")
        return doubts

    async def register_webhook(self, account: ProviderAccount | None, notice_url: str) -> None:
        """Have Notch Pay send its notices to the address, unless it does.

        Raises ``Denied`` (``mobile_orders``) and ``RailUnavailable``.
        """
        known = self._accounts.of(account)
        if not await self._is_registered(known, notice_url):
            endpoint = wire.NewEndpoint(
                url=notice_url, events=list(notices.REGISTERED), description="Guichet"
            )
            await self._api.register(known, endpoint)

    async def _is_registered(self, account: NotchpayAccount, notice_url: str) -> bool:
        endpoints = await self._api.endpoints(account)
        return any(each.url == notice_url and each.active for each in endpoints)

    # Orders ---------------------------------------------------------------------------------------

    def collection(self, order: CollectOrder) -> PaymentAsk | Refused:
        account = self._accounts.of(order.account)
        payer = digits_of(order.payer.phone)
        if payer is None:
            return Refused(reason=Reason.REJECTED, code="INVALID_PHONE")
        if order.channel is None:
            return Refused(reason=Reason.REJECTED, code="INVALID_CHANNEL")
        return PaymentAsk(
            key=order.key,
            money=order.money,
            memory=order.memory,
            collects=True,
            wanted=self.is_wanted(order),
            received_minor=order.received_minor,
            begun_at=order.begun_at,
            account=account,
            environment=order.environment,
            channel=order.channel,
            phone=f"+{payer}",
            description=order.reference,
        )
