"""Payments: made in group commits, read together, listed, expired and released."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg

from guichet.domain import fees
from guichet.domain.access import Application, Caller
from guichet.domain.customers import CUSTOMER_FIELDS, email_key
from guichet.domain.errors import Invalid, NotFound, RequestKeyReused
from guichet.domain.ids import new_ids
from guichet.domain.institutions import Institution
from guichet.domain.paging import Listing, Page
from guichet.domain.payments import UNDECIDED, NewPayment, Payment
from guichet.failpoints import reach
from guichet.gateway import Gateway
from guichet.logs import REQUEST_ID
from guichet.services.institutions import find_institution
from guichet.services.offers import offered_rail
from guichet.services.payment_pages import PaymentPages
from guichet.services.phones import normalise_phone
from guichet.store import payments as store
from guichet.store.batcher import Batcher
from guichet.store.payment_pages import PaymentFilters
from guichet.store.payments import PaymentRow
from guichet.store.sealed_payers import PaymentInsert

__all__ = [
    "PaymentDesk",
    "PaymentFilters",
    "PaymentView",
    "checkout_url",
    "create_payment",
    "draft_payment",
    "list_payments",
    "read_payment",
]

#: A payment with its payer as they are now.
PaymentView = PaymentRow

_CREATE_WRITERS = 2  # one batch is built while the other is flushed to disk
_READ_CONNECTIONS = 2


class ReadKey(NamedTuple):
    """A payment of an application."""

    application_id: UUID
    payment_id: UUID


class PaymentDesk:
    """One process's queues for payments, those to make and those to read, and their lists."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        limit = gateway.settings.queue_limit
        self.creator: Batcher[PaymentInsert, PaymentView | None] = Batcher(
            self._create, writers=_CREATE_WRITERS, limit=limit, key=_request_identity
        )
        self.reader: Batcher[ReadKey, PaymentView | None] = Batcher(
            self._read, writers=_READ_CONNECTIONS, limit=limit
        )
        self.pages = PaymentPages(gateway)

    @property
    def longest_wait_seconds(self) -> float:
        """How long the request that came first has been waiting for its turn."""
        return max(self.creator.longest_wait_seconds, self.reader.longest_wait_seconds)

    async def drain(self) -> None:
        """Wait until everything submitted is answered."""
        await asyncio.gather(self.creator.drain(), self.reader.drain(), self.pages.drain())

    async def _create(
        self, items: Sequence[PaymentInsert]
    ) -> Sequence[PaymentView | Exception | None]:
        async with self._gateway.database.bare_connection() as connection:
            reach("payment.ordered")
            made = await store.create(connection, items, items[-1].payment.created_at)
        reach("payment.written")
        return made

    async def _read(self, keys: Sequence[ReadKey]) -> list[PaymentView | None]:
        async with self._gateway.database.bare_connection() as connection:
            return await store.read_many(connection, keys)


def _request_identity(item: PaymentInsert) -> object:
    return (item.payment.application_id, item.request_key) if item.request_key else None


async def create_payment(gateway: Gateway, caller: Caller, new: NewPayment) -> PaymentView:
    """Make a payment for the caller's application and tell the world (``payment.created``).

    With a request key the call may be repeated: the same request answers the payment it made.
    Raises ``Invalid`` (``rail``, ``currency``, ``institution`` or ``customer.id`` unknown,
    ``customer.email`` taken), ``RequestKeyReused``, ``Overloaded``, ``DatabaseUnavailable``.
    """
    item = draft_payment(gateway, caller.application, new)
    try:
        made = await gateway.desk.creator.submit(item)
    except asyncpg.UniqueViolationError as error:
        # Somebody else inserted the same request key meanwhile, or the payer named by id was
        # given another payer's e-mail.
        made = None
        if error.constraint_name == "customers_email":
            raise Invalid("customer.email", "taken") from None
    if made is not None:
        return made
    if new.request_key is not None:
        async with gateway.database.connection() as connection:
            former = await store.by_request_key(connection, caller.application.id, new.request_key)
        if former is not None:
            view, request_hash = former
            if request_hash != new.request_hash:
                raise RequestKeyReused
            return view
    raise Invalid("customer.id", "unknown")


