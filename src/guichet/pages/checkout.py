"""A payment's own pages: where it stands, the way to the bank and back, the code, the receipt.

The address carries the secret that lets its holder see and pay; there are no sessions.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from guichet.domain.access import Environment
from guichet.domain.errors import NotFound, NotPayable
from guichet.domain.money import Money
from guichet.domain.payments import UNDECIDED, Payment
from guichet.gateway import Gateway
from guichet.pages import handsets
from guichet.pages.addresses import is_web_address, origin, with_query
from guichet.pages.browsers import own_origin, refuse_foreign_form
from guichet.pages.handsets import Handset
from guichet.pages.language import Speech, negotiate, show_left, show_moment, show_money
from guichet.pages.looks import look_of
from guichet.pages.render import Renderer
from guichet.pages.stages import REFRESH_SECONDS, WATCHED_SECONDS, Stage, fingerprint, stage_of
from guichet.services.checkout import CheckoutView, open_checkout, receive_return, start_attempt
from guichet.services.payments import checkout_url
from guichet.web.asgi import MethodNotAllowed, Reply, Request, Router
from guichet.web.qr_codes import qr_svg_data_uri

#: How long a payer may read the receipt before the way back to the merchant opens by itself; they
#: are told, and can stay (WCAG 2.2.1 asks for 20 seconds at least).
RETURN_SECONDS = 20
#: After this long, the page says that the bank takes its time.
_SLOW_AFTER = {
    Stage.CONNECTING: timedelta(seconds=20),
    Stage.CHECKING: timedelta(minutes=1),
}
#: The stages from which a payer may start over from the payment link, if that is still open.
_NOT_PAID = frozenset({Stage.REFUSED, Stage.CANCELLED, Stage.EXPIRED})
#: Time left is counted by the second below this, and said in days beyond.
_COUNTED_SECONDS = 2 * 86_400
_IDENTIFIER = re.compile(r"[0-9a-f]{32}\Z")


class Place(NamedTuple):
    """A payment's page: its id, the secret of its address, and the address without host."""

    payment_id: UUID
    token: str
    path: str


