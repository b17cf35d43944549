"""Beneficiaries: who an application sends money to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from guichet.domain import events
from guichet.domain.access import Application
from guichet.domain.beneficiaries import Beneficiary
from guichet.domain.channels import Channel
from guichet.domain.errors import DuplicateReference, NotFound
from guichet.domain.events import Event
from guichet.domain.ids import new_id
from guichet.domain.paging import Listing, Page
from guichet.gateway import Gateway
from guichet.services.phones import normalise_phone
from guichet.store import attempts
from guichet.store import beneficiaries as store
from guichet.store.beneficiaries import BeneficiaryFilters
from guichet.store.database import Connection

__all__ = [
    "Beneficiary",
    "BeneficiaryFilters",
    "NewBeneficiary",
    "add_beneficiaries",
    "change_beneficiary",
    "create_beneficiary",
    "draft_beneficiary",
    "list_beneficiaries",
    "read_beneficiaries",
    "read_beneficiary",
]


class NewBeneficiary(NamedTuple):
    """A beneficiary to be: ``phone_number`` (E.164) is the wallet that ``channel`` reaches."""

    name: str
    channel: Channel
    phone_number: str
    email: str | None = None
    phone: str | None = None
    bank_code: str | None = None
    reference: str | None = None
    description: str | None = None
    details: str | None = None


def draft_beneficiary(application: Application, new: NewBeneficiary, now: datetime) -> Beneficiary:
    """The row to insert for ``new``."""
    return Beneficiary(
        id=new_id(now),
        application_id=application.id,
        environment=application.environment.value,
        name=new.name,
        kind="mobile_money",
        channel=new.channel.id,
        account_number=new.phone_number,
        country=new.channel.country,
        currency=new.channel.currency,
        email=new.email,
        phone=new.phone,
        bank_code=new.bank_code,
        reference=new.reference,
        description=new.description,
        details=new.details,
        created_at=now,
        updated_at=now,
        deleted_at=None,
        version=1,
    )


async def create_beneficiary(
    gateway: Gateway, application: Application, new: NewBeneficiary
) -> Beneficiary:
    """Keep a beneficiary (``beneficiary.created``); raises ``DuplicateReference``."""
    now = gateway.clock.now()
    drafted = draft_beneficiary(application, new, now)
    async with gateway.database.transaction() as tx:
        if not await store.insert(tx, drafted):
            assert drafted.reference is not None
            former = await store.by_reference(tx, application.id, drafted.reference)
            key = str(former.id) if former else ""
            raise DuplicateReference("beneficiary", drafted.reference, key)
        await _tell(tx, [drafted], events.BENEFICIARY_CREATED, now)
    return drafted


async def add_beneficiaries(
    tx: Connection, drafts: Sequence[Beneficiary], now: datetime
) -> dict[UUID, UUID]:
    """Keep those who are named by transfers of one application, one of the same account and name
    once; under which id each draft is kept, by the draft's own.
    """
    if not drafts:
        return {}
    former = await store.same(tx, drafts[0].application_id, drafts)
    new: dict[tuple[str, str, str], Beneficiary] = {}
    kept: dict[UUID, UUID] = {}
    for draft in drafts:
        if draft.id in former:
            kept[draft.id] = former[draft.id].id
        else:
            named = (draft.channel, draft.account_number, draft.name)
            kept[draft.id] = new.setdefault(named, draft).id
    await store.insert_many(tx, list(new.values()))
    await _tell(tx, new.values(), events.BENEFICIARY_CREATED, now)
    return kept


async def change_beneficiary(
    gateway: Gateway,
    application: Application,
    beneficiary_id: UUID,
    event: str,
    **changes: object,
) -> Beneficiary:
    """Change a beneficiary's fields and tell it as ``event``; nothing new is not told.

    Transfers under way go where they were sent. Raises ``NotFound``.
    """
    now = gateway.clock.now()
    async with gateway.database.transaction() as tx:
        before = await store.by_id(tx, application.id, beneficiary_id, lock=True)
        if before is None:
            raise NotFound("beneficiary", str(beneficiary_id))
        after = before._replace(**changes)  # type: ignore[arg-type]
        if after == before:
            return before
        after = after._replace(updated_at=now, version=before.version + 1)
        await store.update(tx, after)
        await _tell(tx, [after], event, now)
    return after


async def read_beneficiary(
    gateway: Gateway, application: Application, beneficiary_id: UUID
) -> Beneficiary:
    """The application's beneficiary; raises ``NotFound``."""
    async with gateway.database.connection() as connection:
        found = await store.by_id(connection, application.id, beneficiary_id)
    if found is None:
        raise NotFound("beneficiary", str(beneficiary_id))
    return found


async def read_beneficiaries(
    gateway: Gateway, application: Application, ids: Sequence[UUID]
) -> dict[UUID, Beneficiary]:
    """Those of the application's beneficiaries that ``ids`` name, by id."""
    if not ids:
        return {}
    async with gateway.database.connection() as connection:
        return await store.by_ids(connection, application.id, ids)


async def list_beneficiaries(
    gateway: Gateway, application: Application, filters: BeneficiaryFilters, page: Page
) -> Listing[Beneficiary]:
    """One page of the application's beneficiaries, newest first."""
    if filters.search is not None:
        phone = normalise_phone(filters.search, application.payee.country)
        filters = replace(filters, search_phone=phone)
    async with gateway.database.connection() as connection:
        rows, total = await store.list_page(connection, application.id, filters, page)
    return Listing(rows, total)


async def _tell(
    tx: Connection, beneficiaries: Iterable[Beneficiary], type_: str, now: datetime
) -> None:
    told = [
        Event(
            id=new_id(now),
            application_id=beneficiary.application_id,
            type=type_,
            subject_type="beneficiary",
            subject_id=beneficiary.id,
            version=beneficiary.version,
            status="deleted" if beneficiary.deleted_at else "active",
            previous_status=None,
            reason=None,
            late=False,
            occurred_at=now,
        )
        for beneficiary in beneficiaries
    ]
    await attempts.tell(tx, told, [])