def draft_payment(
    gateway: Gateway,
    application: Application,
    new: NewPayment,
    lifetime: timedelta | None = None,
) -> PaymentInsert:
    """The row to insert for ``new``; it lives as long as the application says, unless told.

    Raises ``Invalid`` for a rail that the application cannot use (``rail``), a bank that the rail
    does not offer (``institution``) and a currency that it does not collect (``currency``), and
    ``Halted``.
    """
    gateway.access.refuse_when_halted()
    institution = _chosen_institution(gateway, application, new)
    now = gateway.clock.now()
    customer = new.customer
    rule = application.fee_rule
    payment_id, customer_id, event_id = new_ids(now, 3)
    payment = Payment(
        id=payment_id,
        application_id=application.id,
        environment=application.environment.value,
        customer_id=application.id,  # the store knows the payer
        payee_id=application.payee.id,
        fee_rule_id=rule.id if rule else None,
        rail=new.rail,
        institution_id=institution.id if institution else None,
        link_id=new.link_id,
        country=(institution.country if institution else None) or application.payee.country,
        reference=new.reference,
        amount_minor=new.money.minor,
        currency=new.money.currency,
        fee_minor=fees.quote(rule, new.money),
        unreleased_minor=0,
        refunding_minor=0,
        refunded_minor=0,
        returned_minor=0,
        payer_code=None,
        details=None,
        status="pending",
        reason=None,
        notify_url=new.notify_url,
        expires_at=now + (lifetime or timedelta(minutes=application.payment_lifetime_minutes)),
        created_at=now,
        updated_at=now,
        completed_at=None,
        release_at=None,
        version=1,
    )
    get = customer.fields.get
    return PaymentInsert(
        payment=payment,
        request_key=new.request_key,
        request_hash=new.request_hash,
        customer_id=customer.id,
        new_customer_id=customer_id,
        email_key=email_key(customer.email) if customer.email else None,
        customer_fields=tuple([get(name) for name in CUSTOMER_FIELDS]),
        event_id=event_id,
        request_id=REQUEST_ID.get() or None,
    )


def _chosen_institution(
    gateway: Gateway, application: Application, new: NewPayment
) -> Institution | None:
    if new.institution_key is not None:
        institution = find_institution(gateway, application.environment, new.institution_key)
        if institution is None or institution.rail != new.rail:
            raise Invalid("institution", "unknown")
        return institution
    if new.rail != UNDECIDED:
        rail = offered_rail(gateway, application, new.rail)
        if rail is None:
            raise Invalid("rail", "unknown")
        if not rail.card.begins_at_creation:
            raise Invalid("institution", "required")
        if new.money.currency not in rail.card.currencies:
            raise Invalid("currency", "unknown")
    return None


async def read_payment(gateway: Gateway, caller: Caller, payment_id: UUID) -> PaymentView:
    """A payment of the caller's application; raises ``NotFound``. Reads at once share a query."""
    view = await gateway.desk.reader.submit(ReadKey(caller.application.id, payment_id))
    if view is None:
        raise NotFound("payment", str(payment_id))
    return view


async def read_payment_by_request_key(
    gateway: Gateway, caller: Caller, request_key: str
) -> PaymentView | None:
    """The application's payment that was made with this request key, if there is one."""
    async with gateway.database.connection() as connection:
        found = await store.by_request_key(connection, caller.application.id, request_key)
    return found[0] if found else None


async def list_payments(
    gateway: Gateway, caller: Caller, filters: PaymentFilters, page: Page
) -> Listing[PaymentView]:
    """One page of the application's payments, newest first."""
    application = caller.application
    if filters.search is not None:
        phone = normalise_phone(filters.search, application.payee.country)
        filters = replace(filters, search_phone=phone)
    return await gateway.desk.pages.read(application.id, filters, page)


def checkout_url(gateway: Gateway, payment_id: UUID) -> str:
    """The address of the payment's hosted page; who has it may see and pay the payment."""
    token = gateway.vault.token("checkout", payment_id.bytes)
    return f"{gateway.settings.base_url}/pay/{payment_id.hex}/{token}"
