"""A payer's wallet in the browser: read a code, look at the payment, confirm, keep the receipt.

Plain HTML forms, no script. The address of an order is its secret; a cookie says which orders are
this wallet's, for its list of activity.
"""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from guichet.simulators.common import media
from guichet.simulators.common.pages import HEADERS, policy, read_form, stylesheet, templates

from .banks import BANKS, PSP_NAME
from .book import Book, Conflict
from .brcode import NotBrCode
from .money import cents_typed
from .orders import Order, Orders, Unreadable
from .payers import EXACT, OUTCOMES, scenario_of
from .picture import LARGEST_BYTES, NoCode, read_picture
from .reasons import REASONS
from .words import words_for

_COOKIE = "pix_wallet"
_WALLET = re.compile(r"[A-Za-z0-9_-]{32}")
_PIN = re.compile(r"[0-9]{4,6}")
_WRONG_PIN = "0000"
_FORM_FIELDS_BYTES = 64 * 1024

#: Why a code could not be read, in the words of the page.
_UNREADABLE = {
    "empty": "There is no code yet. Paste it, or choose a picture.",
    "not-pix": "This is not a Pix code.",
    "damaged": "The code is damaged: a part is missing or was changed. Copy it again, all of it.",
    "incomplete": "The code lacks the payee's name, city or account.",
    "foreign": "The code belongs to another bank, which this simulation cannot reach.",
    "unknown-key": "The Pix key is not registered at this simulated bank.",
    "gone": (
        "The charge behind this code is gone: the simulation was restarted. Ask for a new code."
    ),
    "not-a-picture": "The file is not a PNG or JPEG picture.",
    "too-large": "The picture is too large. Six megabytes are the most.",
    "no-code": "There is no QR Code in the picture. Try a sharper one, or paste the code.",
    "several": "There are several QR Codes in the picture. Choose one with a single code.",
}


