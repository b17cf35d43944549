"""The simulator as two ASGI programs over one book."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from guichet.simulators.common.faults import Faults
from guichet.simulators.common.posting import HttpPost, post
from guichet.simulators.common.wire import Refusal

from .api import Api
from .book import Book
from .control import Control
from .orders import Orders
from .payloads import Payloads
from .problems import problem_response
from .records import Receiver
from .tokens import Tokens
from .wallet import Wallet
from .webhooks import Webhooks
from .wire import Writer

CLIENT_ID = "guichet-simulator"
CLIENT_SECRET = "guichet-simulator-secret"  # noqa: S105 — a made-up one for a made-up bank
KEY = "7d9f0335-8dcc-4054-9bf9-0dbd61d36906"
RETURN_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Simulator:
    """``api`` is served over TLS to those with a certificate, ``site`` to browsers.

    ``api_url`` is what the paths of the API Pix follow, ``token_url`` where tokens are.
    """

    api: ASGIApp
    site: ASGIApp
    api_url: str
    token_url: str


def build_simulator(
    base_url_api: str,
    base_url_site: str,
    client_id: str = CLIENT_ID,
    client_secret: str = CLIENT_SECRET,
    *,
    key: str = KEY,
    webhook_url: str | None = None,
    http_post: HttpPost | None = None,
    return_seconds: float = RETURN_SECONDS,
) -> Simulator:
    """A simulated PSP with one receiver, "Loja Guichê", and nothing in its book.

    ``base_url_api`` and ``base_url_site`` are the public addresses of the two programs, paths of
    mounts included. ``client_id`` and ``client_secret`` are the receiver's, ``key`` is its Pix
    key. ``webhook_url`` is where its notices go until it says otherwise. ``http_post(url, body,
    headers)`` sends them and answers the HTTP status; a plain client does it if none is given.
    ``return_seconds`` is how long a return is under way. Raises ``ValueError`` if
    ``base_url_site`` is too long for the QR pictures' locations, which lead there.

    State is in memory: one process and one event loop serve both programs, and it is gone when
    that process ends.
    """
    base_url_api = base_url_api.rstrip("/")
    base_url_site = base_url_site.rstrip("/")
    faults = Faults()
    webhooks = Webhooks(faults, http_post or post)
    book = Book(return_seconds, webhooks.tell)
    book.receivers[client_id] = Receiver(
        client_id,
        client_secret,
        key,
        "Loja Guichê",
        "SAO PAULO",
        "11222333000181",
        webhook_url,
        book.now() if webhook_url else None,
    )
    writer = Writer(base_url_site)
    tokens = Tokens(book)
    api = Api(book, faults, writer, tokens)
    orders = Orders(book, writer)
    control = Control(book, faults, webhooks, tokens, writer, orders)
    wallet = Wallet(book, orders, base_url_site)
    payloads = Payloads(book, writer, base_url_site)
    site = [*wallet.routes(), *payloads.routes(), *control.routes(), Route("/", _home)]
    return Simulator(
        _program(api.routes()),
        _program(site, wallet),
        f"{base_url_api}/v2",
        f"{base_url_api}/oauth/token",
    )


def _program(routes: list[Route], wallet: Wallet | None = None) -> ASGIApp:
    async def lost(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
        if wallet is not None and status in {404, 405} and not path.startswith("/_control/"):
            return wallet.not_found(request)
        return problem_response(Refusal(status, "Não há nada neste endereço para este método."))

    return Starlette(routes=routes, exception_handlers={HTTPException: lost})


async def _home(request: Request) -> Response:
    return RedirectResponse(f"{request.url.path.rstrip('/')}/wallet", 307)
