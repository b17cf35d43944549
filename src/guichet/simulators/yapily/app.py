"""The simulator as one ASGI program."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from guichet.simulators.common.faults import Faults
from guichet.simulators.common.posting import HttpPost
from guichet.simulators.common.wire import encode

from .api import Api
from .bank import BankSite
from .book import Book
from .control import Control
from .webhooks import Webhooks
from .wire import MEDIA_TYPE, Refusal, error_json

CONSENT_SECONDS = 30 * 60


def build_app(
    base_url: str,
    application_id: str,
    application_secret: str,
    http_post: HttpPost | None = None,
    webhook_url: str | None = None,
    webhook_secret: str | None = None,
    consent_seconds: int = CONSENT_SECONDS,
) -> ASGIApp:
    """A simulated Yapily and the banks behind it, with nothing in its book.

    ``base_url`` is the public address under which the program is reached, path of the mount
    included. ``application_id`` and ``application_secret`` are the credentials it takes.
    ``http_post(url, body, headers)`` sends webhooks and answers the HTTP status; a plain client
    does it if none is given. Webhooks are off until ``webhook_url`` or the control API sets where
    they go. ``consent_seconds`` is how long a payer has, and then the merchant, to use a consent.

    State is in memory: one process serves it, and it is gone when that process ends.
    """
    base_url = base_url.rstrip("/")
    faults = Faults()
    webhooks = Webhooks(faults, application_id, webhook_secret, http_post)
    webhooks.url = webhook_url
    book = Book(consent_seconds, webhooks.tell)
    api = Api(book, faults, base_url, application_id, application_secret)
    site = BankSite(book, base_url)
    control = Control(book, faults, webhooks, site)

    async def home(request: Request) -> Response:
        return RedirectResponse(f"{request.url.path.rstrip('/')}/_control/state", 307)

    async def lost(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
        if status == 404 and path.startswith("/bank/"):
            return site.not_found()
        refusal = Refusal(status, "There is nothing at this address for this method")
        return Response(encode(error_json(refusal)), status, media_type=MEDIA_TYPE)

    return Starlette(
        routes=[*api.routes(), *site.routes(), *control.routes(), Route("/", home)],
        exception_handlers={HTTPException: lost},
    )
