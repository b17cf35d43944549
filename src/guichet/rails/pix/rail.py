"""The connector to a PSP by API Pix: money that a payer sends by scanning or pasting a BR Code.

An attempt is a *charge* (``cobrança imediata``) under the attempt's key as its ``txid``. Nobody can
pay it before we show its code, so a charge whose creation is in doubt may be asked for again; who
paid it, and how much, the charge itself tells. Our side of it moves no money but by a refund.
"""

from __future__ import annotations

import dataclasses
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from guichet.domain.clock import Clock, SystemClock
from guichet.domain.currencies import EXPONENTS
from guichet.domain.institutions import Institution
from guichet.domain.orders import CollectOrder, ProviderAccount, RefundOrder
from guichet.domain.outcomes import (
    Held,
    Notice,
    Outcome,
    Reason,
    Refused,
    Reply,
    ShowCode,
    Unknown,
    Waiting,
)
from guichet.outbound.client import GuardedClient
from guichet.rails.pix import memory, notices, receipts, wire
from guichet.rails.pix.account import PixAccount
from guichet.rails.pix.api import Denied, Odd, PixApi, Uncertain
from guichet.rails.pix.codes import code_of
from guichet.rails.pix.refunds import Refunds
from guichet.rails.pix.reports import (
    asks_for_ours,
    is_same_key,
    may_be_paid,
    money_came,
    odd,
    refused,
    remembering,
)
from guichet.rails.pix.sessions import Session, sessions
from guichet.rails.pix.statement import Statement
from guichet.rails.pix.statuses import Standing, standing
from guichet.rails.port import (
    Inbound,
    Rail,
    RailCard,
    RailUnavailable,
    ReconcilingRail,
    RefundingRail,
)

#: "Hoje estabelecida como 90 dias desde a data de liquidação original do pix" (API Pix 2.9.0).
REFUND_WINDOW = timedelta(days=90)

_LIFETIME_SECONDS_MAX = 2**31 - 1
#: A waiting charge is looked at after a fifth of its age, within these bounds.
_LOOK_SECONDS_MIN, _LOOK_SECONDS_MAX = 4.0, 600.0
_AGE_SHARE = 5
#: Clocks differ; a list asked for with some margin leaves nothing out.
_MARGIN = timedelta(days=1)
#: Where the time of a charge's creation is not known, it is no longer ago than this.
_LIFETIME_MAX = timedelta(days=30)
#: ISO 20022: a currency, an amount that is not allowed.
_NOT_ALLOWED_CURRENCY, _NOT_ALLOWED_AMOUNT = "AM03", "AM02"

#: What a list's amounts are in.
_CURRENCY = "BRL"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Check:
    """What a look at an account found.

    ``webhook_url``: where the PSP sends notices, None if nowhere or if it does not tell.
    ``certificate_expires_at``: until when our certificate is good, None if there is none.
    """

    webhook_url: str | None
    certificate_expires_at: datetime | None


