"""What a request tells about the browser that sent it, and about the page it came from."""

from __future__ import annotations

from guichet.domain.errors import Forbidden
from guichet.pages.addresses import origin
from guichet.web.asgi import Request

_FORM_TYPE = "application/x-www-form-urlencoded"


def own_origin(request: Request) -> str | None:
    """The origin under which the browser reached us, as far as the request tells."""
    return origin(f"{request.scope.get('scheme', 'http')}://{request.headers.get('host', '')}")


def refuse_foreign_form(request: Request, base_url: str) -> None:
    """Raise ``Forbidden`` for a form that another site made the browser send.

    The secret in the address is what authorises; this only keeps other sites' hands off. Older
    browsers send ``Origin: null`` here because of our own referrer policy.
    """
    media_type = request.headers.get("content-type", _FORM_TYPE).partition(";")[0].strip().lower()
    if media_type != _FORM_TYPE:
        raise Forbidden
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        if site not in ("same-origin", "none"):
            raise Forbidden
        return
    sender = request.headers.get("origin", "null")
    if sender != "null" and origin(sender) not in (origin(base_url), own_origin(request)):
        raise Forbidden
