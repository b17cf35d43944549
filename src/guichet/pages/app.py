"""The payer's pages as an ASGI application.

A payment's address carries its own secret; there are no sessions and no cookies. Nothing a browser
says is believed: what comes back from the bank is kept as a hint for the worker, and pages show
what the gateway knows. GET writes nothing, save that hint.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from guichet.domain.access import Environment
from guichet.domain.errors import Forbidden, NotFound, NotPayable, RateLimited, Unavailable
from guichet.gateway import Gateway
from guichet.pages.addresses import is_web_address, origin, with_query
from guichet.pages.language import negotiate, show_moment, show_money
from guichet.pages.misses import Misses
from guichet.pages.render import Renderer
from guichet.pages.stages import WATCHED_SECONDS, Stage, fingerprint, stage_of
from guichet.services.checkout import CheckoutView, open_checkout, receive_return, start_attempt
from guichet.services.payments import checkout_url
from guichet.web.asgi import (
    Application,
    MethodNotAllowed,
    Refusal,
    Reply,
    Request,
    RouteNotFound,
    Router,
)
from guichet.web.proxies import TrustedProxies

#: How long a payer may read the receipt before the way back to the merchant opens by itself; they
#: are told, and can stay (WCAG 2.2.1 asks for 20 seconds at least).
RETURN_SECONDS = 20
#: After this long, the page says that the bank takes its time.
_SLOW_AFTER = {
    Stage.CONNECTING: timedelta(seconds=20),
    Stage.CHECKING: timedelta(minutes=1),
}
_IDENTIFIER = re.compile(r"[0-9a-f]{32}\Z")
_FORM_TYPE = "application/x-www-form-urlencoded"


def build_app(gateway: Gateway) -> Application:
    """The application: checkout, the bank's return, the files that pages load, and a home page."""
    return Pages(gateway).application()


class _Place(NamedTuple):
    """A payment's page: its id, the secret of its address, and the address without host."""

    payment_id: UUID
    token: str
    path: str


