"""A payment link's pages: what is sold, the payer's details, the way to pay, and a poster.

Price, payee and currency come from the link. Whatever a form holds beside its fields counts for
nothing.
"""

from __future__ import annotations

import asyncio
from base64 import b64decode
from typing import Any

from guichet.domain.errors import (
    Invalid,
    LinkNotPayable,
    NotFound,
    NotPayable,
    RequestInProgress,
    Unavailable,
)
from guichet.domain.links import is_slug
from guichet.gateway import Gateway
from guichet.pages.browsers import refuse_foreign_form
from guichet.pages.checkout import CheckoutPages
from guichet.pages.link_form import Entry, field_of, new_nonce, read_entry
from guichet.pages.link_views import LinkViews, speech_of
from guichet.pages.memory import Remembered, remember, remembered
from guichet.pages.render import Renderer
from guichet.pages.stages import Stage
from guichet.services.checkout import CheckoutView, open_checkout, start_attempt
from guichet.services.limits import Windows
from guichet.services.link_payments import LinkView, open_link, pay_link
from guichet.services.links import link_url
from guichet.services.payments import PaymentView
from guichet.web.asgi import Refusal, Reply, Request, RouteNotFound, Router
from guichet.web.forms import read_form
from guichet.web.proxies import network_of
from guichet.web.qr_codes import qr_svg_data_uri
from guichet.web.strict_json import Unreadable

#: So many payments may be begun from one address in a minute: it may be that of a whole town.
_BEGUN_MAX = 120
#: A form sent twice waits for itself this often, this long each time.
_TRIES = 12
_TRY_AGAIN_SECONDS = 0.5
_PAID = frozenset({Stage.COMPLETED, Stage.REVERSED})
#: After these nothing speaks against another payment.
_NOT_PAID = frozenset({Stage.REFUSED, Stage.CANCELLED, Stage.EXPIRED, Stage.CLOSED})
#: What the bank list's form and script may ask for.
_BANK_FIELDS = ("bank_country", "search", "bank")


