"""Setting money aside for transfers: rows, books and events of one transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from guichet.domain import fees
from guichet.domain.access import Application
from guichet.domain.errors import DuplicateReference, Invalid
from guichet.domain.events import Event
from guichet.domain.ids import new_id
from guichet.domain.money import Money
from guichet.domain.orders import Destination
from guichet.domain.transfers import (
    EVENT_OF_STATUS,
    TRANSFER,
    Reserved,
    Transfer,
    TransferFact,
)
from guichet.gateway import Gateway
from guichet.ledger import transfer_rules
from guichet.services.offers import offered_rail, pays_out
from guichet.store import attempts as events_store
from guichet.store import transfers as store
from guichet.store.database import Connection


class NewTransfer(NamedTuple):
    """A transfer as an application asks for it; ``rail`` is the one that serves its channel."""

    money: Money
    rail: str
    destination: Destination
    beneficiary_id: UUID | None = None
    bulk_id: UUID | None = None
    reference: str | None = None
    description: str | None = None
    details: str | None = None
    purpose: str = "transfer"


def draft_transfer(
    gateway: Gateway, application: Application, new: NewTransfer, now: datetime
) -> Transfer:
    """The row to insert for ``new``; raises ``Invalid`` for a rail that cannot send."""
    rail = offered_rail(gateway, application, new.rail)
    if rail is None or not rail.card.sends or new.money.currency not in rail.card.currencies:
        raise Invalid("channel", "unknown")
    account_id = gateway.access.account_id(application.id, new.rail)
    if not pays_out(gateway, rail, account_id):
        raise Invalid("channel", "unknown")
    waits = application.approves_transfers
    return Transfer(
        id=new_id(now),
        application_id=application.id,
        environment=application.environment.value,
        purpose=new.purpose,
        beneficiary_id=new.beneficiary_id,
        bulk_id=new.bulk_id,
        rail=new.rail,
        account_id=account_id,
        channel=new.destination.channel,
        destination=json.dumps(asdict(new.destination)),
        amount_minor=new.money.minor,
        fee_minor=fees.quote(application.transfer_fee_rule, new.money),
        currency=new.money.currency,
        status=TRANSFER.start,
        approval="wanted" if waits else "none",
        reason=None,
        code=None,
        provider_reference=None,
        memory=None,
        reference=new.reference,
        description=new.description,
        details=new.details,
        checks_count=0,
        next_check_at=None if waits else now,
        claimed_until=None,
        claim=1,
        created_at=now,
        updated_at=now,
        completed_at=None,
        version=1,
    )


async def reserve_transfers(
    gateway: Gateway,
    tx: Connection,
    transfers: Sequence[Transfer],
    now: datetime,
    lease_seconds: float | None,
) -> None:
    """Insert transfers and set their money aside: all of them or, by the error, none.

    The caller holds the leases of those that need not wait for a checker; with ``lease_seconds``
    None nobody does, and the worker sends them. Raises ``InsufficientFunds``,
    ``DuplicateReference`` and ``Halted``; the transaction must then be undone.
    """
    gateway.access.refuse_when_halted()
    waits = transfers[0].approval == "wanted"
    made = await store.insert(tx, transfers, None if waits else lease_seconds)
    for transfer in transfers:
        if transfer.id not in made:
            assert transfer.reference is not None
            former = await store.by_reference(tx, transfer.application_id, transfer.reference)
            key = str(former.id) if former else ""
            raise DuplicateReference("transfer", transfer.reference, key)
    await book_transfers(gateway, tx, [(transfer, Reserved()) for transfer in transfers], now)
    await announce_transfers(tx, [(transfer, None) for transfer in transfers], now)


async def book_transfers(
    gateway: Gateway,
    tx: Connection,
    facts: Sequence[tuple[Transfer, TransferFact]],
    now: datetime,
) -> None:
    """Enter the facts into the books; call once per transaction, after the rows are locked.

    Raises ``InsufficientFunds``.
    """
    if not facts:
        return
    keys = [key for transfer, fact in facts for key in transfer_rules.accounts_of(transfer, fact)]
    book = await gateway.journal.open(tx, keys)
    for transfer, fact in facts:
        book.post(transfer_rules.entry_of(transfer, fact, book.balance_of, now))
    await book.write(tx)


async def announce_transfers(
    tx: Connection, moves: Sequence[tuple[Transfer, str | None]], now: datetime
) -> None:
    """Tell of transfers as they are now, each with its former status (None: it is new)."""
    events = [
        Event(
            id=new_id(now),
            application_id=transfer.application_id,
            type=EVENT_OF_STATUS[transfer.status],
            subject_type="transfer",
            subject_id=transfer.id,
            version=transfer.version,
            status=transfer.status,
            previous_status=former,
            reason=transfer.reason,
            late=False,
            occurred_at=now,
        )
        for transfer, former in moves
    ]
    await events_store.tell(tx, events, [])
