"""The ASGI application of Neopay's dialect: its routes, and who may use them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from guichet.dialects.limits import RequestLimiter, limit_headers
from guichet.dialects.neopay.auth import authenticate, authenticate_application
from guichet.dialects.neopay.customers import Customers
from guichet.dialects.neopay.errors import error_reply
from guichet.dialects.neopay.institutions import Institutions
from guichet.dialects.neopay.links import Links
from guichet.dialects.neopay.payments import Payments
from guichet.domain.access import Caller
from guichet.gateway import Gateway
from guichet.web.asgi import Application, Handler, Reply, Request, Router
from guichet.web.proxies import TrustedProxies

_Authenticate = Callable[[Gateway, Request], Caller]
_CallerHandler = Callable[[Request, Caller], Awaitable[Reply]]


def build_app(gateway: Gateway) -> Application:
    """The application; it serves full paths, ``/api/…``."""
    return Application(
        build_routes(gateway),
        error_reply,
        body_limit_bytes=gateway.settings.body_limit_bytes,
        proxies=TrustedProxies(gateway.settings.trusted_proxies),
        body_timeout_seconds=gateway.settings.body_timeout_seconds,
    )


def build_routes(gateway: Gateway) -> Router:
    """The routes; the OpenAPI document (``openapi``) has an operation for each, a test says."""
    limiter = RequestLimiter()

    def by(identify: _Authenticate, handler: _CallerHandler) -> Handler:
        async def answer(request: Request) -> Reply:
            # Payers' data must not stay in anybody's cache.
            request.reply_headers.append(("Cache-Control", "no-store, private"))
            caller = identify(gateway, request)
            remaining = limiter.take(caller.application)
            if remaining is not None:
                limit = caller.application.requests_per_minute
                request.reply_headers += limit_headers(limit, remaining)
            return await handler(request, caller)

        return answer

    router = Router()

    def serve(methods: str, path: str, handler: _CallerHandler) -> None:
        for method in methods.split():
            router.add(method, path, by(authenticate, handler))

    payments, customers, institutions = Payments(gateway), Customers(gateway), Institutions(gateway)
    serve("GET", "/api/payments", payments.list)
    serve("POST", "/api/payments", payments.create)
    serve("GET", "/api/payments/{id}", payments.show)
    serve("GET", "/api/customers", customers.list)
    serve("POST", "/api/customers", customers.save)
    serve("PATCH PUT", "/api/customers", customers.update_named)
    serve("GET", "/api/customers/{id}", customers.show)
    serve("PATCH PUT", "/api/customers/{id}", customers.update)
    links = Links(gateway)
    serve("GET", "/api/links", links.list)
    serve("POST", "/api/links", links.create)
    serve("GET", "/api/links/{id}", links.show)
    serve("PATCH PUT", "/api/links/{id}", links.update)
    serve("DELETE", "/api/links/{id}", links.delete)
    serve("PATCH POST PUT", "/api/links/{id}/publish", links.publish)
    serve("PATCH POST PUT", "/api/links/{id}/unpublish", links.unpublish)
    serve("PATCH POST PUT", "/api/links/{id}/close", links.close)
    router.add("GET", "/api/institutions", by(authenticate_application, institutions.list))
    router.add("GET", "/api/institutions/{id}", by(authenticate_application, institutions.show))
    return router
