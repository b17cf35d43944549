"""Which page a request comes from, as far as the browser tells."""

from __future__ import annotations

from urllib.parse import urlsplit

from guichet.web.asgi import Request


def origin_host(request: Request) -> str | None:
    """The host of the page that sent the request, if a browser tells; ``null`` is told as such."""
    origin = request.headers.get("origin") or request.headers.get("referer")
    if not origin:
        return None
    try:
        return urlsplit(origin).hostname or origin
    except ValueError:
        return origin
