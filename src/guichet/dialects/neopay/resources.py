"""The objects of Neopay's wire, in the documented order of their keys, and their rendering.

Amounts are written from integers as number text (``122.44``, ``5000`` for JPY): no float is made
on the way out either.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, json

from guichet.dialects.neopay.statuses import (
    CODE_RAILS,
    LINKS_SERVICE,
    SERVICE_OF_RAIL,
    status_word,
)
from guichet.domain.customers import Customer
from guichet.domain.money import exponent, minor_to_text
from guichet.domain.payments import OPEN_PAYMENT, Payment
from guichet.gateway import Gateway
from guichet.services.institutions import institution_of
from guichet.services.payments import PaymentView, checkout_url
from guichet.web.qr_codes import qr_svg_data_uri

_CUSTOMER_KEYS = Customer._fields[:-1]
_NULL = Raw(b"null")
_RENDERED_MAX = 8192


class Shape(Enum):
    """Where a payment is rendered; it matters for those that are paid by a code.

    The answer to the request that made it has no ``authorisationUrl``. Lists and notifications
    have no ``qr_code_image``: ten of them cost a tenth of a second and 60 kB.
    """

    CREATED = "created"
    SHOWN = "shown"
    LISTED = "listed"


class _InstitutionName(Struct):
    id: int
    name: str


class _PaymentCustomer(Struct):
    id: UUID
    name: str | None
    email: str | None
    currency: str | None
    phone: str | None
    country: str | None
    state: str | None


class _Payee(Struct):
    name: str
    country_code: str
    bank_name: str
    accountable: str
    swift_bic: str


class _Payment(Struct):
    id: UUID
    application_id: UUID
    amount: Raw
    status: str
    currency: str
    country: str | None
    service: str
    environment: str
    institution: _InstitutionName | None
    customer: _PaymentCustomer
    payee: _Payee
    fee: Raw
    percentual_fee: Raw
    total_fee: Raw
    created_at: str
    updated_at: str
    authorisation_url: str | UnsetType | None = msgspec.field(name="authorisationUrl")
    qr_code: str | UnsetType | None
    qr_code_image: str | UnsetType | None
    reference: str | None
    callback_url: str | None
    link_id: UUID | UnsetType
    refunding_amount: Raw | UnsetType
    refunded_amount: Raw | UnsetType
    returned_amount: Raw | UnsetType


@lru_cache(maxsize=4096)
def number(minor: int, decimals: int) -> Raw:
    """``minor`` units as a JSON number with all its decimals."""
    return Raw(minor_to_text(minor, decimals).encode("ascii"))


def timestamp(moment: datetime) -> str:
    """UTC with six decimals that are always zero, as documented."""
    return moment.isoformat()[:19] + ".000000Z"


def render_customer(customer: Customer) -> bytes:
    """The customer as JSON, every key always there."""
    return json.encode(dict(zip(_CUSTOMER_KEYS, customer[:-1], strict=True)))


def _if_any(minor: int, decimals: int) -> Raw | UnsetType:
    return number(minor, decimals) if minor else UNSET


def _next_step(gateway: Gateway, payment: Payment, shape: Shape) -> dict[str, Any]:
    """What the payer needs: an address to go to, or a code to pay with."""
    if payment.rail not in CODE_RAILS:
        url = checkout_url(gateway, payment.id)
        return {"authorisation_url": url, "qr_code": UNSET, "qr_code_image": UNSET}
    step = {
        "authorisation_url": UNSET if shape is Shape.CREATED else None,
        "qr_code": payment.payer_code,
        "qr_code_image": UNSET if shape is Shape.LISTED else None,
    }
    if payment.payer_code and payment.status in OPEN_PAYMENT and shape is not Shape.LISTED:
        step["qr_code_image"] = qr_svg_data_uri(payment.payer_code)
    return step


def render_payment(gateway: Gateway, view: PaymentView, shape: Shape) -> bytes:
    """The payment as JSON, with its payer as they are now."""
    payment, customer = view
    decimals = exponent(payment.currency)
    institution = institution_of(gateway, payment.institution_id)
    payee = gateway.access.payee(payment.payee_id)
    fee = percentual_fee = total_fee = _NULL
    rule = gateway.access.fee_rule(payment.fee_rule_id)
    if rule is not None:
        fee = number(rule.fixed_minor, decimals)
        percentual_fee = number(rule.percent_bps, 2)
        total_fee = number(payment.fee_minor, decimals)
    return json.encode(
        _Payment(
            id=payment.id,
            application_id=payment.application_id,
            amount=number(payment.amount_minor, decimals),
            status=status_word(payment.status, payment.reason),
            currency=payment.currency,
            country=payment.country,
            service=LINKS_SERVICE if payment.link_id else SERVICE_OF_RAIL[payment.rail],
            environment=payment.environment,
            institution=_InstitutionName(institution.id, institution.name) if institution else None,
            customer=_PaymentCustomer(
                customer.id,
                customer.name,
                customer.email,
                customer.currency,
                customer.phone,
                customer.country,
                customer.state,
            ),
            payee=_Payee(payee.name, payee.country, payee.bank_name, payee.account, payee.bic),
            fee=fee,
            percentual_fee=percentual_fee,
            total_fee=total_fee,
            created_at=timestamp(payment.created_at),
            updated_at=timestamp(payment.updated_at),
            **_next_step(gateway, payment, shape),
            reference=payment.reference,
            callback_url=payment.notify_url,
            link_id=payment.link_id or UNSET,
            refunding_amount=_if_any(payment.refunding_minor, decimals),
            refunded_amount=_if_any(payment.refunded_minor, decimals),
            returned_amount=_if_any(payment.returned_minor, decimals),
        )
    )


class RenderedPayments:
    """The latest rendered payments, so that reading one again, or a list, is a join of bytes.

    An entry is good for one version of the payment and one of its payer: a change of either
    makes another entry. The oldest go first: payments are read while they are young. Pictures of
    codes are not kept.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._rendered: OrderedDict[tuple[UUID, int, int], bytes] = OrderedDict()

    def render(self, view: PaymentView, shape: Shape) -> bytes:
        """The payment as JSON."""
        payment, customer = view
        if payment.rail in CODE_RAILS and shape is not Shape.LISTED:
            return render_payment(self._gateway, view, shape)
        key = (payment.id, payment.version, customer.version)
        rendered = self._rendered.get(key)
        if rendered is not None:
            return rendered
        rendered = self._rendered[key] = render_payment(self._gateway, view, shape)
        if len(self._rendered) > _RENDERED_MAX:
            self._rendered.popitem(last=False)
        return rendered
