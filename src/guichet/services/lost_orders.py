"""Orders of ours that a provider names and we do not know: an older backup was restored.

Their money is booked to suspense, once, by what the provider says when asked about the order. A
person then says which payment it was for (``claim_receipt``), or that it was given back.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from guichet.domain.attempts import Attempt
from guichet.domain.errors import Invalid, NotFound
from guichet.domain.ids import created_at, new_id
from guichet.domain.money import Money
from guichet.domain.outcomes import Finality, Held
from guichet.domain.payments import PAYMENT, Payment, place
from guichet.domain.receipts import UnclaimedReceipt
from guichet.gateway import Gateway
from guichet.ledger import receipt_rules
from guichet.rails.port import ReconcilingRail
from guichet.services.attempts import provider_account
from guichet.services.settlement import Move, write_moves
from guichet.store import attempts as attempt_store
from guichet.store import receipts as store
from guichet.store.database import Connection
from guichet.store.reconciliations import ReconciledAccount
from guichet.store.scope import acting_for


async def book_lost(
    gateway: Gateway, rail: ReconcilingRail, account: ReconciledAccount, keys: Iterable[UUID]
) -> None:
    """Book what the provider holds of each of these orders to suspense, unless it is booked.

    Raises ``RailUnavailable``; what was booked until then stays, and the next read goes on.
    """
    provider = provider_account(gateway, account.account_id)
    for key in sorted(keys):
        held = await rail.held(provider, key.hex, created_at(key))
        with acting_for(*gateway.access.application_ids()):  # whose it is nobody knows
            async with gateway.database.transaction() as tx:
                await _book(gateway, tx, account, key, held)


async def _book(
    gateway: Gateway, tx: Connection, account: ReconciledAccount, key: UUID, held: Held
) -> None:
    now = gateway.clock.now()
    new = UnclaimedReceipt(
        id=new_id(now),
        rail=account.rail,
        environment=account.environment,
        account_id=account.account_id,
        order_id=key,
        received_minor=0,
        returned_minor=0,
        currency=held.received.currency,
        payment_id=None,
        created_at=now,
        updated_at=now,
    )
    before = await store.lock(tx, new)
    if before.payment_id is None:
        await _move(gateway, tx, before, before.told(held.received, held.returned_minor, now), now)


async def _move(
    gateway: Gateway,
    tx: Connection,
    before: UnclaimedReceipt,
    after: UnclaimedReceipt,
    now: datetime,
) -> None:
    entries = receipt_rules.entries(before, after, now)
    if not entries:
        return
    await store.update(tx, after)
    book = await gateway.journal.open(tx, receipt_rules.accounts_of(after))
    for entry in entries:
        book.post(entry)
    await book.write(tx)


async def list_unclaimed(gateway: Gateway) -> list[UnclaimedReceipt]:
    """Money of lost orders that lies in suspense, oldest first."""
    async with gateway.database.connection() as connection:
        return await store.unclaimed(connection)


async def claim_receipt(gateway: Gateway, receipt_id: UUID, payment_id: UUID) -> Payment:
    """Say which payment a lost order's money was for; the payment after that.

    It becomes an attempt of the payment, under the order's own key, so that whatever the provider
    tells of it later finds its way. It completes a payment that waits for as much; otherwise the
    money stays in suspense as that attempt's. Raises ``NotFound``, ``Invalid``
    (``environment``) for play money and real, and ``Halted``.
    """
    gateway.access.refuse_when_halted()
    now = gateway.clock.now()
    async with gateway.database.transaction() as tx:
        payment = await attempt_store.lock_payment(tx, payment_id)
        if payment is None:
            raise NotFound("payment", str(payment_id))
        receipt = await _locked(tx, receipt_id)
        if receipt.environment != payment.environment:
            raise Invalid("environment", "same")
        latest = await attempt_store.latest(tx, payment.id)
        attempt = _attempt(receipt, payment, latest.number + 1 if latest else 1, now)
        await attempt_store.insert(tx, attempt, 0)
        attempt = attempt._replace(status="done", finality=Finality.SETTLED, next_check_at=None)
        await store.update(tx, receipt._replace(payment_id=payment.id, updated_at=now))
        enough = receipt.currency == payment.currency and receipt.left_minor >= payment.amount_minor
        if not enough or not PAYMENT.allows(payment.status, "completed"):
            await attempt_store.update(tx, [], [attempt])
            return payment
        delay = gateway.access.settlement_delay(payment.application_id)
        step = place(payment, attempt, delay, now)
        move = Move(payment, step.payment, step.attempt, step.facts, step.late)
        await write_moves(gateway, tx, [move], now)
    return step.payment


def _attempt(receipt: UnclaimedReceipt, payment: Payment, number: int, now: datetime) -> Attempt:
    """As it is before its money counts: late money comes to an attempt that has lapsed."""
    return Attempt(
        id=receipt.order_id,
        payment_id=payment.id,
        application_id=payment.application_id,
        environment=payment.environment,
        number=number,
        rail=receipt.rail,
        institution_id=None,
        account_id=receipt.account_id,
        channel=None,
        payer_phone=None,
        status="lapsed",
        provider_reference=None,
        memory=None,
        next_step_url=None,
        next_step_code=None,
        reason=None,
        code=None,
        finality=0,
        received_minor=receipt.received_minor,
        received_currency=receipt.currency,
        placed_minor=0,
        returned_minor=receipt.returned_minor,
        checks_count=0,
        next_check_at=None,
        claimed_until=None,
        claim=1,
        created_at=now,
        updated_at=now,
    )


async def return_receipt(gateway: Gateway, receipt_id: UUID, minor: int | None = None) -> Money:
    """Record that a lost order's money was given back, by hand; all of it unless ``minor`` says.

    When the provider tells of the same money later, nothing changes. Raises ``NotFound`` and
    ``Invalid`` (``amount``) for more than there is.
    """
    now = gateway.clock.now()
    async with gateway.database.transaction() as tx:
        receipt = await _locked(tx, receipt_id)
        returned_minor = receipt.left_minor if minor is None else minor
        if not 0 < returned_minor <= receipt.left_minor:
            raise Invalid("amount", "range")
        total_minor = receipt.returned_minor + returned_minor
        after = receipt._replace(returned_minor=total_minor, updated_at=now)
        await _move(gateway, tx, receipt, after, now)
    return Money(returned_minor, receipt.currency)


async def _locked(tx: Connection, receipt_id: UUID) -> UnclaimedReceipt:
    receipt = await store.lock_by_id(tx, receipt_id)
    if receipt is None:
        raise NotFound("money of a lost order", str(receipt_id))
    return receipt
