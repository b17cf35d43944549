"""Payment links as payers meet them: opened by whoever has the address, and paid.

No caller: price, payee and currency come from the link, never from the browser. Whether a link
still takes a payment is decided under the lock of its row: shared by its payers, alone where a
limit counts them.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg

from guichet.domain import payments as payment_rules
from guichet.domain.access import Application
from guichet.domain.attempts import OPEN_ATTEMPT
from guichet.domain.cards import holds_card_number
from guichet.domain.customers import is_email
from guichet.domain.errors import Invalid, LinkNotPayable, NotFound
from guichet.domain.links import (
    LIMITED_LIFETIME,
    OPTIONAL_FIELDS,
    Link,
    LinkPayment,
    asked_fields,
    state_of,
)
from guichet.domain.money import Money, exponent
from guichet.domain.orders import Payee
from guichet.domain.outcomes import Reason
from guichet.domain.payments import OPEN_PAYMENT, CustomerDetails, NewPayment
from guichet.gateway import Gateway
from guichet.rails.port import RailCard
from guichet.services.access import acting_for_link
from guichet.services.charges import get_code
from guichet.services.institutions import find_institution
from guichet.services.offers import offered_rail
from guichet.services.payments import PaymentView, draft_payment
from guichet.services.settlement import Move, write_moves
from guichet.services.tax_numbers import clean_tax_number
from guichet.store import attempts, links, payments
from guichet.store.database import Connection

_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}", re.ASCII)
_TEXT_MAX = 255
#: As much as any link may cost: 99,999,999.99.
_AMOUNT_MAX_HUNDREDTHS = 9_999_999_999


class LinkView(NamedTuple):
    """What the link's page shows. ``rails`` are the names of those the payer may choose from now;
    ``state`` is ``domain.links.state_of``.
    """

    link: Link
    application: Application
    state: str
    rails: tuple[str, ...]
    payee: Payee


async def open_link(gateway: Gateway, slug: str) -> LinkView:
    """The link behind a page's address; raises ``NotFound`` for unknown and deleted ones."""
    async with acting_for_link(gateway, slug), gateway.database.connection() as connection:
        link, application = _found(gateway, await links.by_slug(connection, slug), slug)
        taken = await _taken(connection, link)
    state = state_of(link, gateway.clock.now(), taken)
    rails = tuple(name for name in link.rails if _card(gateway, application, link, name))
    return LinkView(link, application, state, rails, application.payee)


def problems_of(
    gateway: Gateway, application: Application, link: Link, new: LinkPayment
) -> list[Invalid]:
    """Everything that is wrong with what a payer sent, by field, in the order of a form.

    ``amount`` (``required``, ``unknown``: of another currency, ``min``, ``max``), ``rail``
    (``unknown``), ``institution`` (``required``, ``unknown``), ``customer.<field>`` (``required``,
    ``unknown``: not an e-mail address or tax number, ``max``: longer than 255 characters,
    ``characters``: holds control characters, or a card's number), ``nonce`` (``unknown``).
    """
    problems = []
    if link.amount_minor is None and (rule := _amount_rule(link, new.amount)):
        problems.append(Invalid("amount", rule))
    card = _card(gateway, application, link, new.rail)
    if card is None:
        problems.append(Invalid("rail", "unknown"))
    elif rule := _bank_rule(gateway, application, card, new):
        problems.append(Invalid("institution", rule))
    for name in asked_fields(link, needs_payer=card is not None and card.needs_payer):
        rule = _text_rule(name, _sent(new.customer, name), gateway.settings.check_tax_numbers)
        if rule:
            problems.append(Invalid(f"customer.{name}", rule))
    if not _NONCE.fullmatch(new.nonce):
        problems.append(Invalid("nonce", "unknown"))
    return problems


async def pay_link(
    gateway: Gateway, slug: str, new: LinkPayment, payer_address: str | None = None
) -> PaymentView:
    """Make a payment of the link, or answer the one that the same form made before.

    A form that is sent again with other content replaces its payment, unless money may be moving
    for it or is there: then it is answered as it is. Where the rail asks for it, the payer's code
    is there at once (see ``services.charges.get_code`` for when it is not). Raises ``NotFound``,
    ``LinkNotPayable``, ``Invalid`` (the first of ``problems_of``), and what ``get_code`` raises.
    """
    async with acting_for_link(gateway, slug):
        return await _pay_until_decided(gateway, slug, new, payer_address)


async def _pay_until_decided(
    gateway: Gateway, slug: str, new: LinkPayment, payer_address: str | None
) -> PaymentView:
    while True:
        async with gateway.database.connection() as connection:
            link, application = _found(gateway, await links.by_slug(connection, slug), slug)
        try:
            view = await _pay(gateway, application, link, new)
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name != "payments_request_key":
                raise
            continue  # the same form was sent twice at once, and the other one was first
        if view is not None:
            break
    rail = offered_rail(gateway, application, view.payment.rail)
    if rail is not None and rail.card.begins_at_creation:
        return await get_code(gateway, view, payer_address)
    return view