class LinkPages:
    """The handlers, over one gateway."""

    def __init__(self, gateway: Gateway, renderer: Renderer, checkout: CheckoutPages) -> None:
        self._gateway = gateway
        self._renderer = renderer
        self._checkout = checkout
        self._views = LinkViews(gateway, renderer)
        self._begun: Windows[str] = Windows()

    def add_routes(self, router: Router) -> None:
        """Serve ``/links/…``."""
        router.add("GET", "/links/{slug}", self.show)
        router.add("POST", "/links/{slug}", self.pay)
        router.add("GET", "/links/{slug}/banks", self.banks)
        router.add("GET", "/links/{slug}/qr.svg", self.picture)
        router.add("GET", "/links/{slug}/poster", self.poster)

    async def show(self, request: Request) -> Reply:
        """GET /links/…: the form, or first the payment that this browser began here."""
        view = await self._open(request)
        former = await self._former(request, view)
        former_path = self._checkout.path_of(former.payment) if former else None
        again = request.query_value("again") is not None and view.state == "open"
        if former and former_path and not again:
            stage = self._checkout.stage(former, returned=False)
            if stage not in _NOT_PAID:
                return self._views.resume(
                    request, view, former.payment, former_path, is_paid=stage in _PAID
                )
        if view.state != "open" or not view.rails:
            return self._views.not_open(request, view, view.state, former_path)
        values = {"nonce": new_nonce()}
        for name in _BANK_FIELDS:
            if (asked := request.query_value(name)) is not None:
                values[name] = asked
        return self._views.form(request, view, values, former_path=former_path)

    async def pay(self, request: Request) -> Reply:
        """POST /links/…: make the payment, once however often the form comes, and go on to pay."""
        refuse_foreign_form(request, self._gateway.settings.base_url)
        view = await self._open(request)
        form = _read(request)
        entry = read_entry(self._gateway, view, form, speech_of(request).locale)
        values = {**form, **entry.values}
        looks_only = form.get("do") in ("banks", "change")
        if looks_only or entry.problems:
            if view.state != "open" or not view.rails:
                return self._views.not_open(request, view, view.state)
            return self._views.form(request, view, values, None if looks_only else entry.problems)
        amount = entry.payment.amount
        if amount is not None and entry.values["understood"] != str(amount.minor):
            return self._views.review(request, view, entry)
        self._begun.take(network_of(request.client_address), _BEGUN_MAX)
        try:
            made = await self._make(request, view, entry)
        except LinkNotPayable as error:
            return self._views.not_open(request, view, error.state)
        except Invalid as error:  # what was right when the form was read is so no more
            return self._views.form(request, view, values, {field_of(error): error.rule})
        except Unavailable as error:
            page = self._views.form(request, view, values, {"rail": "unavailable"})
            wait = ("retry-after", str(error.retry_after_seconds))
            return page._replace(status=503, headers=(*page.headers, wait))
        return await self._go_on(request, view, made)

    async def banks(self, request: Request) -> Reply:
        """GET /links/…/banks: the list of banks alone, for the page's script."""
        view = await self._open(request)
        if view.state != "open":
            raise RouteNotFound
        asked = {name: request.query_value(name) or "" for name in _BANK_FIELDS}
        return self._views.banks(request, view, asked)

    async def picture(self, request: Request) -> Reply:
        """GET /links/…/qr.svg: the QR code of the page's own address."""
        view = await self._open(request)
        if view.state != "open":
            return self._views.not_open(request, view, view.state)
        picture = qr_svg_data_uri(link_url(self._gateway, view.link)).partition(",")[2]
        return Reply(200, b64decode(picture), "image/svg+xml", self._renderer.headers)

    async def poster(self, request: Request) -> Reply:
        """GET /links/…/poster: a sheet to be printed, with that code."""
        view = await self._open(request)
        if view.state != "open":
            return self._views.not_open(request, view, view.state)
        return self._views.poster(request, view)

    async def _open(self, request: Request) -> LinkView:
        slug = request.parameters["slug"]
        if not is_slug(slug):
            raise NotFound("link", slug)
        return await open_link(self._gateway, slug)

    async def _former(self, request: Request, view: LinkView) -> CheckoutView | None:
        """The payment of this link that the browser remembers, if it really is one."""
        known = remembered(request)
        if known is None:
            return None
        try:
            former = await open_checkout(self._gateway, known.payment_id, known.token)
        except NotFound:
            return None
        return former if former.payment.link_id == view.link.id else None

    async def _make(self, request: Request, view: LinkView, entry: Entry) -> PaymentView:
        """The payment; while the same form, sent twice, is still being worked on: wait for it."""
        for _ in range(_TRIES):
            try:
                return await pay_link(
                    self._gateway, view.link.slug, entry.payment, request.client_address
                )
            except RequestInProgress:
                await asyncio.sleep(_TRY_AGAIN_SECONDS)
        raise Unavailable

    async def _go_on(self, request: Request, view: LinkView, made: PaymentView) -> Reply:
        """To the bank or to the code, the browser told to remember the payment."""
        path = self._checkout.path_of(made.payment)
        token = path.rpartition("/")[2]
        try:
            begun = await start_attempt(
                self._gateway, made.payment.id, token, request.client_address
            )
            reply = self._checkout.onward(request, begun, path)
        except NotPayable:  # sent again when all is over: the payment's page tells
            reply = self._renderer.see_other(path)
        secure = self._gateway.settings.base_url.startswith("https:")
        known = Remembered(made.payment.id, token)
        cookie = remember(known, self._views.path(view), secure=secure)
        return reply._replace(headers=(*reply.headers, cookie))


def _read(request: Request) -> dict[str, Any]:
    try:
        return read_form(request.body)
    except Unreadable as error:
        raise Refusal from error
