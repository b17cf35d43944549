"""The connector to Yapily: payments from the payer's own bank account.

An attempt at Yapily is a *consent* (the payer's authorisation of exactly one payment request) and
then a *payment* made with it. Money moves by one call only, POST /payments, which Yapily carries
out once per ``paymentIdempotencyId``, our attempt's key: so a repetition with the same request is
how we ask what became of it. Everything else may be lost, repeated or come late.

Memory: ``consent_id``; ``consent_token``, dropped when all is decided; ``payment_id``; ``posted``,
the Unix time of the last order that may have reached Yapily without our learning its fate.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from guichet.domain.clock import Clock, SystemClock
from guichet.domain.currencies import EXPONENTS
from guichet.domain.institutions import Institution
from guichet.domain.orders import CollectOrder
from guichet.domain.outcomes import (
    Done,
    Finality,
    Notice,
    Outcome,
    Reason,
    Redirect,
    Refused,
    Reply,
    TakenBack,
    Unknown,
    Waiting,
)
from guichet.outbound.client import GuardedClient
from guichet.rails.port import Inbound, Rail, RailCard, RailUnavailable
from guichet.rails.yapily import notices, wire
from guichet.rails.yapily.api import Denied, Uncertain, YapilyApi
from guichet.rails.yapily.banks import bank
from guichet.rails.yapily.statuses import (
    DEAD_CONSENTS,
    DEAD_PAYMENTS,
    Standing,
    Verdict,
    code_in,
    reason_code,
    reason_of,
    standing,
    verdict,
)

_FIRST_LOOK_SECONDS = 5.0
_TOKEN_CHARACTERS_MAX = 4096


class YapilyRail(Rail):
    """Yapily in one environment (``sandbox`` or ``live``), with one application's credentials."""

    card = RailCard(
        name="open_banking",
        currencies=frozenset(EXPONENTS),  # which of them a bank takes is the bank's to say
        authenticity="a secret in the address of the notices; a notice is only a hint to look",
        event_types=notices.EVENT_TYPES,
        deduplicates=True,
        visibility_seconds=60,
    )

    def __init__(
        self,
        client: GuardedClient,
        base_url: str,
        application_id: str,
        secret: str,
        environment: str,
        timeout_seconds: float,
        clock: Clock | None = None,
    ) -> None:
        self._api = YapilyApi(client, base_url, application_id, secret, timeout_seconds)
        self._environment = environment
        self._clock = clock or SystemClock()

    async def begin(self, order: CollectOrder) -> Outcome:
        """Ask for a consent; the next step is the bank's page. No money can move before it."""
        try:
            consent = await self._api.authorise(
                wire.authorisation_request(order), order.payer_address
            )
        except Denied as denied:
            reason = Reason.REJECTED if denied.by_bank else Reason.NOT_STARTED
            return Refused(reason=reason, code=denied.code)
        except Uncertain as uncertain:
            return Unknown(detail=str(uncertain))
        if not self._is_page(consent.authorisation_url):
            return Unknown(detail="the consent has no page of a bank")
        return Waiting(
            next_step=Redirect(consent.authorisation_url or ""),
            memory={"consent_id": consent.id},
        )

    async def advance(self, order: CollectOrder, reply: Reply | None = None) -> Outcome:
        """Look, and make the payment as soon as its consent is authorised."""
        if "consent_id" not in order.memory:
            return await self._search(order, Reason.NOT_STARTED)
        if payment_id := _payment_id(order):
            return await self._look_at_payment(order, payment_id)
        consent = await self._redeem(order, reply) or await self._read_consent(order)
        if consent is None:
            return Unknown(detail="the consent cannot be found")
        stands = standing(consent.status)
        may_pay = stands in (Standing.AUTHORISED, Standing.CONSUMED) or "posted" in order.memory
        if order.open and may_pay:
            return await self._pay(order, consent)
        return _unpaid(order, stands)

    async def cancel(self, order: CollectOrder) -> Outcome:
        """Withdraw the consent, unless a payment was made with it, or may have been."""
        if "consent_id" not in order.memory:
            return await self._search(order, Reason.TIMED_OUT)
        if payment_id := _payment_id(order):
            return await self._look_at_payment(order, payment_id)
        consent = await self._read_consent(order)
        if "posted" in order.memory or (consent and standing(consent.status) is Standing.CONSUMED):
            return await self.advance(order)
        if consent is None:
            # Gone, or not found for a moment: the list of consents is a second opinion.
            return await self._search(order, Reason.TIMED_OUT)
        stands = standing(consent.status)
        if stands in (Standing.AWAITING, Standing.AUTHORISED):
            await self._withdraw(consent)
        elif stands is not Standing.REVOKED:  # which is what an earlier withdrawal leaves
            return _unpaid(order, stands)
        return Refused(reason=Reason.TIMED_OUT)

    def hear(self, inbound: Inbound) -> Sequence[Notice]:
        """The payment that a webhook names; see ``notices``."""
        return notices.hear(inbound.body)

    async def institutions(self) -> Sequence[Institution]:
        """The banks of this environment that take single domestic payments."""
        try:
            found = await self._api.institutions()
        except (Denied, Uncertain) as error:
            raise RailUnavailable(str(error)) from error
        banks = (bank(each, self.card.name, self._environment) for each in found)
        return [each for each in banks if each is not None]

    # The consent ----------------------------------------------------------------------------------

    async def _search(self, order: CollectOrder, reason: Reason) -> Outcome:
        """Find what became of a beginning whose answer was lost.

        Nobody was shown the page of such a consent, so none or an unused one means: not started.
        """
        try:
            consents = await self._api.consents_of(order.key)
        except (Denied, Uncertain) as error:
            raise RailUnavailable(str(error)) from error
        ours = [each for each in consents if each.application_user_id == order.key]
        for consent in ours:
            if standing(consent.status) in (Standing.AUTHORISED, Standing.CONSUMED):
                found = {**order.memory, "consent_id": consent.id}
                return await self.advance(dataclasses.replace(order, memory=found))
        for consent in ours:
            if standing(consent.status) is Standing.AWAITING:
                await self._withdraw(consent)
        return Refused(reason=reason)

    async def _redeem(self, order: CollectOrder, reply: Reply | None) -> wire.Consent | None:
        """The consent behind the one-time token that the browser brought, if it is ours.

        Anybody can open a return address with anything in it: what cannot be redeemed, or belongs
        to another consent, is as good as nothing.
        """
        token = reply.parameters.get("one-time-token", "") if reply else ""
        if not token or "consent_token" in order.memory or len(token) > _TOKEN_CHARACTERS_MAX:
            return None
        try:
            consent = await self._api.exchange(token)
        except (Denied, Uncertain):
            return None
        return consent if consent.id == order.memory["consent_id"] else None

    async def _read_consent(self, order: CollectOrder) -> wire.Consent | None:
        try:
            consent = await self._api.consent(order.memory["consent_id"])
        except Denied as denied:
            if denied.status == 404:
                return None
            raise RailUnavailable(str(denied)) from denied
        except Uncertain as error:
            raise RailUnavailable(str(error)) from error
        if consent.id != order.memory["consent_id"]:
            raise RailUnavailable("another consent was answered")
        return consent

    async def _withdraw(self, consent: wire.Consent) -> None:
        """Delete a consent; raises ``RailUnavailable`` unless it is known to be gone."""
        try:
            deleted = await self._api.delete_consent(consent.id)
        except Denied as denied:
            if denied.status == 404:
                return
            raise RailUnavailable(str(denied)) from denied
        except Uncertain as error:
            raise RailUnavailable(str(error)) from error
        if not deleted:
            raise RailUnavailable("the consent could not be withdrawn")

    # The payment ----------------------------------------------------------------------------------

    async def _pay(self, order: CollectOrder, consent: wire.Consent) -> Outcome:
        """Make the payment, or ask again what became of it: the same call."""
        token = consent.consent_token or order.memory.get("consent_token")
        if not token:
            return _unpaid(order, standing(consent.status))
        memory = {**order.memory, "consent_token": token}
        try:
            payment = await self._api.pay(wire.payment_request(order), token, order.payer_address)
        except RailUnavailable:
            if token == order.memory.get("consent_token"):
                raise
            # Nothing was sent, but the one-time token is spent: keep what it was spent on.
            return Waiting(memory=memory, look_again_seconds=_FIRST_LOOK_SECONDS)
        except Denied as denied:
            return self._denied(order, standing(consent.status), denied, memory)
        except Uncertain as uncertain:
            now = str(int(self._clock.now().timestamp()))
            return Unknown(detail=str(uncertain), memory={**memory, "posted": now})
        return _reported(order, payment, memory, _FIRST_LOOK_SECONDS)

    def _denied(
        self, order: CollectOrder, stands: Standing, denied: Denied, memory: dict[str, str]
    ) -> Outcome:
        """What a definite no to the order proves.

        A dead consent answers so, too, and a payment may have been made with it before it died.
        But a used consent says CONSUMED, and a repeated order is answered with the first one's
        result: where both are missing for longer than Yapily takes to show what it did, no money
        has moved.
        """
        posted_at = int(order.memory.get("posted", "0"))
        if denied.is_repetition:
            return Unknown(detail=str(denied), memory=memory)
        if denied.is_about_consent:
            shown_at = posted_at + self.card.visibility_seconds
            if stands in DEAD_CONSENTS and self._clock.now().timestamp() > shown_at:
                return Refused(reason=DEAD_CONSENTS[stands], memory=_decided(memory))
            return Unknown(detail=str(denied), memory=memory)
        code = code_in(denied.text)
        reason = reason_of(code, Reason.REJECTED)
        return Refused(reason=reason, code=code or denied.code, memory=_decided(memory))

    async def _look_at_payment(self, order: CollectOrder, payment_id: str) -> Outcome:
        token = order.memory.get("consent_token")
        if token is None:
            consent = await self._read_consent(order)
            token = consent.consent_token if consent else None
        if not token:
            return Unknown(detail="the payment cannot be read without its consent")
        memory = {**order.memory, "consent_token": token}
        try:
            payments = await self._api.details(payment_id, token)
        except Denied as denied:
            if denied.status == 403:
                # The token may have been replaced: the next look fetches it afresh.
                memory = _decided(memory)
            return Unknown(detail=str(denied), memory=memory)
        except Uncertain as error:
            raise RailUnavailable(str(error)) from error
        for payment in payments:
            if payment.id == payment_id:
                return _reported(order, payment, memory, None)
        return Unknown(detail="the payment cannot be found", memory=memory)

    def _is_page(self, url: str | None) -> bool:
        allowed = ("https",) if self._environment == "live" else ("https", "http")
        return url is not None and urlsplit(url).scheme in allowed and url.isprintable()