class PixRail(Rail, RefundingRail, ReconcilingRail):
    """API Pix in one environment (``sandbox`` or ``live``), at each application's own PSP.

    ``default_account`` serves applications without an account; there is none in live.
    """

    def __init__(
        self,
        client: GuardedClient,
        environment: str,
        timeout_seconds: float,
        default_account: PixAccount | None = None,
        clock: Clock | None = None,
    ) -> None:
        live = environment == "live"
        if live and default_account is not None:
            raise ValueError("live money goes to accounts of the applications' own")
        self.card = RailCard(
            name="pix",
            # A BR Code speaks of reais; play money is whatever the number is called.
            currencies=frozenset(
                {"BRL"} if live else {code for code, decimals in EXPONENTS.items() if decimals <= 2}
            ),
            authenticity="the client certificate's subject, by mutual TLS; a notice is only a hint",
            event_types=notices.EVENT_TYPES,
            deduplicates=True,
            visibility_seconds=10,
            begins_at_creation=True,
            needs_account=default_account is None,
            needs_payer=True,
            refund_window=REFUND_WINDOW,
        )
        self._api = PixApi(client, timeout_seconds)
        self._sessions = sessions(client, environment, timeout_seconds, default_account)
        self._default_subject = default_account.webhook_subject if default_account else ""
        self._statement = Statement(self._api)
        self._refunds = Refunds(self._api)
        self._clock = clock or SystemClock()

    async def begin(self, order: CollectOrder) -> Outcome:
        """Ask for a charge; the next step is its code."""
        if order.money.currency not in self.card.currencies:
            return Refused(reason=Reason.REJECTED, code=_NOT_ALLOWED_CURRENCY)
        if not wire.is_payable(order.money):
            return Refused(reason=Reason.REJECTED, code=_NOT_ALLOWED_AMOUNT)
        return await self._create(order, self._sessions.of(order.account))

    async def advance(self, order: CollectOrder, reply: Reply | None = None) -> Outcome:  # noqa: ARG002 - no browser comes back
        """Look at the charge; ask for it again if the PSP does not know it and nobody saw it."""
        session = self._sessions.of(order.account)
        try:
            charge = await self._read(order, session)
        except Odd as error:
            return odd(order, str(error))
        if charge is None:
            return await self._absent(order, session)
        return await self._reported(order, session, charge)

    async def cancel(self, order: CollectOrder) -> Outcome:
        """Remove the charge, unless it was paid; after any doubt the charge itself says which."""
        session = self._sessions.of(order.account)
        try:
            charge = await self._api.remove_charge(session, order.key)
            is_removed = standing(charge.status) is Standing.REMOVED
            if charge.txid == order.key and is_removed and not charge.pix:
                return Refused(reason=Reason.TIMED_OUT)
        except (Denied, Uncertain) as doubt:
            _log.info("the charge was not removed: %s", doubt)
        try:
            now_is = await self._read(order, session)
        except Odd as error:
            return odd(order, str(error))
        if now_is is None:
            outcome = await self._paid_all_the_same(order, session)
            return outcome or Refused(reason=Reason.TIMED_OUT)
        outcome = await self._reported(order, session, now_is)
        if isinstance(outcome, Waiting):
            raise RailUnavailable("the charge could not be removed")
        if isinstance(outcome, Refused):
            return dataclasses.replace(outcome, reason=Reason.TIMED_OUT)
        return outcome

    async def refund(self, order: RefundOrder) -> Outcome:
        """Give money of a charge back, or ask what became of that; see ``refunds``."""
        return await self._refunds.refund(self._sessions.of(order.collected.account), order)

    def hear(self, inbound: Inbound) -> Sequence[Notice]:
        """The charges that a PSP's notice names; see ``notices``."""
        subject = self._default_subject
        if inbound.account is not None:
            subject = inbound.account.settings.get("webhook_subject", "").strip()
        return notices.hear(inbound, subject)

    async def movements(
        self, account: ProviderAccount | None, since: datetime, until: datetime
    ) -> Sequence[Notice]:
        """Our charges that were paid in that time, or of which something was taken back since then.

        What was taken may be of a Pix of any age that can still be returned.
        """
        session = self._sessions.of(account)
        paid = await self._statement.received(session, since, until)
        touched = await self._statement.returned(session, since - REFUND_WINDOW - _MARGIN, until)
        return notices.named(paid) + notices.taken_since(touched, since)

    async def held(self, account: ProviderAccount | None, key: str, since: datetime) -> Held:
        """What came for the charge of that id, in reais, by the list of what was received."""
        session = self._sessions.of(account)
        now = self._clock.now()
        payments = await self._statement.of_charge(session, key, min(since, now) - _MARGIN, now)
        try:
            return receipts.held(payments, key, _CURRENCY)
        except wire.Unreadable as error:
            raise RailUnavailable(str(error)) from error

    async def institutions(self) -> Sequence[Institution]:
        """None: a code can be paid from any bank."""
        return []

    # The account ----------------------------------------------------------------------------------

    async def register_webhook(self, account: ProviderAccount | None, url: str) -> None:
        """Have notices of the account's key sent to ``url`` with ``/pix`` behind it.

        Raises ``Denied`` when the PSP says no, and ``RailUnavailable``.
        """
        try:
            await self._api.put_webhook(self._sessions.of(account), url)
        except Uncertain as error:
            raise RailUnavailable(str(error)) from error

    async def check(self, account: ProviderAccount | None) -> Check:
        """Try the account: a token, the list of the last minute, its webhook. Changes nothing.

        Raises ``RailUnavailable`` with what the PSP said.
        """
        session = self._sessions.of(account)
        now = self._clock.now()
        await self._statement.received(session, now - timedelta(minutes=1), now)
        try:
            url = (await self._api.webhook(session)).webhook_url
        except Denied:
            url = None
        except Uncertain as error:
            raise RailUnavailable(str(error)) from error
        return Check(url, session.account.certificate_expires_at)

    # The charge -----------------------------------------------------------------------------------

    async def _create(self, order: CollectOrder, session: Session) -> Outcome:
        """Ask for the charge; again, if that is safe, under the same id."""
        now = self._clock.now()
        lifetime_seconds = math.ceil((order.expires_at - now).total_seconds())
        if lifetime_seconds < 1:
            return Refused(reason=Reason.TIMED_OUT)
        pix_key = session.account.pix_key
        lifetime_seconds = min(lifetime_seconds, _LIFETIME_SECONDS_MAX)
        request = wire.charge_request(order, pix_key, lifetime_seconds)
        before, order = (
            order,
            remembering(order, {memory.POSTED: str(int(now.timestamp())), memory.KEY: pix_key}),
        )
        try:
            charge = await self._api.create_charge(session, order.key, request)
        except Denied as denied:
            if denied.status in (400, 409, 422) or memory.POSTED in before.memory:
                return await self._denied(order, session, denied)
            return refused(denied)
        except Uncertain as uncertain:
            return Unknown(detail=str(uncertain), memory=order.memory)
        try:
            return await self._reported(order, session, charge)
        except RailUnavailable as error:  # something was sent all the same
            return Unknown(detail=str(error), memory=order.memory)

    async def _denied(self, order: CollectOrder, session: Session, denied: Denied) -> Outcome:
        """A no may mean that the charge is there already, from an earlier try."""
        try:
            charge = await self._read(order, session)
            return (
                refused(denied) if charge is None else await self._reported(order, session, charge)
            )
        except (Odd, RailUnavailable):
            return Unknown(detail=str(denied), memory=order.memory)

    async def _read(self, order: CollectOrder, session: Session) -> wire.Charge | None:
        """The charge, None if the PSP knows none; raises ``Odd`` and ``RailUnavailable``."""
        try:
            return await self._api.charge(session, order.key)
        except Denied as denied:
            if denied.is_absence:
                return None
            raise RailUnavailable(str(denied)) from denied
        except Odd:
            raise
        except Uncertain as error:
            raise RailUnavailable(str(error)) from error

    async def _absent(self, order: CollectOrder, session: Session) -> Outcome:
        """The PSP does not know the charge: not yet, not any more, or it never did."""
        if may_be_paid(order):
            outcome = await self._paid_all_the_same(order, session)
            return outcome or odd(order, "the charge cannot be found")
        if not order.open:
            return Refused(reason=Reason.NOT_STARTED)
        now = self._clock.now().timestamp()
        posted = int(order.memory.get(memory.POSTED, now))
        if now < posted + self.card.visibility_seconds:
            order = remembering(order, {memory.POSTED: str(int(posted))})
            return Unknown(detail="the charge is not found yet", memory=order.memory)
        return await self._create(order, session)

    async def _paid_all_the_same(self, order: CollectOrder, session: Session) -> Outcome | None:
        """The money of a charge that is not found, by the list of what was received."""
        if not may_be_paid(order):
            return None
        payments = await self._listed(order, session)
        return money_came(order, payments) if payments else None

    async def _listed(self, order: CollectOrder, session: Session) -> list[wire.Pix]:
        now = self._clock.now()
        since = order.expires_at - _LIFETIME_MAX
        if posted := order.memory.get(memory.POSTED):
            since = datetime.fromtimestamp(int(posted), now.tzinfo)
        return await self._statement.of_charge(session, order.key, min(since, now) - _MARGIN, now)

    async def _reported(
        self, order: CollectOrder, session: Session, charge: wire.Charge
    ) -> Outcome:
        """The outcome that a charge's representation amounts to. Money counts in any state."""
        if charge.txid != order.key:
            return odd(order, "the charge is another order's")
        if not is_same_key(charge.chave, order.memory.get(memory.KEY, session.account.pix_key)):
            return odd(order, "the charge pays to another key")
        payments = charge.pix or []
        stands = standing(charge.status)
        if stands is Standing.PAID and not payments:
            payments = await self._listed(order, session)
        if payments:
            return money_came(order, payments)
        if order.received_minor > 0:
            return odd(order, "money that was reported is not shown any more")
        if stands is Standing.PAID:
            return odd(order, "the charge was paid, by no Pix that is shown")
        if stands is Standing.REMOVED:
            in_time = self._clock.now() < order.expires_at
            return Refused(reason=Reason.WITHDRAWN if in_time else Reason.TIMED_OUT)
        return self._waiting(order, session, charge)

    def _waiting(self, order: CollectOrder, session: Session, charge: wire.Charge) -> Outcome:
        """The charge can be paid. Past its time, too, as far as we know: the core removes it."""
        now = self._clock.now()
        try:
            if not asks_for_ours(order, charge):
                return odd(order, "the charge asks for another amount")
        except wire.Unreadable as error:
            return odd(order, str(error))
        if not order.open and now >= order.expires_at:
            return Refused(reason=Reason.TIMED_OUT)
        posted = order.memory.get(memory.POSTED) or str(int(now.timestamp()))
        age_seconds = now.timestamp() - int(posted)
        advice = min(max(age_seconds / _AGE_SHARE, _LOOK_SECONDS_MIN), _LOOK_SECONDS_MAX)
        if memory.SHOWN in order.memory:
            return Waiting(look_again_seconds=advice)
        text = code_of(charge, session.account, order.payee.name)
        if text is None:
            return odd(order, "the charge has no code")
        order = remembering(order, {memory.POSTED: posted, memory.SHOWN: "1"})
        return Waiting(next_step=ShowCode(text), memory=order.memory, look_again_seconds=advice)
