"""The ASGI application of Notch Pay's dialect: its routes, and who may use them (contract 2)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from guichet.dialects.neopay.limits import RequestLimiter, limit_headers
from guichet.dialects.notchpay.auth import authenticate, granted_where_live
from guichet.dialects.notchpay.errors import error_reply
from guichet.dialects.notchpay.payments import Payments
from guichet.domain.access import Caller
from guichet.gateway import Gateway
from guichet.web.asgi import Application, Handler, Reply, Request, Router
from guichet.web.proxies import TrustedProxies

Identify = Callable[[Gateway, Request], Caller]
CallerHandler = Callable[[Request, Caller], Awaitable[Reply]]


def build_app(gateway: Gateway) -> Application:
    """The application; it serves full paths from the root."""
    limiter = RequestLimiter()

    def by(identify: Identify, handler: CallerHandler) -> Handler:
        async def answer(request: Request) -> Reply:
            request.reply_headers.append(("Cache-Control", "no-store, private"))
            caller = identify(gateway, request)
            remaining = limiter.take(caller.application)
            if remaining is not None:
                limit = caller.application.requests_per_minute
                request.reply_headers += limit_headers(limit, remaining)
            return await handler(request, caller)

        return answer

    router = Router()

    def serve(methods: str, path: str, handler: CallerHandler, identify: Identify) -> None:
        for method in methods.split():
            router.add(method, path, by(identify, handler))

    payments = Payments(gateway)
    serve("GET", "/payments", payments.list, granted_where_live)
    serve("GET", "/payments/search", payments.list, granted_where_live)
    serve("POST", "/payments", payments.create, authenticate)
    serve("POST", "/payments/initialize", payments.create, authenticate)
    serve("GET", "/payments/{reference}", payments.show, authenticate)
    serve("PUT POST", "/payments/{reference}", payments.process, authenticate)
    serve("DELETE", "/payments/{reference}", payments.cancel, authenticate)
    return Application(
        router,
        error_reply,
        body_limit_bytes=gateway.settings.body_limit_bytes,
        proxies=TrustedProxies(gateway.settings.trusted_proxies),
    )