class Wallet:
    """The wallet's pages over one book."""

    def __init__(self, book: Book, orders: Orders, base_url: str) -> None:
        parts = urlsplit(base_url)
        self._book = book
        self._orders = orders
        self._path = parts.path.rstrip("/")
        self._secure = parts.scheme == "https"
        self._pages = templates(__package__ or "")
        self._pages.globals.update(
            base=self._path, banks=BANKS, psp=PSP_NAME, outcomes=OUTCOMES, reasons=REASONS
        )
        self._style = _style()

    def routes(self) -> list[Route]:
        order = "/wallet/orders/{key}"
        return [
            Route("/style.css", self._stylesheet),
            Route("/media/{bank}.svg", self._icon),
            Route("/wallet", self._start),
            Route("/wallet/read", self._start_again),
            Route("/wallet/read", self._read, methods=["POST"]),
            Route("/wallet/activity", self._activity),
            Route(order, self._show),
            Route(f"{order}/anyway", self._anyway, methods=["POST"]),
            Route(f"{order}/choose", self._choose, methods=["POST"]),
            Route(f"{order}/confirm", self._show_confirm),
            Route(f"{order}/pay", self._pay, methods=["POST"]),
            Route(f"{order}/claim", self._claim, methods=["POST"]),
        ]

    async def _stylesheet(self, _request: Request) -> Response:
        return Response(self._style, media_type="text/css")

    async def _icon(self, request: Request) -> Response:
        bank = BANKS.get(request.path_params["bank"])
        if bank is None:
            raise HTTPException(404)
        drawing = media.icon(bank.name, bank.colour, bank.accent)
        headers = {"Content-Security-Policy": "default-src 'none'"}
        return Response(drawing, media_type="image/svg+xml", headers=headers)

    # Reading a code -----------------------------------------------------------------------------

    async def _start(self, request: Request) -> Response:
        code = request.query_params.get("code")
        if code is not None:
            return self._open(request, code)
        return self._start_page(request)

    async def _start_again(self, _request: Request) -> Response:
        return self._go("/wallet")

    async def _read(self, request: Request) -> Response:
        try:
            code = await _code_in(request)
        except NoCode as error:
            return self._start_page(request, problem=error.why)
        return self._open(request, code)

    def _open(self, request: Request, code: str) -> Response:
        wallet = _wallet_of(request) or secrets.token_urlsafe(24)
        try:
            order = self._orders.open(wallet, code)
        except (NotBrCode, Unreadable) as error:
            return self._start_page(request, code=code, problem=error.why)
        answer = self._to(order)
        answer.set_cookie(
            _COOKIE,
            wallet,
            path=f"{self._path}/wallet",
            httponly=True,
            samesite="lax",
            secure=self._secure,
        )
        return answer

    def _start_page(
        self, request: Request, *, code: str = "", problem: str | None = None
    ) -> Response:
        message = None if problem is None else _UNREADABLE[problem]
        status = 200 if problem is None else 422
        return self._page(request, "start.html", status, code=code[:1000], problem=message, step=1)

    # Orders -------------------------------------------------------------------------------------

    async def _show(self, request: Request) -> Response:
        return self._show_order(request, self._order(request))

    def _show_order(
        self, request: Request, order: Order, problem: str | None = None, status: int = 200
    ) -> Response:
        stage = self._orders.stage(order)
        if stage == "open":
            return self._page(
                request,
                "details.html",
                status,
                order=order,
                problem=problem,
                expires_at=self._expires_at(order),
                step=2,
            )
        if stage == "stopped":
            return self._page(
                request,
                "stopped.html",
                410,
                order=order,
                obstacle=self._orders.obstacle(order),
                expires_at=self._expires_at(order),
            )
        if stage == "paid":
            return self._page(request, "receipt.html", status, order=order, problem=problem)
        return self._page(request, "ended.html", 200, order=order, stage=stage)

    async def _anyway(self, request: Request) -> Response:
        order = self._order(request)
        order.anyway = True
        return self._to(order)

    async def _choose(self, request: Request) -> Response:
        order = self._order(request)
        form = await read_form(request)
        if self._orders.stage(order) != "open":
            return self._to(order)
        if form.get("decision") == "refuse":
            order.decided = "refused"
            return self._to(order)
        bank, scenario = BANKS.get(form.get("bank", "")), scenario_of(form.get("outcome", ""))
        typed = form.get("amount", "").strip()
        amount = cents_typed(typed) if typed else None
        if (typed and not amount) or (order.asked_minor is None and not typed):
            return self._show_order(request, order, "Type an amount like 12,50.", 422)
        if bank is None:
            return self._show_order(request, order, "Choose a bank.", 422)
        order.bank, order.scenario, order.amount_minor = bank, scenario or EXACT, amount
        return self._to(order, "/confirm")

    async def _show_confirm(self, request: Request) -> Response:
        order = self._order(request)
        if self._orders.stage(order) != "open" or order.bank is None:
            return self._to(order)
        return self._confirm_page(request, order)

    async def _pay(self, request: Request) -> Response:
        order = self._order(request)
        form = await read_form(request)
        if self._orders.stage(order) != "open" or order.bank is None:
            return self._to(order)
        if form.get("decision") == "refuse":
            order.decided = "refused"
            return self._to(order)
        pin = form.get("pin", "")
        if not _PIN.fullmatch(pin) or pin == _WRONG_PIN:
            self._orders.wrong_pin(order)
            if order.decided is not None:
                return self._to(order)
            return self._confirm_page(request, order, 422)
        with contextlib.suppress(Conflict):  # it ended while the payer typed: its page says so
            self._orders.pay(order)
        return self._to(order)

    async def _claim(self, request: Request) -> Response:
        order = self._order(request)
        form = await read_form(request)
        by_id = {each.end_to_end_id: each for each in order.payments}
        payment = by_id.get(form.get("payment", ""))
        kind = "operational" if form.get("kind") == "operational" else "fraud"
        if payment is None:
            return self._to(order)
        amount = cents_typed(form.get("amount", ""))
        if not amount or amount > payment.returnable_minor:
            return self._show_order(request, order, "So much is not left of this Pix.", 422)
        try:
            self._book.claim(payment, kind, amount)
        except Conflict:
            return self._show_order(request, order, "A claim can be made within 80 days.", 422)
        return self._to(order)

    async def _activity(self, request: Request) -> Response:
        wallet = _wallet_of(request)
        orders = (
            []
            if wallet is None
            else [each for each in self._orders.of(wallet) if self._orders.stage(each) == "paid"]
        )
        return self._page(request, "activity.html", 200, orders=orders)

    # Parts --------------------------------------------------------------------------------------

    def _order(self, request: Request) -> Order:
        order = self._orders.order(request.path_params["key"])
        if order is None:
            raise HTTPException(404)
        return order

    def _expires_at(self, order: Order) -> datetime | None:
        return None if order.charge is None else self._book.expires_at(order.charge)

    def _confirm_page(self, request: Request, order: Order, status: int = 200) -> Response:
        return self._page(request, "confirm.html", status, order=order, step=3)

    def _to(self, order: Order, step: str = "") -> Response:
        return self._go(f"/wallet/orders/{order.key}{step}")

    def _go(self, path: str) -> Response:
        return RedirectResponse(f"{self._path}{path}", 303, HEADERS)

    def _page(
        self,
        request: Request,
        name: str,
        status: int = 200,
        *,
        order: Order | None = None,
        step: int = 0,
        **values: Any,
    ) -> Response:
        words = words_for(request.headers.get("accept-language", ""))
        html = self._pages.get_template(name).render(
            words=words,
            t=words.t,
            money=words.money,
            order=order,
            bank=order.bank if order is not None else None,
            address=f"{self._path}/wallet/orders/{order.key}" if order is not None else "",
            step=step,
            now=self._book.now(),
            **values,
        )
        headers = {**HEADERS, "Vary": "Accept-Language", "Content-Security-Policy": policy()}
        return HTMLResponse(html, status, headers)

    def not_found(self, request: Request) -> Response:
        """The page for an address that leads nowhere."""
        return self._page(request, "lost.html", 404)


