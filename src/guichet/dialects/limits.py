"""Who may ask, and how much: what stands before the handlers of every dialect."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from guichet.domain.access import Caller
from guichet.domain.errors import RateLimited, Unauthenticated
from guichet.gateway import Gateway
from guichet.store.scope import acting_for
from guichet.web.asgi import Handler, Reply, Request
from guichet.web.proxies import network_of

#: Finds the caller, or raises ``Unauthenticated`` or ``Forbidden``.
Identify = Callable[[Gateway, Request], Caller]
CallerHandler = Callable[[Request, Caller], Awaitable[Reply]]


def limited(gateway: Gateway, identify: Identify, handler: CallerHandler, path: str) -> Handler:
    """``handler`` for callers that ``identify`` finds, within their limits (``services.limits``).

    ``path`` is the route's: what is read and does not end in a name is a list, which costs more.
    From here on the request acts for its caller's application and for no other (``store.scope``).
    """
    limits = gateway.limits
    may_be_list = not path.endswith("}")

    async def answer(request: Request) -> Reply:
        # Payers' data must not stay in anybody's cache.
        request.reply_headers.append(("Cache-Control", "no-store, private"))
        try:
            caller = identify(gateway, request)
        except Unauthenticated:
            is_shown = "authorization" in request.headers
            limits.refused_key(network_of(request.client_address), is_shown=is_shown)
            raise
        application = caller.application
        is_list = may_be_list and request.method in ("GET", "HEAD")
        with limits.under_way(application, is_list=is_list), acting_for(application.id):
            remaining = limits.take(application)
            if remaining is not None:
                limit = application.requests_per_minute
                request.reply_headers += limit_headers(limit, remaining)
            return await handler(request, caller)

    return answer


def limit_headers(limit: int, remaining: int) -> list[tuple[str, str]]:
    """Laravel's headers (``throttle:60,1``) on every answer to a limited application."""
    return [("X-RateLimit-Limit", str(limit)), ("X-RateLimit-Remaining", str(remaining))]


def refused_headers(error: RateLimited) -> list[tuple[str, str]]:
    """The same for a request beyond a limit, and when to try again."""
    return [("Retry-After", str(error.retry_after_seconds)), *limit_headers(error.limit, 0)]
