"""The payer's pages as an ASGI application.

A payment's address carries its own secret; there are no sessions. Nothing a browser says is
believed: what comes back from the bank is kept as a hint for the worker, and pages show what the
gateway knows. GET writes nothing, save that hint.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from guichet.domain.errors import Forbidden, NotFound, RateLimited, Unavailable
from guichet.gateway import Gateway
from guichet.pages.api_pages import ApiPages, MakeDocument
from guichet.pages.checkout import CheckoutPages
from guichet.pages.links import LinkPages
from guichet.pages.render import Renderer
from guichet.pages.themes import find_stylesheet
from guichet.services.limits import CallerLimits
from guichet.web.asgi import (
    Application,
    Handler,
    MethodNotAllowed,
    Refusal,
    Reply,
    Request,
    RouteNotFound,
    Router,
)
from guichet.web.proxies import TrustedProxies, network_of

_KEPT_FOR_EVER = ("cache-control", "public, max-age=31536000, immutable")


def build_app(gateway: Gateway, documents: Mapping[str, MakeDocument] | None = None) -> Application:
    """The application: payments, links, the files that pages load, a home page, and pages about
    the APIs whose OpenAPI ``documents`` are given by name.
    """
    return Pages(gateway, documents or {}).application()


class Pages:
    """What all pages share, and the routes of the others, over one gateway."""

    def __init__(self, gateway: Gateway, documents: Mapping[str, MakeDocument]) -> None:
        self._gateway = gateway
        self._documents = documents
        self._renderer = Renderer(gateway.settings.base_url)

    def application(self) -> Application:
        """Route the handlers."""
        router = Router()
        router.add("GET", "/", self.home)
        router.add("GET", "/theme/{name}", self.theme)
        payers = _LimitedRouter(router, self._gateway.limits)
        checkout = CheckoutPages(self._gateway, self._renderer)
        checkout.add_routes(payers)
        LinkPages(self._gateway, self._renderer, checkout).add_routes(payers)
        ApiPages(self._renderer, self._documents).add_routes(router)
        for asset in self._renderer.assets.values():
            router.add("GET", asset.path, self._file(asset.content_type, asset.body))
        settings = self._gateway.settings
        return Application(
            router,
            self.failure,
            body_limit_bytes=settings.body_limit_bytes,
            proxies=TrustedProxies(settings.trusted_proxies),
            body_timeout_seconds=settings.body_timeout_seconds,
        )

    async def home(self, request: Request) -> Reply:
        """GET /: what this server is."""
        return self._renderer.page(request, 200, "home")

    async def theme(self, request: Request) -> Reply:
        """GET /theme/…: the colours of a link's pages."""
        rules = find_stylesheet(request.parameters["name"])
        if rules is None:
            raise RouteNotFound
        headers = (*self._renderer.headers, _KEPT_FOR_EVER)
        return Reply(200, rules, "text/css; charset=utf-8", headers)

    def failure(self, request: Request, error: Exception) -> Reply:
        """Every error as a page of kind words; an address that guesses too much has to wait."""
        if isinstance(error, NotFound):
            try:
                self._gateway.limits.missed_page(network_of(request.client_address))
            except RateLimited as limited:
                error = limited
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
        reply = self._renderer.page(request, status, "message")
        return reply._replace(headers=(*reply.headers, *headers))

    def _file(self, content_type: str, body: bytes) -> Callable[[Request], Awaitable[Reply]]:
        headers = (*self._renderer.headers, _KEPT_FOR_EVER)

        async def serve(_request: Request) -> Reply:
            return Reply(200, body, content_type, headers)

        return serve


class _LimitedRouter(Router):
    """Adds routes to another router, their handlers behind the limit of looks at one page."""

    def __init__(self, router: Router, limits: CallerLimits) -> None:
        super().__init__()
        self._router = router
        self._limits = limits

    def add(self, method: str, path: str, handler: Handler) -> None:
        """Serve ``method`` on ``path``, whose second segment is the page's own."""

        async def serve(request: Request) -> Reply:
            page = request.path.split("/", 3)[2]
            self._limits.opened_page(network_of(request.client_address), page)
            return await handler(request)

        self._router.add(method, path, serve)
