"""``/api/payments``: create, list, read (contract section 6)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from guichet.dialects.neopay import validation as rules
from guichet.dialects.neopay.bodies import read_fields_leniently
from guichet.dialects.neopay.envelope import asked_page, links_and_meta
from guichet.dialects.neopay.errors import IDEMPOTENCY_KEY
from guichet.dialects.neopay.resources import RenderedPayments, render_payment
from guichet.dialects.neopay.statuses import LINKS_SERVICE, RAIL_OF_SERVICE, rail_of, states_of
from guichet.dialects.neopay.validation import Field, Form, ValidationFailed, Values, parse_uuid
from guichet.domain.access import Caller, Environment
from guichet.domain.customers import CUSTOMER_FIELDS
from guichet.domain.errors import NotFound
from guichet.domain.money import parse_money
from guichet.domain.payments import CustomerDetails, NewPayment
from guichet.gateway import Gateway
from guichet.outbound.policy import ANYWHERE, PUBLIC_ONLY
from guichet.services.institutions import find_institution
from guichet.services.payments import (
    PaymentFilters,
    PaymentView,
    create_payment,
    list_payments,
    read_payment,
)
from guichet.web.asgi import Reply, Request

_DEFAULT_SERVICE = "api"
#: Numbers are kept as they were written (``strict_json.Number``).
_CANONICAL = msgspec.json.Encoder(order="deterministic", enc_hook=str)
_REQUEST_KEY = re.compile(r"[\x20-\x7e]{1,255}")
#: A state that no payment has: the list of an unknown filter word is empty, never an error.
_NONE: tuple[tuple[str, str], ...] = ()

_FILTERS = Form(
    Field("fromDate", (rules.date,)),
    Field("toDate", (rules.date,)),
    Field("reference", (rules.storable_text,)),
)


class Payments:
    """The handlers of payments."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._rendered = RenderedPayments(gateway)
        self._forms = {
            environment.value: _payment_form(gateway, environment) for environment in Environment
        }

    async def create(self, request: Request, caller: Caller) -> Reply:
        """POST /api/payments."""
        body = read_fields_leniently(request, caller)
        form = self._forms[caller.application.environment.value]
        new = _new_payment(form.check(body), request, body)
        view = await create_payment(self._gateway, caller, new)
        rendered = self._render_created(view)
        return Reply(200, b'{"message":"Payment saved successfully!","payment":%b}' % rendered)

    def _render_created(self, view: PaymentView) -> bytes:
        """The payment as it was made: a repeated request is answered as the first one was."""
        payment = view.payment
        if payment.version == 1:
            return self._rendered.render(view)
        as_made = payment._replace(status="pending", reason=None, updated_at=payment.created_at)
        return render_payment(self._gateway, view._replace(payment=as_made))

    async def list(self, request: Request, caller: Caller) -> Reply:
        """GET /api/payments."""
        page = asked_page(request)
        listing = await list_payments(self._gateway, caller, _filters(request), page)
        data = b",".join([self._rendered.render(view) for view in listing.items])
        base_url = self._gateway.settings.base_url
        tail = links_and_meta(base_url, request, page, len(listing.items), listing.total)
        return Reply(200, b'{"data":[%b],%b' % (data, msgspec.json.encode(tail)[1:]))

    async def show(self, request: Request, caller: Caller) -> Reply:
        """GET /api/payments/{id}."""
        key = request.parameters["id"]
        payment_id = parse_uuid(key)
        if payment_id is None:
            raise NotFound("payment", key)
        view = await read_payment(self._gateway, caller, payment_id)
        return Reply(200, b'{"payment":%b}' % self._rendered.render(view))


def _payment_form(gateway: Gateway, environment: Environment) -> Form:
    """The fields of contract 6.3, in its order."""

    def known_institution(value: Any, values: Values) -> str | None:
        rail = RAIL_OF_SERVICE.get(str(values["serviceId"] or _DEFAULT_SERVICE))
        if rail is None:  # told about the service already
            return None
        institution = (
            find_institution(gateway, environment, value) if isinstance(value, str) else None
        )
        if institution is None or institution.rail != rail:
            return "The selected {} is invalid."
        return None

    policy = PUBLIC_ONLY if environment is Environment.LIVE else ANYWHERE
    named = {"name", "email", "country"}
    return Form(
        Field("serviceId", (rules.one_of(*RAIL_OF_SERVICE),)),
        Field(
            "institutionId",
            (known_institution,),
            rules.required_if("serviceId", _DEFAULT_SERVICE),
        ),
        Field("payment", (rules.array,), rules.required),
        Field("payment.amount", (rules.amount_in("payment.currency"),), rules.required),
        Field("payment.currency", (rules.currency,), rules.required),
        Field("customer", (rules.array,), rules.required),
        Field("customer.id", (rules.uuid,)),
        Field("customer.email", (rules.email,), rules.required_without("customer.id")),
        Field("customer.name", (rules.text,)),
        Field("customer.country", (rules.text,), rules.required),
        *(
            Field(f"customer.{name}", (rules.text,))
            for name in CUSTOMER_FIELDS
            if name not in named
        ),
        Field("reference", (rules.text,)),
        Field("callback_url", (rules.url_under(policy),)),
    )


_CUSTOMER_PATHS = tuple((name, f"customer.{name}") for name in CUSTOMER_FIELDS)


def _new_payment(values: Values, request: Request, body: Mapping[str, Any]) -> NewPayment:
    request_key = request.headers.get("idempotency-key")
    if request_key is not None and not _REQUEST_KEY.fullmatch(request_key):
        sentence = "The key must be 1 to 255 printable ASCII characters."
        raise ValidationFailed({IDEMPOTENCY_KEY: [sentence]})
    return NewPayment(
        rail=RAIL_OF_SERVICE[values["serviceId"] or _DEFAULT_SERVICE],
        institution_key=values["institutionId"],
        money=parse_money(values["payment.amount"], values["payment.currency"]),
        customer=CustomerDetails(
            id=parse_uuid(values["customer.id"]),
            email=values["customer.email"],
            fields={
                name: values[path] for name, path in _CUSTOMER_PATHS if values[path] is not None
            },
        ),
        reference=values["reference"],
        notify_url=values["callback_url"],
        request_key=request_key,
        request_hash=_fingerprint(body) if request_key is not None else None,
    )


def _fingerprint(body: Mapping[str, Any]) -> bytes:
    """The same for bodies that say the same, whatever their blanks and the order of their keys."""
    return hashlib.sha256(_CANONICAL.encode(body)).digest()


def _filters(request: Request) -> PaymentFilters:
    query = dict(request.query)
    values = _FILTERS.check(query)
    service, status = query.get("service"), query.get("status")
    statuses = states_of(status) if status else None
    from_link = service.lower() == LINKS_SERVICE if service else None
    rail = rail_of(service) if service else None
    if service and rail is None and not from_link:
        statuses = _NONE
    ids = {}
    for name in ("customer_id", "uuid"):
        ids[name] = parse_uuid(query.get(name))
        if query.get(name) and ids[name] is None:
            statuses = _NONE
    return PaymentFilters(
        rail=rail,
        from_link=from_link,
        statuses=statuses,
        created_from=rules.parse_date(values["fromDate"]),
        created_before=_end_of_day(rules.parse_date(values["toDate"])),
        customer_id=ids["customer_id"],
        reference=values["reference"],
        payment_id=ids["uuid"],
    )


def _end_of_day(midnight: datetime | None) -> datetime | None:
    try:
        return midnight + timedelta(days=1) if midnight else None
    except OverflowError:  # the last day there is
        return None
