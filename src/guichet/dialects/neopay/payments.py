"""``/api/payments``: create, list, read (contract section 6)."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from guichet.dialects import validation as rules
from guichet.dialects.neopay.envelope import asked_page, links_and_meta
from guichet.dialects.neopay.payment_fields import PaymentFields
from guichet.dialects.neopay.resources import RenderedPayments, Shape, render_payment
from guichet.dialects.neopay.statuses import (
    CODE_RAILS,
    LINKS_SERVICE,
    rail_of,
    states_of,
)
from guichet.dialects.validation import Field, Form, parse_uuid
from guichet.domain.access import Caller
from guichet.domain.errors import NotFound
from guichet.domain.payments import OPEN_PAYMENT
from guichet.gateway import Gateway
from guichet.services.charges import create_charge
from guichet.services.payments import (
    PaymentFilters,
    PaymentView,
    create_payment,
    list_payments,
    read_payment,
)
from guichet.web.asgi import Reply, Request

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
        self._fields = PaymentFields(gateway)
        self._rendered = RenderedPayments(gateway)

    async def create(self, request: Request, caller: Caller) -> Reply:
        """POST /api/payments."""
        new = await self._fields.read(request, caller)
        make = create_charge if new.rail in CODE_RAILS else create_payment
        rendered = self._render_created(await make(self._gateway, caller, new))
        return Reply(200, b'{"message":"Payment saved successfully!","payment":%b}' % rendered)

    def _render_created(self, view: PaymentView) -> bytes:
        """The payment as it was made: a repeated request is answered as the first one was.

        What ended before its payer had a code cannot be paid, and is shown as it ended.
        """
        payment = view.payment
        if payment.version == 1:
            return self._rendered.render(view, Shape.CREATED)
        never_payable = payment.rail in CODE_RAILS and payment.payer_code is None
        if never_payable and payment.status not in OPEN_PAYMENT:
            return render_payment(self._gateway, view, Shape.CREATED)
        as_made = payment._replace(
            status="pending",
            reason=None,
            updated_at=payment.created_at,
            refunding_minor=0,
            refunded_minor=0,
            returned_minor=0,
        )
        return render_payment(self._gateway, view._replace(payment=as_made), Shape.CREATED)

    async def list(self, request: Request, caller: Caller) -> Reply:
        """GET /api/payments."""
        page = asked_page(request)
        listing = await list_payments(self._gateway, caller, _filters(request), page)
        data = b",".join([self._rendered.render(view, Shape.LISTED) for view in listing.items])
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
        return Reply(200, b'{"payment":%b}' % self._rendered.render(view, Shape.SHOWN))


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
