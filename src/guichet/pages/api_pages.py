"""``/openapi``: the APIs that this server speaks, as documents for programs and as pages.

They are public, and the same for everybody: no key, any origin, kept by whoever asks (ETag).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from hashlib import sha256
from typing import Any

from guichet.pages.api_views import ApiView, view_of
from guichet.pages.language import negotiate
from guichet.pages.render import Renderer
from guichet.web.asgi import Reply, Request, Router

#: Makes an OpenAPI document and its bytes; asked once, when it is first needed.
MakeDocument = Callable[[], tuple[Mapping[str, Any], bytes]]

_READABLE_BY_PAGES = (
    ("access-control-allow-origin", "*"),
    ("access-control-expose-headers", "ETag"),
    ("cross-origin-resource-policy", "cross-origin"),
    ("x-content-type-options", "nosniff"),
)
_PREFLIGHT = (
    ("access-control-allow-origin", "*"),
    ("access-control-allow-methods", "GET"),
    ("access-control-allow-headers", "Accept, Content-Type, If-None-Match, Authorization"),
    ("access-control-max-age", "86400"),
)
#: Who has a copy asks each time whether it is still right: a server may be updated any day.
_ASK_AGAIN = ("cache-control", "no-cache")


class _Api:
    """One API by its name in addresses."""

    def __init__(self, name: str, make: MakeDocument) -> None:
        self.name = name
        self._make = make

    @cached_property
    def view(self) -> ApiView:
        return view_of(self._make()[0])

    @cached_property
    def body(self) -> bytes:
        return self._make()[1]

    @cached_property
    def tag(self) -> str:
        return f'"{sha256(self.body).hexdigest()[:32]}"'


class ApiPages:
    """The handlers over the documents by name."""

    def __init__(self, renderer: Renderer, documents: Mapping[str, MakeDocument]) -> None:
        self._renderer = renderer
        self._apis = [_Api(name, make) for name, make in documents.items()]
        #: The APIs' words are English, and so are their pages.
        self._speech = negotiate("en")
        self._rendered: dict[str, Reply] = {}

    def add_routes(self, router: Router) -> None:
        """Serve the documents, if there are any."""
        if not self._apis:
            return
        router.add("GET", "/openapi", self.index)
        for api in self._apis:
            router.add("GET", f"/openapi/{api.name}", self._page(api))
            router.add("GET", f"/openapi/{api.name}.json", self._document(api))
            router.add("OPTIONS", f"/openapi/{api.name}.json", self.preflight)

    async def index(self, _request: Request) -> Reply:
        """GET /openapi: which APIs there are, and their operations."""
        return self._once("apis", apis=self._apis)

    async def preflight(self, _request: Request) -> Reply:
        """OPTIONS of a document, by a page elsewhere that asks with headers."""
        return Reply(204, b"", "", _PREFLIGHT)

    def _page(self, api: _Api) -> Callable[[Request], Awaitable[Reply]]:
        async def show(_request: Request) -> Reply:
            return self._once("api", name=api.name, api=api.view)

        return show

    def _once(self, template: str, name: str = "", **values: Any) -> Reply:
        """A page that is the same for everybody: writing one takes a tenth of a second."""
        reply = self._rendered.get(f"{template}/{name}")
        if reply is None:
            reply = self._renderer.page_in(self._speech, 200, template, name=name, **values)
            self._rendered[f"{template}/{name}"] = reply
        return reply

    def _document(self, api: _Api) -> Callable[[Request], Awaitable[Reply]]:
        async def answer(request: Request) -> Reply:
            headers = (*_READABLE_BY_PAGES, _ASK_AGAIN, ("etag", api.tag))
            known = request.headers.get("if-none-match", "")
            if known.strip() == "*" or api.tag in (_weak(tag) for tag in known.split(",")):
                return Reply(304, b"", "", headers)
            return Reply(200, api.body, headers=headers)

        return answer


def _weak(tag: str) -> str:
    """The tag for a weak comparison, which GET asks for (RFC 9110 13.1.2)."""
    return tag.strip().removeprefix("W/")
