"""The banks' own pages: log in, choose an account, look at the payment, accept or refuse.

Plain HTML forms, no script. The address of an authorisation is its secret. A login gives a cookie
that is bound to this one authorisation by its path, and each form carries the session's own token,
so that no other site and no other tab's authorisation can press a button.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from guichet.simulators.common import media
from guichet.simulators.common.pages import HEADERS, policy, read_form, stylesheet, templates

from .accounts import Account, account_lines, accounts_of, money
from .book import Book, Conflict
from .institutions import BANKS, Bank
from .reasons import REASONS
from .records import AWAITING, Consent
from .scenarios import OUTCOMES, Scenario, password_is_right, scenario_of

_TRIES = 3
_COOKIE = "bank_session"


@dataclass(slots=True)
class Session:
    """A payer who has logged in for one authorisation. ``token`` stands in every form."""

    consent: Consent
    user: str
    scenario: Scenario
    accounts: list[Account]
    token: str
    account: Account | None = None


class BankSite:
    """All banks' pages over one book."""

    def __init__(self, book: Book, base_url: str) -> None:
        parts = urlsplit(base_url)
        self._book = book
        self._path = parts.path.rstrip("/")
        self._secure = parts.scheme == "https"
        self._sessions: dict[str, Session] = {}
        self._wrong_tries: Counter[str] = Counter()
        self._pages = templates(__package__ or "")
        self._pages.globals.update(money=money, account_lines=account_lines, base=self._path)
        self._style = _style()

    def reset(self) -> None:
        self._sessions.clear()
        self._wrong_tries.clear()

    def routes(self) -> list[Route]:
        at = "/bank/{bank}/authorise/{key}"
        return [
            Route("/bank/style.css", self._stylesheet),
            Route("/media/{bank}/{kind}.svg", self._media),
            Route(at, self._start),
            Route(f"{at}/login", self._start_again),
            Route(f"{at}/login", self._log_in, methods=["POST"]),
            Route(f"{at}/accounts", self._show_accounts),
            Route(f"{at}/accounts", self._choose_account, methods=["POST"]),
            Route(f"{at}/review", self._show_review),
            Route(f"{at}/decision", self._start_again),
            Route(f"{at}/decision", self._decide, methods=["POST"]),
        ]

    async def _stylesheet(self, _request: Request) -> Response:
        return Response(self._style, media_type="text/css")

    async def _media(self, request: Request) -> Response:
        bank = _bank(request)
        drawings = {"logo": media.logo, "icon": media.icon}
        if request.path_params["kind"] not in drawings:
            raise HTTPException(404)
        drawing = drawings[request.path_params["kind"]](bank.name, bank.colour, bank.accent)
        headers = {"Content-Security-Policy": "default-src 'none'"}
        return Response(drawing, media_type="image/svg+xml", headers=headers)

    # Steps --------------------------------------------------------------------------------------

    async def _start(self, request: Request) -> Response:
        consent = self._consent(request)
        if consent.status != AWAITING:
            return self._closed(consent)
        return self._login_page(consent)

    async def _start_again(self, request: Request) -> Response:
        return self._to(self._consent(request))

    async def _log_in(self, request: Request) -> Response:
        consent = self._consent(request)
        form = await read_form(request)
        if consent.status != AWAITING:
            return self._closed(consent)
        if form.get("decision") == "refuse":
            return _go(self._book.refuse(consent)) or self._closed(consent)
        user, password = form.get("user", ""), form.get("password", "")
        scenario = scenario_of(user)
        if scenario is None or not password_is_right(user, password):
            return self._wrong_login(consent)
        session_id = secrets.token_urlsafe(24)
        bank = BANKS[consent.institution_id]
        accounts = accounts_of(bank, scenario.user)
        self._sessions[session_id] = Session(
            consent, scenario.user, scenario, accounts, secrets.token_urlsafe(24)
        )
        self._wrong_tries.pop(consent.key, None)
        answer = self._to(consent, "accounts")
        answer.set_cookie(
            _COOKIE,
            session_id,
            path=self._address(consent),
            httponly=True,
            samesite="lax",
            secure=self._secure,
        )
        return answer

    def _wrong_login(self, consent: Consent) -> Response:
        self._wrong_tries[consent.key] += 1
        left = _TRIES - self._wrong_tries[consent.key]
        if left <= 0:
            self._book.refuse(consent, "FAILED", "The bank blocked the login after wrong passwords")
            return self._closed(consent)
        return self._login_page(consent, tries_left=left)

    async def _show_accounts(self, request: Request) -> Response:
        consent = self._consent(request)
        session = self._session(request, consent)
        if consent.status != AWAITING:
            return self._closed(consent)
        if session is None:
            return self._to(consent)
        return self._page("accounts.html", consent, session=session, step=2)

    async def _choose_account(self, request: Request) -> Response:
        consent = self._consent(request)
        form = await read_form(request)
        session = self._session(request, consent, form)
        if consent.status != AWAITING:
            return self._closed(consent)
        if session is None:
            return self._to(consent)
        chosen = [each for each in session.accounts if each.number == form.get("account")]
        if not chosen:
            return self._to(consent, "accounts")
        session.account = chosen[0]
        return self._to(consent, "review")

    async def _show_review(self, request: Request) -> Response:
        consent = self._consent(request)
        session = self._session(request, consent)
        if consent.status != AWAITING:
            return self._closed(consent)
        if session is None or session.account is None:
            return self._to(consent, "accounts" if session else "")
        today = f"{self._book.now():%-d %B %Y}"
        return self._page(
            "review.html", consent, session=session, account=session.account, today=today, step=3
        )

    async def _decide(self, request: Request) -> Response:
        consent = self._consent(request)
        form = await read_form(request)
        session = self._session(request, consent, form)
        if session is None or session.account is None:
            return self._to(consent) if consent.status == AWAITING else self._closed(consent)
        try:
            if form.get("decision") == "accept":
                url = self._book.accept(consent, session.scenario, session.account.as_payer())
            elif form.get("decision") == "refuse":
                url = self._book.refuse(consent)
            else:
                return self._to(consent, "review")
        except Conflict:
            return self._closed(consent)
        return _go(url) or self._closed(consent)

    # Parts --------------------------------------------------------------------------------------

    def _consent(self, request: Request) -> Consent:
        consent = self._book.consent_by_key(request.path_params["key"])
        if consent is None or consent.institution_id != request.path_params["bank"]:
            raise HTTPException(404)
        return consent

    def _session(
        self, request: Request, consent: Consent, form: Mapping[str, str] | None = None
    ) -> Session | None:
        session = self._sessions.get(request.cookies.get(_COOKIE, ""))
        if session is None or session.consent is not consent:
            return None
        if form is None or secrets.compare_digest(form.get("token", "").encode(), _bytes(session)):
            return session
        return None

    def _address(self, consent: Consent) -> str:
        return f"{self._path}/bank/{consent.institution_id}/authorise/{consent.key}"

    def _to(self, consent: Consent, step: str = "") -> Response:
        address = self._address(consent)
        return RedirectResponse(f"{address}/{step}" if step else address, 303, HEADERS)

    def _login_page(self, consent: Consent, tries_left: int | None = None) -> Response:
        status = 200 if tries_left is None else 422
        return self._page("login.html", consent, status=status, tries_left=tries_left, step=1)

    def _closed(self, consent: Consent) -> Response:
        status = 410 if consent.status == "EXPIRED" else 200
        return self._page("closed.html", consent, status=status, step=0)

    def _page(self, name: str, consent: Consent, *, status: int = 200, **values: Any) -> Response:
        html = self._pages.get_template(name).render(
            bank=BANKS[consent.institution_id],
            consent=consent,
            payment=consent.payment_request,
            address=self._address(consent),
            outcomes=OUTCOMES,
            reasons=REASONS,
            **values,
        )
        return HTMLResponse(html, status, {**HEADERS, "Content-Security-Policy": _policy(consent)})

    def not_found(self) -> Response:
        """The page for an address that leads nowhere."""
        html = self._pages.get_template("lost.html").render()
        return HTMLResponse(html, 404, {**HEADERS, "Content-Security-Policy": _policy(None)})


def _policy(consent: Consent | None) -> str:
    # Browsers apply form-action to the redirect that follows a form as well, so the place where
    # the payer returns to has to be named.
    return policy(consent.callback if consent else None)


def _go(url: str) -> Response | None:
    return RedirectResponse(url, 303, HEADERS) if url else None


def _bytes(session: Session) -> bytes:
    return session.token.encode()


def _bank(request: Request) -> Bank:
    bank = BANKS.get(request.path_params["bank"])
    if bank is None:
        raise HTTPException(404)
    return bank


def _style() -> str:
    # Inline styles are forbidden, so each bank's colours are rules of the one stylesheet.
    rules = [
        f".{bank.id} {{ --brand: {bank.colour}; --accent: {bank.accent}; }}"
        for bank in BANKS.values()
    ]
    return "\n".join([stylesheet(), *rules, ""])
