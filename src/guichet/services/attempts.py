"""Attempts: begun once, and refreshed by every signal there is.

A provider's notice, a browser that comes back, a timer and an operator all end in
``refresh_attempt``: ask the rail for the truth, record it. No transaction is open while a rail is
called, and one worker at a time, by lease, calls it for an attempt.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Awaitable
from uuid import UUID

from guichet import logs
from guichet.domain.attempts import OPEN_ATTEMPT, Attempt
from guichet.domain.errors import NotFound
from guichet.domain.orders import CollectOrder, Payer, ProviderAccount
from guichet.domain.outcomes import Outcome, Reason, Refused, Reply, Unknown
from guichet.domain.payments import Payment
from guichet.failpoints import reach
from guichet.gateway import Gateway
from guichet.logs import REQUEST_ID
from guichet.rails.port import RailUnavailable
from guichet.services.settlement import record_outcome
from guichet.store import attempts as store
from guichet.store import customers, payers

log = logging.getLogger(__name__)

#: The settings of a provider's account that no line may show.
_CREDENTIAL = re.compile("key|secret|password|token")

_PROVIDER_REFERENCE_LENGTH = 18


async def begin_attempt(
    gateway: Gateway, payment: Payment, attempt: Attempt, payer_address: str | None
) -> Attempt:
    """Hand a new attempt, whose lease the caller holds, to its rail; returns it as it is then.

    A rail that certainly took no order refuses the attempt, so that the payer may try again.
    """
    rail = gateway.rails.get(attempt.rail, attempt.environment)
    reach("attempt.reserved")
    order = await collect_order(gateway, payment, attempt, payer_address)
    try:
        outcome = await _guarded(rail.begin(order))
    except RailUnavailable:
        outcome = Refused(reason=Reason.NOT_STARTED)
    reach("attempt.began")
    after = await record_outcome(gateway, attempt.id, outcome)
    reach("attempt.begun")
    await _release(gateway, attempt.id, attempt.claim)
    return after


async def refresh_attempt(
    gateway: Gateway, attempt_id: UUID, reply: Reply | None = None, claim: int | None = None
) -> Attempt:
    """Ask the rail for the truth about an attempt and record it.

    ``claim`` is the fencing number of a lease that the caller holds and gives back. Raises
    ``NotFound``, and ``RailUnavailable`` when the provider cannot be asked now or another worker
    is asking it.
    """
    taken = None
    async with gateway.database.connection() as connection:
        if claim is None:
            taken = await store.claim(connection, attempt_id, gateway.settings.lease_seconds)
        row = await store.read(connection, attempt_id)
    if row is None:
        raise NotFound("attempt", str(attempt_id))
    if claim is None and taken is None:
        raise RailUnavailable("another worker is asking")
    if not REQUEST_ID.get():
        REQUEST_ID.set(row.request_id or "")  # this work goes on with what that request began
    try:
        rail = gateway.rails.get(row.attempt.rail, row.attempt.environment)
        order = await collect_order(gateway, row.payment, row.attempt, None)
        outcome = await _guarded(rail.advance(order, reply))
        reach("attempt.asked")
        after = await record_outcome(gateway, attempt_id, outcome)
        reach("attempt.recorded")
        return after
    finally:
        if taken is not None:
            await _release(gateway, attempt_id, taken)


async def cancel_attempt(
    gateway: Gateway, payment: Payment, attempt: Attempt, claim: int
) -> Attempt:
    """Stop an open attempt, unless its money is under way; the caller holds the lease.

    Raises ``RailUnavailable`` when the provider cannot be asked now.
    """
    rail = gateway.rails.get(attempt.rail, attempt.environment)
    try:
        order = await collect_order(gateway, payment, attempt, None)
        outcome = await _guarded(rail.cancel(order))
        return await record_outcome(gateway, attempt.id, outcome)
    finally:
        await _release(gateway, attempt.id, claim)


async def _guarded(call: Awaitable[Outcome]) -> Outcome:
    """The rail's outcome; whatever unforeseen happens in it, we do not know what became of it."""
    try:
        return await call
    except RailUnavailable:
        raise
    except Exception as error:
        log.exception("rail failed")
        return Unknown(detail=type(error).__name__)


async def _release(gateway: Gateway, attempt_id: UUID, claim: int) -> None:
    async with gateway.database.connection() as connection:
        await store.release(connection, attempt_id, claim)


def return_url(gateway: Gateway, attempt_id: UUID) -> str:
    """Where the provider sends the payer's browser back to; the token is the attempt's own."""
    token = gateway.vault.token("return", attempt_id.bytes)
    return f"{gateway.settings.base_url}/return/{attempt_id.hex}/{token}"


async def collect_order(
    gateway: Gateway, payment: Payment, attempt: Attempt, payer_address: str | None
) -> CollectOrder:
    """The attempt as its rail is asked about it."""
    memory = json.loads(gateway.vault.open(attempt.memory)) if attempt.memory else {}
    bank = attempt.institution_id
    return CollectOrder(
        key=attempt.key,
        environment=attempt.environment,
        money=payment.money,
        payee=gateway.access.payee(payment.payee_id),
        reference=payment.reference or payment.id.hex[:_PROVIDER_REFERENCE_LENGTH],
        institution_code="" if bank is None else gateway.institutions.by_id(bank).code,
        return_url=return_url(gateway, attempt.id),
        expires_at=payment.expires_at,
        payer=await _payer(gateway, payment, attempt),
        channel=attempt.channel,
        account=provider_account(gateway, attempt.account_id),
        payer_address=payer_address,
        memory=memory,
        provider_reference=attempt.provider_reference,
        received_minor=attempt.received_minor,
        returned_minor=attempt.returned_minor,
        open=attempt.status in OPEN_ATTEMPT,
        begun_at=attempt.created_at,
    )


async def _payer(gateway: Gateway, payment: Payment, attempt: Attempt) -> Payer:
    needed = gateway.rails.get(attempt.rail, attempt.environment).card.needs_payer
    if not needed and attempt.payer_phone is None:
        return Payer()
    known = None
    async with gateway.database.connection() as connection:
        phone = await payers.open_phone(connection, payment.customer_id, attempt.payer_phone)
        if needed:
            known = await customers.by_id(connection, payment.application_id, payment.customer_id)
    if known is None:
        return Payer(phone=phone)
    return Payer(known.name, known.tax_number, phone, known.email)


def provider_account(gateway: Gateway, account_id: UUID | None) -> ProviderAccount | None:
    """An application's account at a provider, opened; None for None."""
    if account_id is None:
        return None
    settings = json.loads(gateway.vault.open(gateway.access.account_settings(account_id)))
    logs.hide(*(value for name, value in settings.items() if _CREDENTIAL.search(name)))
    return ProviderAccount(account_id, settings)
