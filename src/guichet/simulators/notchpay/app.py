"""The simulator as one ASGI program."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.types import ASGIApp

from guichet.simulators.common.faults import Faults
from guichet.simulators.common.posting import HttpPost
from guichet.simulators.operator.phone import PhoneSite

from .access import Keys
from .api import Api
from .control import Control
from .desk import Desk
from .page import PayPage
from .records import Order
from .webhooks import Webhooks
from .wire import refused

PROMPT_SECONDS = 5 * 60


@dataclass(frozen=True, slots=True)
class Credentials:
    """The keys of the one account there is."""

    public_key: str = "pk_test.guichet-simulator"
    private_key: str = field(default="sk_test.guichet-simulator", repr=False)
    hash_key: str = field(default="hsk_test.guichet-simulator", repr=False)


def build_app(
    base_url: str,
    credentials: Credentials | None = None,
    http_post: HttpPost | None = None,
    merchant: str = "Guichet Demo Shop",
    plain: str = "complete",
    prompt_seconds: int = PROMPT_SECONDS,
) -> ASGIApp:
    """A simulated Notch Pay over simulated operators, with nothing in the book.

    ``base_url`` is the public address under which the program is reached, path of the mount
    included. ``http_post(url, body, headers)`` sends webhooks and answers the HTTP status; a plain
    client does it if none is given. ``merchant`` is the name that phones show. ``plain``: what
    numbers do that mean nothing, ``complete`` at once or wait for the ``phone``.
    ``prompt_seconds`` is how long a customer has to answer.

    State is in memory: one process serves it, and it is gone when that process ends.
    """
    base_url = base_url.rstrip("/")
    keys = credentials or Credentials()
    faults = Faults()
    webhooks = Webhooks(faults, keys.hash_key, http_post)

    def tell(event: str, order: Order) -> None:
        webhooks.tell(event, order, list(desk.endpoints.values()))

    desk = Desk(tell, merchant, prompt_seconds, plain)
    api = Api(desk, faults, Keys(keys.public_key, keys.private_key), base_url)
    phones = PhoneSite(desk.book, base_url)
    routes = api.routes()
    control = Control(desk, faults, webhooks, api.people, api.operations)

    async def lost(request: HttpRequest, error: Exception) -> Response:
        path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
        status = error.status_code if isinstance(error, HTTPException) else 500
        if status == 404 and path.startswith("/phone/"):
            return phones.not_found(request)
        return refused(status, "There is nothing at this address for this method")

    app = Starlette(
        routes=[
            *control.routes(),
            *phones.routes(),
            *PayPage(desk, base_url, merchant).routes(),
            *routes,
        ],
        exception_handlers={HTTPException: lost},
    )
    app.router.redirect_slashes = False  # Notch Pay redirects nobody
    return app