class CheckoutPages:
    """The handlers, over one gateway."""

    def __init__(self, gateway: Gateway, renderer: Renderer) -> None:
        self._gateway = gateway
        self._renderer = renderer

    def add_routes(self, router: Router) -> None:
        """Serve ``/pay/…`` and ``/return/…``."""
        router.add("GET", "/pay/{payment}/{token}", self.show)
        router.add("POST", "/pay/{payment}/{token}", self.start)
        router.add("GET", "/pay/{payment}/{token}/status", self.status)
        router.add("GET", "/pay/{payment}/{token}/bank", self.go_to_bank)
        router.add("GET", "/pay/{payment}/{token}/returned", self.show_returned)
        router.add("GET", "/return/{attempt}/{token}", self.come_back)

    async def show(self, request: Request) -> Reply:
        """GET /pay/…: where the payment stands."""
        view, place = await self._open(request)
        return self._page(request, view, place, returned=False)

    async def show_returned(self, request: Request) -> Reply:
        """GET /pay/…/returned: the same, straight after the payer did their part."""
        view, place = await self._open(request)
        return self._page(request, view, place, returned=True)

    async def start(self, request: Request) -> Reply:
        """POST /pay/…: start the attempt, once however often this comes, and go on."""
        refuse_foreign_form(request, self._gateway.settings.base_url)
        place = self._place(request)
        view = await open_checkout(self._gateway, place.payment_id, place.token)
        if view.payment.rail == UNDECIDED:
            return await self._start_by_handset(request, view, place)
        try:
            view = await start_attempt(
                self._gateway, place.payment_id, place.token, request.client_address
            )
        except NotPayable:
            return self._renderer.see_other(place.path)
        return self.onward(request, view, place.path)

    async def _start_by_handset(self, request: Request, view: CheckoutView, place: Place) -> Reply:
        if self.stage(view, returned=False) is Stage.CHOOSE:
            wrong = await handsets.pay_by_handset(self._gateway, view, request)
            if wrong is not None:
                return self._page(request, view, place, returned=False, handset=wrong)
        return self._renderer.see_other(place.path)

    def onward(self, request: Request, view: CheckoutView, path: str) -> Reply:
        """To the bank, or to the page of the payment at ``path`` where the payer pays by a code."""
        if self._pays_by_code(view.payment):
            return self._renderer.see_other(path)
        bank_url = _bank_url(view)
        if bank_url is not None and origin(bank_url) == own_origin(request):
            return self._renderer.see_other(bank_url)
        return self._renderer.see_other(f"{path}/bank")

    async def go_to_bank(self, request: Request) -> Reply:
        """GET /pay/…/bank: on to the bank once its address is known, by a page of ours."""
        view, place = await self._open(request)
        stage = self.stage(view, returned=False)
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
        return self._renderer.see_other(f"{self.path_of(view.payment)}/returned")

    def path_of(self, payment: Payment) -> str:
        """The address of the payment's page, without host."""
        return urlsplit(checkout_url(self._gateway, payment.id)).path

    def stage(self, view: CheckoutView, *, returned: bool) -> Stage:
        """Where the payment stands now."""
        return stage_of(
            view.payment,
            view.attempt,
            returned=returned,
            now=self._gateway.clock.now(),
            link_state=view.link_state,
        )

    async def _open(self, request: Request) -> tuple[CheckoutView, Place]:
        place = self._place(request)
        return await open_checkout(self._gateway, place.payment_id, place.token), place

    def _place(self, request: Request) -> Place:
        payment, token = request.parameters["payment"], request.parameters["token"]
        return Place(_identifier(payment), token, f"{self._renderer.root}/pay/{payment}/{token}")

    def _page(
        self,
        request: Request,
        view: CheckoutView,
        place: Place,
        *,
        returned: bool,
        bank_url: str | None = None,
        handset: Handset = handsets.NOTHING,
    ) -> Reply:
        payment, attempt = view.payment, view.attempt
        stage = self.stage(view, returned=returned)
        speech = negotiate(request.headers.get("accept-language", ""))
        age = self._gateway.clock.now() - attempt.created_at if attempt else timedelta()
        merchant = view.application.name if view.application else view.payee.name
        look = look_of(view.link)
        return self._renderer.page_in(
            speech,
            422 if handset.problems else 200,
            "handoff" if bank_url else stage.value,
            amount_text=show_money(payment.money, speech.locale),
            attempt=attempt,
            bank_url=bank_url,
            bank_waits=attempt is not None
            and attempt.status == "waiting"
            and attempt.next_step_url is not None,
            brand=merchant,
            by_code=self._pays_by_code(payment),
            fingerprint=fingerprint(payment, attempt),
            institution=view.institution,
            logo=look.logo,
            merchant=merchant,
            merchant_url=self._merchant_url(view, stage),
            path=place.path,
            payee=view.payee,
            payment=payment,
            product=view.link.product if view.link else None,
            receipt=stage in (Stage.COMPLETED, Stage.REVERSED),
            refresh_seconds=None if bank_url else REFRESH_SECONDS.get(stage),
            retry_path=self._retry_path(view, stage),
            return_seconds=RETURN_SECONDS,
            returned=returned,
            sandbox=payment.environment == Environment.SANDBOX,
            slow=age > _SLOW_AFTER.get(stage, age),
            theme=look.theme,
            watch_seconds=None if bank_url else WATCHED_SECONDS.get(stage),
            by_handset=payment.rail == UNDECIDED,
            **handsets.shown(self._gateway, view, handset),
            **_moments(payment, speech),
            **self._scanned(view, stage, speech, place),
        )

    def _scanned(
        self, view: CheckoutView, stage: Stage, speech: Speech, place: Place
    ) -> dict[str, Any]:
        """What the page of the code shows besides."""
        code = view.attempt.next_step_code if view.attempt else None
        if stage is not Stage.SCAN or code is None:
            return {"next_path": None, "qr_picture": None, "seconds_left": None, "time_left": None}
        left = int((view.payment.expires_at - self._gateway.clock.now()).total_seconds())
        return {
            "next_path": f"{place.path}/returned",
            "qr_picture": _picture(code),
            "seconds_left": left if left < _COUNTED_SECONDS else None,
            "time_left": show_left(left, speech.locale),
        }

    def _pays_by_code(self, payment: Payment) -> bool:
        try:
            card = self._gateway.rails.get(payment.rail, payment.environment).card
        except KeyError:  # no longer set up
            return payment.payer_code is not None
        return card.begins_at_creation

    def _merchant_url(self, view: CheckoutView, stage: Stage) -> str | None:
        """The way back to the merchant, if there is one, in the words of its dialect."""
        application, link = view.application, view.link
        if application is None:
            return None
        face = self._gateway.faces[application.dialect]
        if link is not None:
            url = link.success_url if stage is Stage.COMPLETED else link.error_url
        else:
            url = face.return_url(view.payment) if application.returns_payer else None
        live = view.payment.environment == Environment.LIVE
        if url is None or not is_web_address(url, live=live):
            return None
        return with_query(url, face.payer_query(view.payment))

    def _retry_path(self, view: CheckoutView, stage: Stage) -> str | None:
        """Where a payer whose payment was not made can make another one."""
        if view.link is None or view.link_state != "open" or stage not in _NOT_PAID:
            return None
        return f"{self._renderer.root}/links/{view.link.slug}?again=1"


def _picture(code: str) -> str | None:
    try:
        return qr_svg_data_uri(code)
    except ValueError:  # longer than any QR code: it can still be copied
        return None


def _moments(payment: Payment, speech: Speech) -> dict[str, str | None]:
    back_minor = payment.refunded_minor + payment.returned_minor
    back = show_money(Money(back_minor, payment.currency), speech.locale) if back_minor else None
    done = payment.completed_at
    return {
        "completed_at": show_moment(done, speech.locale) if done else None,
        "refunded_text": back,
    }


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
