"""Transfers: set aside first, sent by the rail, recorded with the books."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from guichet.domain import transfers as rules
from guichet.domain.access import Application
from guichet.domain.beneficiaries import Beneficiary
from guichet.domain.errors import NotCancellable, NotFound
from guichet.domain.orders import Destination, SendOrder
from guichet.domain.outcomes import Outcome, Reason, Unknown
from guichet.domain.paging import Listing, Page
from guichet.domain.transfers import TRANSFER, Transfer, TransferStep
from guichet.failpoints import reach
from guichet.gateway import Gateway
from guichet.rails.port import RailUnavailable, SendingRail
from guichet.services.attempts import provider_account
from guichet.services.beneficiaries import add_beneficiaries
from guichet.services.phones import normalise_phone
from guichet.services.reserving import (
    NewTransfer,
    announce_transfers,
    book_transfers,
    draft_transfer,
    reserve_transfers,
)
from guichet.store import transfers as store
from guichet.store.database import Connection
from guichet.store.transfers import TransferFilters

__all__ = [
    "NewTransfer",
    "TransferFilters",
    "approve_transfer",
    "cancel_transfer",
    "create_transfer",
    "list_transfers",
    "list_waiting_transfers",
    "read_any_transfer",
    "read_transfer",
    "record_transfer",
    "refresh_transfer",
    "refuse_transfer",
    "send_transfer",
]

log = logging.getLogger(__name__)

_REFERENCE_LENGTH = 32


async def create_transfer(
    gateway: Gateway,
    application: Application,
    new: NewTransfer,
    beneficiary: Beneficiary | None = None,
) -> Transfer:
    """Set the money aside, then ask the rail; the transfer as the rail left it, often still open.

    ``beneficiary`` is one to be kept with the transfer, if they are not yet. With
    ``application.approves_transfers`` it waits for ``approve_transfer`` instead. Raises ``Invalid``
    (``channel``), ``InsufficientFunds``, ``DuplicateReference``.
    """
    now = gateway.clock.now()
    transfer = draft_transfer(gateway, application, new, now)
    async with gateway.database.transaction() as tx:
        if beneficiary is not None:
            kept = await add_beneficiaries(tx, [beneficiary], now)
            transfer = transfer._replace(beneficiary_id=kept[beneficiary.id])
        await reserve_transfers(gateway, tx, [transfer], now, gateway.settings.lease_seconds)
        reach("transfer.uncommitted")
    reach("transfer.set_aside")
    return transfer if transfer.approval == "wanted" else await send_transfer(gateway, transfer)


async def send_transfer(gateway: Gateway, transfer: Transfer) -> Transfer:
    """Ask the rail about a new transfer whose lease the caller holds, and give the lease back.

    A rail that took the order is asked once more: one that decides at once has decided.
    """
    try:
        transfer = await refresh_transfer(gateway, transfer)
        if transfer.status == "sent":
            transfer = await refresh_transfer(gateway, transfer)
    except RailUnavailable:
        pass  # the worker asks again
    finally:
        async with gateway.database.connection() as connection:
            await store.release(connection, transfer.id, transfer.claim)
    return transfer


async def refresh_transfer(gateway: Gateway, transfer: Transfer) -> Transfer:
    """Ask the rail about a transfer whose lease the caller holds, and record what it says.

    Raises ``RailUnavailable`` when the provider cannot be asked now.
    """
    rail = _sending_rail(gateway, transfer)
    memory = json.loads(gateway.vault.open(transfer.memory)) if transfer.memory else {}
    order = SendOrder(
        key=transfer.key,
        environment=transfer.environment,
        money=transfer.money,
        destination=Destination(**json.loads(transfer.destination)),
        reference=transfer.reference or transfer.key[:_REFERENCE_LENGTH],
        description=transfer.description or "",
        account=provider_account(gateway, transfer.account_id),
        memory=memory,
        provider_reference=transfer.provider_reference,
    )
    try:
        outcome: Outcome = await rail.send(order)
    except RailUnavailable:
        raise
    except Exception as error:
        log.exception("rail failed")
        outcome = Unknown(detail=type(error).__name__)
    reach("transfer.asked")
    after = await record_transfer(gateway, transfer.id, outcome)
    reach("transfer.recorded")
    return after


def _sending_rail(gateway: Gateway, transfer: Transfer) -> SendingRail:
    try:
        rail = gateway.rails.get(transfer.rail, transfer.environment)
    except KeyError:
        raise RailUnavailable(f"{transfer.rail} is not connected any more") from None
    if not isinstance(rail, SendingRail):
        raise RailUnavailable(f"{transfer.rail} cannot send")
    return rail


async def record_transfer(
    gateway: Gateway,
    transfer_id: UUID,
    outcome: Outcome,
    check: Callable[[Transfer], None] | None = None,
) -> Transfer:
    """The only way in for what a rail, or a person in its place, reports of a transfer.

    ``check`` sees it under its lock and may raise. Raises ``NotFound``.
    """
    now = gateway.clock.now()
    async with gateway.database.transaction() as tx:
        before = await _locked(tx, transfer_id)
        if check is not None:
            check(before)
        step = rules.apply(before, outcome, now)
        if outcome.memory is not None:
            memory = gateway.vault.seal(json.dumps(outcome.memory).encode())
            step = step._replace(transfer=step.transfer._replace(memory=memory))
        await _write(gateway, tx, before, step, now)
    return step.transfer


async def cancel_transfer(
    gateway: Gateway, application: Application, transfer_id: UUID
) -> Transfer:
    """Withdraw a transfer that no rail was asked for. Raises ``NotFound``, ``NotCancellable``."""
    return await _withdraw(gateway, application, transfer_id, Reason.WITHDRAWN, None)


async def refuse_transfer(
    gateway: Gateway, application: Application, transfer_id: UUID
) -> Transfer:
    """The checker's no: its money is available again. Raises ``NotFound``, ``NotCancellable``."""
    return await _withdraw(gateway, application, transfer_id, Reason.DECLINED, "refused")