class Pages:
    """The handlers, over one gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._renderer = Renderer(gateway.settings.base_url)
        self._misses = Misses()

    def application(self) -> Application:
        """Route the handlers."""
        router = Router()
        router.add("GET", "/", self.home)
        router.add("GET", "/pay/{payment}/{token}", self.show)
        router.add("POST", "/pay/{payment}/{token}", self.start)
        router.add("GET", "/pay/{payment}/{token}/status", self.status)
        router.add("GET", "/pay/{payment}/{token}/bank", self.go_to_bank)
        router.add("GET", "/pay/{payment}/{token}/returned", self.show_returned)
        router.add("GET", "/return/{attempt}/{token}", self.come_back)
        for asset in self._renderer.assets.values():
            router.add("GET", asset.path, self._file(asset.content_type, asset.body))
        settings = self._gateway.settings
        return Application(
            router,
            self.failure,
            body_limit_bytes=settings.body_limit_bytes,
            proxies=TrustedProxies(settings.trusted_proxies),
        )

    async def home(self, request: Request) -> Reply:
        """GET /: what this server is."""
        return self._renderer.page(request, 200, "home", sandbox=False)

    async def show(self, request: Request) -> Reply:
        """GET /pay/…: where the payment stands."""
        view, place = await self._open(request)
        return self._page(request, view, place, returned=False)

    async def show_returned(self, request: Request) -> Reply:
        """GET /pay/…/returned: the same, straight after the bank."""
        view, place = await self._open(request)
        return self._page(request, view, place, returned=True)

    async def start(self, request: Request) -> Reply:
        """POST /pay/…: start the attempt, once however often this comes, and go to the bank."""
        _refuse_foreign_form(request, self._gateway.settings.base_url)
        place = self._place(request)
        try:
            view = await start_attempt(
                self._gateway, place.payment_id, place.token, request.client_address
            )
        except NotPayable:
            return self._renderer.see_other(place.path)
        bank_url = _bank_url(view)
        if bank_url is not None and origin(bank_url) == _own_origin(request):
            return self._renderer.see_other(bank_url)
        return self._renderer.see_other(f"{place.path}/bank")

    async def go_to_bank(self, request: Request) -> Reply:
        """GET /pay/…/bank: on to the bank once its address is known, by a page of ours."""
        view, place = await self._open(request)
        stage = self._stage(view, returned=False)
        if stage is Stage.CONNECTING:
            return self._page(request, view, place, returned=False)
        bank_url = _bank_url(view)
        if stage is not Stage.AT_BANK or bank_url is None:
            return self._renderer.see_other(place.path)
        return self._page(request, view, place, returned=False, bank_url=bank_url)

    async def status(self, request: Request) -> Reply:
        """GET /pay/…/status: what the page's script compares."""
        view, _ = await self._open(request)
        mark = fingerprint(view.payment, view.attempt)
        return self._renderer.data(b'{"fingerprint":"%s"}' % mark.encode())

    async def come_back(self, request: Request) -> Reply:
        """GET /return/…: the bank sent the payer back. Keeps the hint and answers at once."""
        if request.method == "HEAD":
            raise MethodNotAllowed(("GET",))
        attempt_id = _identifier(request.parameters["attempt"])
        parameters: dict[str, str] = {}
        for name, text in request.query:
            parameters.setdefault(name, text)
        view = await receive_return(
            self._gateway, attempt_id, request.parameters["token"], parameters
        )
        path = urlsplit(checkout_url(self._gateway, view.payment.id)).path
        return self._renderer.see_other(f"{path}/returned")

    def failure(self, request: Request, error: Exception) -> Reply:
        """Every error as a page of kind words; an address that guesses too much has to wait."""
        if isinstance(error, NotFound):
            wait_seconds = self._misses.add(request.client_address)
            if wait_seconds:
                error = RateLimited(self._misses.limit, wait_seconds)
        headers: tuple[tuple[str, str], ...] = ()
        match error:
            case NotFound() | RouteNotFound():
                status = 404
            case MethodNotAllowed():
                status = 405
                headers = (("allow", ", ".join(error.allowed)),)
            case RateLimited():
                status = 429
                headers = (("retry-after", str(error.retry_after_seconds)),)
            case Unavailable():
                status = 503
                headers = (("retry-after", str(error.retry_after_seconds)),)
            case Forbidden():
                status = 403
            case Refusal():
                status = error.status
            case _:
                status = 500
        reply = self._renderer.page(request, status, "message", sandbox=False)
        return reply._replace(headers=(*reply.headers, *headers))

    def _file(self, content_type: str, body: bytes) -> Callable[[Request], Awaitable[Reply]]:
        headers = (
            *self._renderer.headers,
            ("cache-control", "public, max-age=31536000, immutable"),
        )

        async def serve(_request: Request) -> Reply:
            return Reply(200, body, content_type, headers)

        return serve

    async def _open(self, request: Request) -> tuple[CheckoutView, _Place]:
        place = self._place(request)
        return await open_checkout(self._gateway, place.payment_id, place.token), place

    def _place(self, request: Request) -> _Place:
        payment, token = request.parameters["payment"], request.parameters["token"]
        return _Place(_identifier(payment), token, f"{self._renderer.root}/pay/{payment}/{token}")

    def _stage(self, view: CheckoutView, *, returned: bool) -> Stage:
        now = self._gateway.clock.now()
        return stage_of(view.payment, view.attempt, returned=returned, now=now)

    def _page(
        self,
        request: Request,
        view: CheckoutView,
        place: _Place,
        *,
        returned: bool,
        bank_url: str | None = None,
    ) -> Reply:
        payment, attempt = view.payment, view.attempt
        stage = self._stage(view, returned=returned)
        speech = negotiate(request.headers.get("accept-language", ""))
        age = self._gateway.clock.now() - attempt.created_at if attempt else timedelta()
        completed_at = payment.completed_at
        return self._renderer.page_in(
            speech,
            200,
            "handoff" if bank_url else stage.value,
            amount_text=show_money(payment.money, speech.locale),
            attempt=attempt,
            bank_url=bank_url,
            bank_waits=attempt is not None and attempt.status == "waiting",
            completed_at=show_moment(completed_at, speech.locale) if completed_at else None,
            fingerprint=fingerprint(payment, attempt),
            institution=view.institution,
            merchant=view.application.name if view.application else view.payee.name,
            merchant_url=self._merchant_url(view),
            path=place.path,
            payee=view.payee,
            payment=payment,
            receipt=stage in (Stage.COMPLETED, Stage.REVERSED),
            return_seconds=RETURN_SECONDS,
            returned=returned,
            sandbox=payment.environment == Environment.SANDBOX,
            slow=age > _SLOW_AFTER.get(stage, age),
            watch_seconds=None if bank_url else WATCHED_SECONDS.get(stage),
        )

    def _merchant_url(self, view: CheckoutView) -> str | None:
        """The way back to the merchant, if there is one, in the words of its dialect."""
        url = view.payment.notify_url
        live = view.payment.environment == Environment.LIVE
        application = view.application
        if application is None or not application.returns_payer or url is None:
            return None
        if not is_web_address(url, live=live):
            return None
        face = self._gateway.faces[application.dialect]
        return with_query(url, face.payer_query(view.payment))


def _identifier(text: str) -> UUID:
    if not _IDENTIFIER.match(text):
        raise NotFound("page", text)
    return UUID(text)


def _bank_url(view: CheckoutView) -> str | None:
    """The bank's address, once known; ``ValueError`` if a browser must not be sent there."""
    url = view.attempt.next_step_url if view.attempt else None
    if url is None:
        return None
    if not is_web_address(url, live=view.payment.environment == Environment.LIVE):
        raise ValueError("the rail's next step is not a web address")
    return url


def _own_origin(request: Request) -> str | None:
    """The origin under which the browser reached us, as far as the request tells."""
    return origin(f"{request.scope.get('scheme', 'http')}://{request.headers.get('host', '')}")


def _refuse_foreign_form(request: Request, base_url: str) -> None:
    """Raise ``Forbidden`` for a form that another site made the browser send.

    The secret in the address is what authorises; this only keeps other sites' hands off. Older
    browsers send ``Origin: null`` here because of our own referrer policy.
    """
    media_type = request.headers.get("content-type", _FORM_TYPE).partition(";")[0].strip().lower()
    if media_type != _FORM_TYPE:
        raise Forbidden
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        if site not in ("same-origin", "none"):
            raise Forbidden
        return
    sender = request.headers.get("origin", "null")
    if sender != "null" and origin(sender) not in (origin(base_url), _own_origin(request)):
        raise Forbidden