async def _pay(
    gateway: Gateway, application: Application, link: Link, new: LinkPayment
) -> PaymentView | None:
    """One try; None when what it began with did not hold: again."""
    key, content = f"\x1flink {link.id.hex} {new.nonce}", _fingerprint(new)
    async with gateway.database.transaction() as tx:
        lock = links.lock_shared if link.payments_limit is None else links.lock
        locked, _ = _found(gateway, await lock(tx, link.id), link.slug)
        if locked.payments_limit is not None and link.payments_limit is None:
            return None  # counting needs the link alone
        now = gateway.clock.now()
        former = await _former(gateway, tx, application.id, key, content, now)
        if former is not None:
            return former
        state = state_of(locked, now, await _taken(tx, locked))
        if state != "open":
            raise LinkNotPayable(state)
        problems = problems_of(gateway, application, locked, new)
        if problems:
            raise problems[0]
        lifetime = timedelta(minutes=application.payment_lifetime_minutes)
        if locked.payments_limit is not None:
            lifetime = min(lifetime, LIMITED_LIFETIME)
        payment = _payment(gateway, application, locked, new, (key, content))
        item = draft_payment(gateway, application, payment, lifetime)
        return await payments.create_one(tx, item, item.payment.created_at)


async def _former(
    gateway: Gateway, tx: Connection, application_id: UUID, key: str, content: bytes, now: datetime
) -> PaymentView | None:
    """The payment that this form made before, if it is the answer still; else it makes way."""
    found = await payments.by_request_key(tx, application_id, key)
    if found is None:
        return None
    view, former_content = found
    payment = await attempts.lock_payment(tx, view.payment.id)
    assert payment is not None  # payments are never deleted
    if payment.status in OPEN_PAYMENT:
        attempt = await attempts.latest(tx, payment.id)
        idle = attempt is None or attempt.status not in OPEN_ATTEMPT
        if content == former_content or payment.status != "pending" or not idle:
            return view._replace(payment=payment)
        cancelled = payment_rules.moved(payment, "cancelled", Reason.WITHDRAWN, now)
        await write_moves(gateway, tx, [Move(payment, cancelled, None, ())], now)
    elif payment.status in {"completed", "reversed"}:
        return view._replace(payment=payment)
    await links.forget_request_key(tx, payment.id)
    return None


def _payment(
    gateway: Gateway,
    application: Application,
    link: Link,
    new: LinkPayment,
    request: tuple[str, bytes],
) -> NewPayment:
    card = _card(gateway, application, link, new.rail)
    assert card is not None  # looked at before
    names = asked_fields(link, needs_payer=card.needs_payer)
    fields = {name: text for name in names if (text := _sent(new.customer, name))}
    money = link.money or new.amount
    assert money is not None  # the same
    return NewPayment(
        rail=new.rail,
        institution_key=None if card.begins_at_creation else new.institution_key,
        money=money,
        customer=CustomerDetails(id=None, email=fields["email"], fields=fields),
        reference=link.reference,
        notify_url=link.notify_url,
        request_key=request[0],
        request_hash=request[1],
        link_id=link.id,
    )


def _found(gateway: Gateway, link: Link | None, slug: str) -> tuple[Link, Application]:
    application = gateway.access.application(link.application_id) if link else None
    if link is None or link.deleted_at is not None or application is None:
        raise NotFound("link", slug)
    return link, application


async def _taken(connection: Connection, link: Link) -> int:
    return 0 if link.payments_limit is None else await links.count_taken(connection, link.id)


def _card(gateway: Gateway, application: Application, link: Link, name: str) -> RailCard | None:
    """The card of a rail if the link offers it, the application can use it and it collects the
    link's currency.
    """
    rail = offered_rail(gateway, application, name) if name in link.rails else None
    return rail.card if rail is not None and link.currency in rail.card.currencies else None


def _amount_rule(link: Link, amount: Money | None) -> str | None:
    if amount is None:
        return "required"
    if amount.currency != link.currency:
        return "unknown"
    if amount.minor <= 0:
        return "min"
    too_much = amount.minor * 100 > _AMOUNT_MAX_HUNDREDTHS * 10 ** exponent(link.currency)
    return "max" if too_much else None


def _bank_rule(
    gateway: Gateway, application: Application, card: RailCard, new: LinkPayment
) -> str | None:
    if card.begins_at_creation:
        return None
    if not new.institution_key:
        return "required"
    found = find_institution(gateway, application.environment, new.institution_key)
    return None if found is not None and found.rail == new.rail else "unknown"


def _sent(customer: CustomerDetails, name: str) -> str:
    text = customer.email if name == "email" else customer.fields.get(name)
    return (text or "").strip()


def _text_rule(name: str, text: str, check_digits: bool) -> str | None:
    if not text:
        return None if name in OPTIONAL_FIELDS else "required"
    if len(text) > _TEXT_MAX:
        return "max"
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
        return "characters"
    if name not in {"phone", "tax_number"} and holds_card_number(text):
        return "characters"
    if name == "email":
        return None if is_email(text) else "unknown"
    if name == "tax_number":
        return None if clean_tax_number(text, check_digits=check_digits) else "unknown"
    return None


def _fingerprint(new: LinkPayment) -> bytes:
    """The same for forms that say the same."""
    customer = sorted(new.customer.fields.items())
    said = (new.amount, new.rail, new.institution_key, new.customer.email, customer)
    return hashlib.sha256(repr(said).encode("utf-8", "replace")).digest()