async def approve_transfer(
    gateway: Gateway, application: Application, transfer_id: UUID
) -> Transfer:
    """The checker's yes: the transfer is sent. Raises ``NotFound`` and ``NotCancellable``."""
    now = gateway.clock.now()
    async with gateway.database.transaction() as tx:
        before = await _locked(tx, transfer_id, application.id)
        if before.approval != "wanted" or before.status != TRANSFER.start:
            raise NotCancellable(before.status)
        given = before._replace(
            approval="given", next_check_at=now, updated_at=now, version=before.version + 1
        )
        await store.update(tx, given)
        claim = await store.claim(tx, transfer_id, gateway.settings.lease_seconds)
        assert claim is not None
    return await send_transfer(gateway, given._replace(claim=claim))


async def read_transfer(gateway: Gateway, application: Application, key: UUID | str) -> Transfer:
    """The application's transfer of this id or of its own reference; raises ``NotFound``."""
    async with gateway.database.connection() as connection:
        if isinstance(key, UUID):
            found = await store.by_id(connection, application.id, key)
        else:
            found = await store.by_reference(connection, application.id, key)
    if found is None:
        raise NotFound("transfer", str(key))
    return found


async def read_any_transfer(gateway: Gateway, transfer_id: UUID) -> Transfer:
    """A transfer whoever it belongs to, for the operator; raises ``NotFound``."""
    async with gateway.database.connection() as connection:
        found = await store.any_by_id(connection, transfer_id)
    if found is None:
        raise NotFound("transfer", str(transfer_id))
    return found


async def list_waiting_transfers(gateway: Gateway, application_id: UUID | None) -> list[Transfer]:
    """The transfers, of one application or of all, that wait for a checker, oldest first."""
    async with gateway.database.connection() as connection:
        return await store.waiting(connection, application_id)


async def list_transfers(
    gateway: Gateway, application: Application, filters: TransferFilters, page: Page
) -> Listing[Transfer]:
    """One page of the application's transfers, newest first."""
    if filters.search is not None:
        phone = normalise_phone(filters.search, application.payee.country)
        filters = replace(filters, search_phone=phone)
    async with gateway.database.connection() as connection:
        rows, total = await store.list_page(connection, application.id, filters, page)
    return Listing(rows, total)


async def _withdraw(
    gateway: Gateway,
    application: Application,
    transfer_id: UUID,
    reason: Reason,
    approval: str | None,
) -> Transfer:
    """Withdraw what no rail was asked for; with ``approval``, what waits for its checker alone."""
    now = gateway.clock.now()
    async with gateway.database.transaction() as tx:
        before = await _locked(tx, transfer_id, application.id)
        if not before.is_unasked or (approval is not None and before.approval != "wanted"):
            raise NotCancellable(before.status)
        step = rules.cancel(before, reason, now)
        if approval is not None:
            step = step._replace(transfer=step.transfer._replace(approval=approval))
        await _write(gateway, tx, before, step, now)
    return step.transfer


async def _locked(
    tx: Connection, transfer_id: UUID, application_id: UUID | None = None
) -> Transfer:
    transfer = await store.lock(tx, transfer_id)
    if transfer is None or application_id not in (None, transfer.application_id):
        raise NotFound("transfer", str(transfer_id))
    return transfer


async def _write(
    gateway: Gateway, tx: Connection, before: Transfer, step: TransferStep, now: datetime
) -> None:
    await store.update(tx, step.transfer)
    await book_transfers(gateway, tx, [(step.transfer, fact) for fact in step.facts], now)
    if step.transfer.status != before.status:
        await announce_transfers(tx, [(step.transfer, before.status)], now)