def _payment_id(order: CollectOrder) -> str | None:
    return order.memory.get("payment_id") or order.provider_reference


def _decided(memory: Mapping[str, str]) -> dict[str, str]:
    """What is still worth remembering once the order's fate is known: ids, no token."""
    return {name: memory[name] for name in ("consent_id", "payment_id") if name in memory}


def _unpaid(order: CollectOrder, stands: Standing) -> Outcome:
    """What a consent says by itself, as long as we make no payment with it."""
    if stands is Standing.CONSUMED or "posted" in order.memory:
        return Unknown(detail="a payment may have been made whose id we never learnt")
    if stands in DEAD_CONSENTS:
        return Refused(reason=DEAD_CONSENTS[stands])
    if not order.open:
        return Refused(reason=Reason.TIMED_OUT)
    return Waiting()


def _reported(
    order: CollectOrder,
    payment: wire.Payment,
    memory: dict[str, str],
    look_again_seconds: float | None,
) -> Outcome:
    """The outcome that a payment's representation amounts to."""
    if payment.payment_idempotency_id != order.key:
        return Unknown(detail="the payment is another order's", memory=memory)
    memory = {**memory, "payment_id": payment.id}
    if not _pays(order, payment):
        return Unknown(
            detail="the payment goes to another account",
            memory=memory,
            provider_reference=payment.id,
        )
    says = verdict(payment)
    if says is Verdict.WAITING:
        return Waiting(
            memory=memory,
            provider_reference=payment.id,
            look_again_seconds=look_again_seconds,
        )
    if says in DEAD_PAYMENTS:
        memory, code = _decided(memory), reason_code(payment)
        if order.received_minor > 0:
            return TakenBack(code=code, memory=memory, provider_reference=payment.id)
        reason = reason_of(code, DEAD_PAYMENTS[says])
        return Refused(reason=reason, code=code, memory=memory, provider_reference=payment.id)
    try:
        received = wire.money(payment)
    except wire.Unreadable as error:
        return Unknown(detail=str(error), memory=memory, provider_reference=payment.id)
    if says is Verdict.ACCEPTED:
        finality = Finality.ACCEPTED
    else:
        finality, memory = Finality.SETTLED, _decided(memory)
    return Done(received=received, finality=finality, memory=memory, provider_reference=payment.id)


def _pays(order: CollectOrder, payment: wire.Payment) -> bool:
    """Whether the account that the payment names, if any, is our payee's."""
    details = payment.payee_details
    named = details.account_identifications if details else None
    ours = {
        each.type: each.identification
        for each in wire.identifications(order.payee, order.money.currency)
    }
    return all(
        each.identification.replace(" ", "").replace("-", "") == ours[each.type]
        for each in named or ()
        if each.type in ours
    )
