"""A customer's phone in a browser: payment prompts, PIN, balance and history.

Plain HTML forms, no script. Whoever knows a number holds its phone; a prompt is answered with its
own secret and the PIN.
"""

from __future__ import annotations

from decimal import Decimal
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from guichet.simulators.common.pages import HEADERS, policy, read_form, stylesheet, templates

from .book import Book, Conflict
from .operators import OPERATORS, operator_of
from .records import PIN, Request, Wallet
from .scenarios import PHONES, numbers_of
from .words import LANGUAGES, chosen, grouped, money, said

_REFRESH_SECONDS = 5
_SHOWN_ENTRIES = 30
#: What the phone says after an answer, in words that its address may name.
_SAYINGS = {
    "paid": ("The payment was made.", "good"),
    "refused": ("You refused the payment.", "plain"),
    "short": ("There is not enough money in your wallet. Nothing was paid.", "bad"),
    "late": ("Too late: the request is over.", "bad"),
    "blocked": ("Three wrong PINs: your wallet is blocked.", "bad"),
    "wrong": ("Wrong PIN.", "bad"),
    "empty": ("Type the PIN.", "bad"),
    "cash": ("Money was put into your wallet.", "good"),
    "unblocked": ("Your wallet works again.", "good"),
}
_ENTRIES = {
    "payment": ("Payment", "to"),
    "transfer": ("Money received", "from"),
    "refund": ("Refund", "from"),
    "cash": ("Cash deposit", ""),
}


