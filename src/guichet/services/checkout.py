"""The hosted page's use cases: see a payment, start paying it, come back from the bank.

No caller: whoever has the address, with its token, may pay. Amount and payee come from the
payment, never from the browser, and what the browser brings back is a hint.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from guichet.domain.access import Application
from guichet.domain.attempts import ATTEMPT, OPEN_ATTEMPT, Attempt
from guichet.domain.errors import LinkNotPayable, NotFound, NotPayable
from guichet.domain.ids import new_id
from guichet.domain.institutions import Institution
from guichet.domain.links import Link, state_of
from guichet.domain.orders import Payee
from guichet.domain.outcomes import Reply
from guichet.domain.payments import OPEN_PAYMENT, Payment
from guichet.gateway import Gateway
from guichet.services.access import acting_for_owner
from guichet.services.attempts import begin_attempt
from guichet.services.institutions import institution_of
from guichet.services.notices import keep_reply
from guichet.store import attempts as store
from guichet.store import links as link_store
from guichet.store import payers as payer_store
from guichet.store import payments as payment_store

_PARAMETERS_MAX = 20
_PARAMETER_LENGTH_MAX = 4096


class CheckoutView(NamedTuple):
    """What the hosted page shows. ``attempt`` is the newest one, if any; ``link`` the payment link
    that the payment was born from, deleted or not, and ``link_state`` whether it is still open,
    room aside: the payment has its own. ``payer_phone`` (E.164) is the handset of the attempt.
    """

    payment: Payment
    payee: Payee
    institution: Institution | None
    application: Application | None
    attempt: Attempt | None
    link: Link | None = None
    link_state: str | None = None
    payer_phone: str | None = None

    @property
    def is_startable(self) -> bool:
        """Whether the payer can begin to pay now."""
        if self.link_state not in {None, "open"}:
            return False
        started = self.attempt is not None and self.attempt.status in OPEN_ATTEMPT
        return (
            self.payment.status in OPEN_PAYMENT and not self.payment.reason_is_money and not started
        )


async def open_checkout(gateway: Gateway, payment_id: UUID, token: str) -> CheckoutView:
    """The payment behind a hosted page's address; raises ``NotFound``."""
    _check(gateway, "checkout", payment_id, token)
    async with acting_for_owner(gateway, "payment", payment_id):
        return await _view(gateway, payment_id)


async def start_attempt(
    gateway: Gateway, payment_id: UUID, token: str, payer_address: str | None
) -> CheckoutView:
    """Begin to pay, once: an attempt under way is answered as it is.

    ``view.attempt.next_step_url`` is the bank's address once it is known. Raises ``NotFound`` and
    ``NotPayable``.
    """
    _check(gateway, "checkout", payment_id, token)
    async with acting_for_owner(gateway, "payment", payment_id):
        started = await reserve_attempt(gateway, payment_id)
        if started is not None:
            payment, attempt = started
            await begin_attempt(gateway, payment, attempt, payer_address)
        return await _view(gateway, payment_id)


async def receive_return(
    gateway: Gateway, attempt_id: UUID, token: str, parameters: Mapping[str, str]
) -> CheckoutView:
    """Keep what the payer's browser brought back from the bank and wake the worker.

    Calls nobody: the bank's answer must be served at once. Raises ``NotFound``.
    """
    _check(gateway, "return", attempt_id, token)
    async with acting_for_owner(gateway, "attempt", attempt_id):
        async with gateway.database.connection() as connection:
            row = await store.read(connection, attempt_id)
        if row is None:
            raise NotFound("attempt", str(attempt_id))
        kept = dict(list(parameters.items())[:_PARAMETERS_MAX])
        reply = Reply({name: value[:_PARAMETER_LENGTH_MAX] for name, value in kept.items()})
        await keep_reply(gateway, row.attempt.rail, row.attempt.environment, attempt_id, reply)
        return await _view(gateway, row.payment.id)


class Method(NamedTuple):
    """How the payer chose to pay a payment that left it open: by which rail, channel and phone."""

    rail: str
    channel: str
    phone: str


async def reserve_attempt(
    gateway: Gateway, payment_id: UUID, method: Method | None = None
) -> tuple[Payment, Attempt] | None:
    """Insert a new attempt under the payment's lock, its lease ours; None while one is open.

    Nothing is begun once the payment's link is no longer open, nor begun anew where no provider
    took the first attempt: the link is locked, before the payment, so that its closing comes before
    or after this and not between.
    ``method`` is needed where the payment's own rail is none in particular. Raises ``NotFound``
    and ``NotPayable`` (``LinkNotPayable``), ``Halted``.
    """
    gateway.access.refuse_when_halted()
    lease_seconds = gateway.settings.lease_seconds
    async with gateway.database.transaction() as tx:
        link = await link_store.lock_shared_of_payment(tx, payment_id)
        payment = await store.lock_payment(tx, payment_id)
        if payment is None:
            raise NotFound("payment", str(payment_id))
        if payment.status not in OPEN_PAYMENT or payment.reason_is_money:
            raise NotPayable(payment.status)
        former = await store.latest(tx, payment_id)
        if former is not None and former.status in OPEN_ATTEMPT:
            return None
        now = gateway.clock.now()
        if payment.expires_at <= now:
            raise NotPayable("expired")
        if link is not None and (state := state_of(link, now, 0)) != "open":
            raise LinkNotPayable(state)
        rail = method.rail if method else payment.rail
        phone = None
        if method is not None:
            phone = await payer_store.seal_phone(tx, payment.customer_id, method.phone)
        attempt = Attempt(
            id=new_id(now),
            payment_id=payment.id,
            application_id=payment.application_id,
            environment=payment.environment,
            number=former.number + 1 if former else 1,
            rail=rail,
            institution_id=payment.institution_id,
            account_id=gateway.access.account_id(payment.application_id, rail),
            channel=method.channel if method else None,
            payer_phone=phone,
            status=ATTEMPT.start,
            provider_reference=None,
            memory=None,
            next_step_url=None,
            next_step_code=None,
            reason=None,
            code=None,
            finality=0,
            received_minor=0,
            received_currency=None,
            placed_minor=0,
            returned_minor=0,
            checks_count=0,
            next_check_at=now,
            claimed_until=None,
            claim=1,
            created_at=now,
            updated_at=now,
        )
        await store.insert(tx, attempt, lease_seconds)
    return payment, attempt


async def _view(gateway: Gateway, payment_id: UUID) -> CheckoutView:
    async with gateway.database.connection() as connection:
        row = await payment_store.by_id(connection, payment_id)
        if row is None:
            raise NotFound("payment", str(payment_id))
        attempt = await store.latest(connection, payment_id)
        phone = None
        if attempt is not None:
            payer_id = row.payment.customer_id
            phone = await payer_store.open_phone(connection, payer_id, attempt.payer_phone)
        link = None
        if row.payment.link_id is not None:
            link = await link_store.by_id(connection, row.payment.link_id)
    payment = row.payment
    return CheckoutView(
        payment,
        gateway.access.payee(payment.payee_id),
        institution_of(gateway, payment.institution_id),
        gateway.access.application(payment.application_id),
        attempt,
        link,
        state_of(link, gateway.clock.now(), 0) if link else None,
        phone,
    )


def _check(gateway: Gateway, purpose: str, subject: UUID, token: str) -> None:
    if not gateway.vault.check(purpose, subject.bytes, token):
        raise NotFound(purpose, str(subject))
