"""Payouts: from an application's balance to the merchant's own bank account.

No connector pays bank accounts, so a person does: the money is set aside here, sent from our bank
by hand, and what came of it is said afterwards. Nothing here is ever due for the worker.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from uuid import UUID

import asyncpg

from guichet.domain import fees
from guichet.domain.access import Application
from guichet.domain.errors import DuplicateReference, Invalid, NotCancellable, NotFound
from guichet.domain.ids import new_id
from guichet.domain.money import Money
from guichet.domain.orders import Destination
from guichet.domain.outcomes import Done, Outcome, Reason, Refused, TakenBack
from guichet.domain.transfers import OPEN_TRANSFER, TRANSFER, Transfer
from guichet.gateway import Gateway
from guichet.services.reserving import reserve_transfers
from guichet.services.transfers import read_any_transfer, record_transfer
from guichet.store import transfers as store

#: What stands for the rail and the channel of a payout.
BY_HAND = "by_hand"
BANK = "bank"

_TEXT_MAX = 255


async def request_payout(
    gateway: Gateway, application: Application, money: Money, description: str | None = None
) -> Transfer:
    """Set money and fee aside for the application's own bank account.

    The fee is that of transfers, on top. Raises ``Invalid`` (``amount``) and
    ``InsufficientFunds``.
    """
    if money.minor <= 0:
        raise Invalid("amount", "range")
    now = gateway.clock.now()
    payee = application.payee
    account = Destination(payee.name, BANK, payee.account, payee.country, payee.bic)
    payout = Transfer(
        id=new_id(now),
        application_id=application.id,
        environment=application.environment.value,
        purpose="payout",
        beneficiary_id=None,
        bulk_id=None,
        rail=BY_HAND,
        account_id=None,
        channel=BANK,
        destination=json.dumps(asdict(account)),
        amount_minor=money.minor,
        fee_minor=fees.quote(application.transfer_fee_rule, money),
        currency=money.currency,
        status=TRANSFER.start,
        approval="none",
        reason=None,
        code=None,
        provider_reference=None,
        memory=None,
        reference=None,
        description=description,
        details=None,
        checks_count=0,
        next_check_at=None,
        claimed_until=None,
        claim=0,
        created_at=now,
        updated_at=now,
        completed_at=None,
        version=1,
    )
    async with gateway.database.transaction() as tx:
        await reserve_transfers(gateway, tx, [payout], now, None)
    return payout


async def payout_paid(gateway: Gateway, payout_id: UUID, reference: str) -> Transfer:
    """The bank has sent it; ``reference`` is the bank's own of that, used for one payout alone.

    Saying so again changes nothing. Raises ``NotFound``, ``Invalid`` (``reference``),
    ``DuplicateReference`` and ``NotCancellable``.
    """
    reference = _checked("reference", reference)
    payout = await read_any_transfer(gateway, payout_id)
    if (payout.status, payout.provider_reference) == ("completed", reference):
        return payout
    done = Done(received=payout.money, provider_reference=reference)
    try:
        return await _settle(gateway, payout_id, done, _is_open)
    except asyncpg.UniqueViolationError as error:
        raise DuplicateReference("payout", reference, "") from error


async def payout_failed(gateway: Gateway, payout_id: UUID, reason: str) -> Transfer:
    """The bank did not send it: its money is available again. Raises as ``payout_paid``."""
    refused = Refused(reason=Reason.REJECTED, code=_checked("reason", reason))
    return await _settle(gateway, payout_id, refused, _is_open)


async def payout_returned(gateway: Gateway, payout_id: UUID, reason: str) -> Transfer:
    """What was paid came back to our bank: it is available again. Raises as ``payout_paid``."""
    back = TakenBack(code=_checked("reason", reason))
    return await _settle(gateway, payout_id, back, lambda status: status == "completed")


async def list_payouts(
    gateway: Gateway, application_id: UUID | None, *, only_open: bool
) -> list[Transfer]:
    """Payouts of one application or of all, oldest first."""
    async with gateway.database.connection() as connection:
        return await store.payouts(connection, application_id, only_open=only_open)


async def _settle(
    gateway: Gateway, payout_id: UUID, outcome: Outcome, allows: Callable[[str], bool]
) -> Transfer:
    def check(payout: Transfer) -> None:
        if payout.rail != BY_HAND:
            raise NotFound("payout", str(payout_id))
        if not allows(payout.status):
            raise NotCancellable(payout.status)

    return await record_transfer(gateway, payout_id, outcome, check)


def _is_open(status: str) -> bool:
    return status in OPEN_TRANSFER


def _checked(field: str, text: str) -> str:
    text = text.strip()
    if not text:
        raise Invalid(field, "required")
    if len(text) > _TEXT_MAX:
        raise Invalid(field, "length")
    return text
