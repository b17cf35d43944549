"""The simulator as one ASGI program."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from guichet.simulators.common.faults import Faults
from guichet.simulators.common.posting import HttpSend
from guichet.simulators.common.wire import Refusal, encode

from .book import Book
from .callbacks import Callbacks
from .control import Control
from .gsma_api import GsmaApi
from .mtn_api import MtnApi, refused
from .mtn_users import ApiUser, Users
from .phone import PhoneSite

PROMPT_SECONDS = 5 * 60
_NOWHERE = "There is nothing at this address for this method"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the simulator takes from the merchant.

    ``user`` and ``secret``: MTN's API user and API key, and the client of GSMA's API.
    ``key``: MTN's subscription key, and GSMA's ``X-API-Key``.
    """

    user: str = "guichet-simulator"
    secret: str = field(default="guichet-simulator", repr=False)
    key: str = field(default="guichet-simulator", repr=False)


def build_app(
    base_url: str,
    credentials: Credentials | None = None,
    http_send: HttpSend | None = None,
    merchant: str = "Guichet Demo Shop",
    callback_host: str | None = None,
    plain: str = "complete",
    prompt_seconds: int = PROMPT_SECONDS,
) -> ASGIApp:
    """Simulated operators and their customers' phones, with nothing in the book.

    ``base_url`` is the public address under which the program is reached, path of the mount
    included. ``http_send(method, url, body, headers)`` sends callbacks and answers the HTTP
    status; a plain client does it if none is given. ``merchant`` is the name that phones show.
    ``callback_host``: the only host (or host:port) that MTN calls back; None: any. ``plain``: what
    numbers do that mean nothing, ``complete`` at once or wait for the ``phone``.
    ``prompt_seconds`` is how long a customer has to answer.

    State is in memory: one process serves it, and it is gone when that process ends.
    """
    base_url = base_url.rstrip("/")
    known = credentials or Credentials()
    faults = Faults()
    callbacks = Callbacks(faults, http_send)
    book = Book(prompt_seconds, callbacks.tell, plain)
    users = Users(ApiUser(known.user, known.secret, callback_host, everywhere=True))
    mtn = MtnApi(book, faults, callbacks, users, known.key, merchant)
    gsma = GsmaApi(book, faults, (known.user, known.secret), known.key, merchant)
    site = PhoneSite(book, base_url)
    control = Control(book, faults, callbacks, users)

    async def home(request: HttpRequest) -> Response:
        return RedirectResponse(f"{request.url.path.rstrip('/')}/phone", 307)

    async def lost(request: HttpRequest, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
        if status == 404 and path.startswith("/phone/"):
            return site.not_found(request)
        if path.startswith("/mtn/"):
            return refused(Refusal(status, _NOWHERE))
        if path.startswith("/gsma/"):
            return gsma.refused(Refusal(status, _NOWHERE))
        return Response(encode({"error": _NOWHERE}), status, media_type="application/json")

    return Starlette(
        routes=[
            *mtn.routes(),
            *gsma.routes(),
            *site.routes(),
            *control.routes(),
            Route("/", home),
        ],
        exception_handlers={HTTPException: lost},
    )