def _wallet_of(request: Request) -> str | None:
    wallet = request.cookies.get(_COOKIE, "")
    return wallet if _WALLET.fullmatch(wallet) else None


async def _code_in(request: Request) -> str:
    """The code that was pasted, or else the one in the picture; raises ``NoCode``."""
    form = await _upload(request)
    try:
        text, picture = form.get("code"), form.get("picture")
        if isinstance(text, str) and text.strip():
            return text
        if isinstance(picture, UploadFile) and picture.filename:
            return await read_picture(await picture.read())
        return ""
    finally:
        await form.close()


async def _upload(request: Request) -> FormData:
    """A multipart form of bounded size; raises ``NoCode`` ``too-large``, or 400."""
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > LARGEST_BYTES + _FORM_FIELDS_BYTES:
            raise NoCode("too-large")

    async def whole() -> AsyncGenerator[bytes, None]:
        yield content

    parser = MultiPartParser(request.headers, whole(), max_files=1, max_fields=10)
    try:
        return await parser.parse()
    except (MultiPartException, KeyError) as error:
        raise HTTPException(400) from error


def _style() -> str:
    # Inline styles are forbidden, so each bank's colours are rules of the one stylesheet.
    rules = [".wallet { --brand: #0b5c5c; --accent: #7bdcb5; }"]
    rules += [
        f".{bank.id} {{ --brand: {bank.colour}; --accent: {bank.accent}; }}"
        for bank in BANKS.values()
    ]
    return "\n".join([stylesheet(), *rules, ""])