class PhoneSite:
    """All customers' phones over one book."""

    def __init__(self, book: Book, base_url: str) -> None:
        self._book = book
        self._base = urlsplit(base_url).path.rstrip("/")
        self._pages = templates(__package__ or "")
        self._style = _style()
        self._mark = _static("phone.svg")

    def routes(self) -> list[Route]:
        return [
            Route("/phone", self._choose),
            Route("/phone/open", self._open),
            Route("/phone/style.css", self._stylesheet),
            Route("/phone/icon.svg", self._icon),
            Route("/phone/{number}", self._phone),
            Route("/phone/{number}/answer", self._answer, methods=["POST"]),
            Route("/phone/{number}/cash", self._put_cash_in, methods=["POST"]),
            Route("/phone/{number}/care", self._unblock, methods=["POST"]),
            Route("/phone/{number}/{action}", self._back),
        ]

    async def _stylesheet(self, _request: HttpRequest) -> Response:
        return Response(self._style, media_type="text/css")

    async def _icon(self, _request: HttpRequest) -> Response:
        headers = {"Content-Security-Policy": "default-src 'none'"}
        return Response(self._mark, media_type="image/svg+xml", headers=headers)

    async def _choose(self, request: HttpRequest, wrong: str | None = None) -> Response:
        operators = [
            {
                "operator": each,
                "numbers": numbers_of(each),
                "last_phone": str(int(each.first) + PHONES.stop - 1),
            }
            for each in OPERATORS.values()
        ]
        status = 200 if wrong is None else 422
        return self._page(request, "choose.html", status, operators=operators, wrong=wrong)

    async def _open(self, request: HttpRequest) -> Response:
        typed = request.query_params.get("number", "")
        number = _number_of(typed)
        if number is None:
            return await self._choose(request, wrong=typed[:40])
        return self._to(request, number)

    async def _phone(self, request: HttpRequest) -> Response:
        wallets = self._wallets(request)
        prompts = [prompt for wallet in wallets for prompt in self._book.prompts(wallet)]
        text, mood = _SAYINGS.get(request.query_params.get("said", ""), ("", ""))
        return self._page(
            request,
            "phone.html",
            number=request.path_params["number"],
            operator=operator_of(request.path_params["number"]),
            wallets=wallets,
            prompt=prompts[0] if prompts else None,
            left=min((each.tries_left for each in wallets), default=0),
            more=len(prompts) - 1,
            saying=text,
            mood=mood,
            refresh_seconds=_REFRESH_SECONDS,
        )

    async def _back(self, request: HttpRequest) -> Response:
        return self._to(request, request.path_params["number"])

    async def _answer(self, request: HttpRequest) -> Response:
        form = await self._form(request)
        number = request.path_params["number"]
        prompt = self._prompt(request, form.get("prompt", ""))
        if prompt is None:
            return self._to(request, number, "late")
        if form.get("decision") == "refuse":
            try:
                self._book.refuse(prompt)
            except Conflict:
                return self._to(request, number, "late")
            return self._to(request, number, "refused")
        pin = form.get("pin", "").strip()
        return self._to(request, number, self._book.enter_pin(prompt, pin) if pin else "empty")

    async def _put_cash_in(self, request: HttpRequest) -> Response:
        wallet = self._wallet(request, await self._form(request))
        amount = Decimal(wallet.operator.opening_balance // 10)
        wallet.post("cash", amount, self._book.now(), "", "")
        return self._to(request, wallet.number, "cash")

    async def _unblock(self, request: HttpRequest) -> Response:
        wallet = self._wallet(request, await self._form(request))
        self._book.unblock(wallet)
        return self._to(request, wallet.number, "unblocked")

    # Parts --------------------------------------------------------------------------------------

    async def _form(self, request: HttpRequest) -> dict[str, str]:
        if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            raise HTTPException(403)
        return await read_form(request)

    def _wallets(self, request: HttpRequest) -> list[Wallet]:
        """The number's wallet at its operator, and the one in MTN's sandbox if it was used."""
        number = request.path_params["number"]
        operator = operator_of(number) if _number_of(number) == number else None
        if operator is None:
            raise HTTPException(404)
        if self._book.scenario(operator, "disburse", number).wallet == "none":
            return []
        found = [self._book.wallet(operator, number)]
        other = self._book.wallets.get(("mtn.sandbox", number))
        return found if other is None or other is found[0] else [*found, other]

    def _wallet(self, request: HttpRequest, form: dict[str, str]) -> Wallet:
        wanted = form.get("operator")
        found = [each for each in self._wallets(request) if each.operator.id == wanted]
        if not found:
            raise HTTPException(404)
        return found[0]

    def _prompt(self, request: HttpRequest, secret: str) -> Request | None:
        prompts = [each for wallet in self._wallets(request) for each in self._book.prompts(wallet)]
        return next((each for each in prompts if each.secret == secret), None)

    def _to(self, request: HttpRequest, number: str, saying: str | None = None) -> Response:
        query = {"said": saying, "lang": request.query_params.get("lang")}
        text = urlencode({name: value for name, value in query.items() if value is not None})
        return RedirectResponse(
            f"{self._base}/phone/{number}{'?' if text else ''}{text}", 303, HEADERS
        )

    def not_found(self, request: HttpRequest) -> Response:
        """The page for an address that leads nowhere."""
        return self._page(request, "lost.html", 404)

    def _page(self, request: HttpRequest, name: str, status: int = 200, **values: Any) -> Response:
        asked = request.query_params.get("lang")
        language = chosen(asked, request.headers.get("accept-language", ""))
        html = self._pages.get_template(name).render(
            **values,
            base=self._base,
            path=f"{self._base}{_path(request)}",
            language=language,
            languages=LANGUAGES,
            query=f"?lang={language}" if asked in LANGUAGES else "",
            pin=PIN,
            entry_words=_ENTRIES,
            shown_entries=_SHOWN_ENTRIES,
            t=lambda text: said(text, language),
            money=lambda amount, operator: money(amount, operator, language),
            grouped=grouped,
        )
        headers = {**HEADERS, "Content-Security-Policy": policy(), "Vary": "Accept-Language"}
        return HTMLResponse(html, status, headers)


def _path(request: HttpRequest) -> str:
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    return str(path)


def _number_of(typed: str) -> str | None:
    """The digits of a number that an operator has: ``+237 6…``, ``00237…``, nine digits at home."""
    digits = "".join(each for each in typed if each not in " -.()\u00a0\u202f").removeprefix("+")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 15):
        return None
    digits = digits.removeprefix("00")
    if len(digits) == 9 and digits.startswith("6"):
        digits = f"237{digits}"
    return digits if operator_of(digits) else None


def _static(name: str) -> str:
    return files(__package__ or "").joinpath(f"static/{name}").read_text("utf-8")


def _style() -> str:
    # Inline styles are forbidden, so each operator's colours are rules of the one stylesheet.
    own = _static("phone.css")
    rules = [
        f".{each.id.replace('.', '-')} {{ --brand: {each.colour}; --accent: {each.accent}; }}"
        for each in OPERATORS.values()
    ]
    return "\n".join([stylesheet(), own, *rules, ""])
