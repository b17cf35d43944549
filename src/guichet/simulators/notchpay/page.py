"""The page behind ``authorization_url``: say whose phone pays, and how it went. No script."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from guichet.simulators.common.pages import HEADERS, policy, read_form, stylesheet, templates

from .desk import ANY_MOBILE, Conflict, Desk
from .fields import Fields
from .records import Order
from .wire import Refusal, number

_REFRESH_SECONDS = 3


class PayPage:
    """The payment pages of all orders of one desk."""

    def __init__(self, desk: Desk, base_url: str, merchant: str) -> None:
        self._desk = desk
        self._base = urlsplit(base_url).path.rstrip("/")
        self._merchant = merchant
        self._pages = templates(__package__ or "")
        self._style = stylesheet()

    def routes(self) -> list[Route]:
        return [
            Route("/pay/style.css", self._stylesheet),
            Route("/pay/{token}", self._show),
            Route("/pay/{token}", self._pay, methods=["POST"]),
        ]

    async def _stylesheet(self, _request: HttpRequest) -> Response:
        return Response(self._style, media_type="text/css")

    async def _show(self, request: HttpRequest) -> Response:
        order = self._find(request)
        return self._page(404, "lost.html") if order is None else self._payment(order, 200, "")

    async def _pay(self, request: HttpRequest) -> Response:
        order = self._find(request)
        if order is None:
            return self._page(404, "lost.html")
        form = await read_form(request)
        fields = Fields(form)
        digits = fields.number(ANY_MOBILE)
        try:
            fields.raise_if_wrong()
            channel = order.locked_channel or ANY_MOBILE
            self._desk.process(order, channel, digits)
        except Refusal as refusal:
            return self._payment(order, 422, refusal.message)
        except Conflict:
            pass  # it moved on: its page says where to
        return RedirectResponse(f"{self._base}/pay/{order.token}", 303, headers=HEADERS)

    def _find(self, request: HttpRequest) -> Order | None:
        token = request.path_params["token"]
        mine = (each for each in self._desk.of_kind("payment") if each.token == token)
        return next(mine, None)

    def _payment(self, order: Order, status: int, wrong: str) -> Response:
        return self._page(
            status,
            "pay.html",
            order=order,
            amount=number(order.amount),
            merchant=self._merchant,
            wrong=wrong,
            refresh=_REFRESH_SECONDS if order.status == "processing" else None,
        )

    def _page(self, status: int, name: str, **values: object) -> Response:
        text = self._pages.get_template(name).render(base=self._base, **values)
        headers = {**HEADERS, "Content-Security-Policy": policy()}
        return HTMLResponse(text, status, headers=headers)
